"""Settings of the zones of two seals: what they show each other, the authority, the guard, the witness."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from openami.app.section import Section


class Zones(Section, frozen=True, kw_only=True):
    """Mutual TLS between back office and head-end."""

    authority: Annotated[str, Meta(description="Certificate of the authority that both sides trust, PEM.")] = (
        "tls/authority.pem"
    )
    headend_certificate: Annotated[str, Meta(description="The head-end's certificate, PEM.")] = "tls/headend.pem"
    headend_key: Annotated[str, Meta(description="The head-end's private key, PEM.")] = "tls/headend.key"
    operations_certificate: Annotated[str, Meta(description="The back office's certificate, PEM.")] = (
        "tls/operations.pem"
    )
    operations_key: Annotated[str, Meta(description="The back office's private key, PEM.")] = "tls/operations.key"


class Authority(Section, frozen=True, kw_only=True):
    """The authority: it checks who asks and who approves, and gives commands the first seal. A process of its own."""

    listen: Annotated[str, Meta(description="Where the back office asks it over TLS, host:port.")] = "127.0.0.1:4064"
    certificate: Annotated[str, Meta(description="Its private key and TLS certificate in one PEM file.")] = (
        "tls/authority-zone.pem"
    )
    keys: Annotated[
        str,
        Meta(description="Folder of its signing key, or a token, pkcs11:token=…."),
    ] = "authority-keys"
    passphrase_file: Annotated[str, Meta(description="File whose first line opens the folder of keys.")] = (
        "authority.passphrase"
    )
    records: Annotated[str, Meta(description="Folder of its log; it decides by what stands there.")] = (
        "authority-records"
    )
    people: Annotated[str, Meta(description="File of people's passkeys, its own.")] = "authority.people"
    roles: Annotated[
        tuple[str, ...], Meta(description='Whom it signs for: "network operator", "key custodian"; a key for each.')
    ] = ("network operator",)
    operators: Annotated[tuple[str, ...], Meta(description="Who may ask for and approve commands.")] = ()
    origins: Annotated[
        tuple[str, ...],
        Meta(description="The pages' addresses in browsers, https://host:port; empty: as [portal] here says."),
    ] = ()
    protected: Annotated[
        str, Meta(description="File of meters that supply protected customers, a system title a line; empty: none.")
    ] = ""


class Guard(Section, frozen=True, kw_only=True):
    """The guard: it counts what the authority has signed and gives the second seal. A process of its own."""

    listen: Annotated[str, Meta(description="Where the back office asks it over TLS, host:port.")] = "127.0.0.1:4065"
    certificate: Annotated[str, Meta(description="Its private key and TLS certificate in one PEM file.")] = (
        "tls/guard-zone.pem"
    )
    keys: Annotated[
        str,
        Meta(description="Folder of its agreement key, or a token, pkcs11:token=…."),
    ] = "guard-keys"
    passphrase_file: Annotated[str, Meta(description="File whose first line opens the folder of keys.")] = (
        "guard.passphrase"
    )
    records: Annotated[str, Meta(description="Folder of its log; it decides by what stands there.")] = "guard-records"
    people: Annotated[str, Meta(description="File of people's passkeys, its own.")] = "guard.people"
    planners: Annotated[tuple[str, ...], Meta(description="Who prepares emergency plans and changes limits.")] = ()
    authority_key: Annotated[
        str, Meta(pattern="^([0-9a-f]{128})?$", description="The authority's public key, x and y in 128 hex digits.")
    ] = ""
    custodian_key: Annotated[
        str,
        Meta(pattern="^([0-9a-f]{128})?$", description="The same of its key custodian; empty: no keys are changed."),
    ] = ""
    origins: Annotated[
        tuple[str, ...],
        Meta(description="The pages' addresses in browsers, https://host:port; empty: as [portal] here says."),
    ] = ()
    places: Annotated[str, Meta(description="CSV file of meters and where they hang, see the page on zones.")] = (
        "places.csv"
    )
    clocks: Annotated[
        tuple[str, ...],
        Meta(description="Three time sources that must agree: system, monotonic, boottime, rtc, rtc:FILE, ptp:DEVICE."),
    ] = ("system", "monotonic", "boottime")
    feeders: Annotated[tuple[str, ...], Meta(description="Peak load of each feeder, NAME=watts.")] = ()
    keystore: Annotated[str, Meta(description="File of the meters' envelope keys, each wrapped.")] = "guard-meters.bin"


class Witness(Section, frozen=True, kw_only=True):
    """The witness, under other administration: it remembers the heads of logs and cosigns what continues them."""

    listen: Annotated[str, Meta(description="Where it is asked over TLS, host:port.")] = "127.0.0.1:4066"
    certificate: Annotated[str, Meta(description="Its private key and TLS certificate in one PEM file.")] = (
        "tls/witness-zone.pem"
    )
    name: Annotated[str, Meta(description="The name under which it cosigns.")] = "witness.openami.localhost"
    key: Annotated[str, Meta(description="File of its Ed25519 key, PEM; made if it is not there.")] = "witness.key"
    heads: Annotated[str, Meta(description="File of the heads that it remembers; never begin it anew.")] = (
        "witness.heads"
    )
    logs: Annotated[
        tuple[str, ...], Meta(description="The logs that it knows, ORIGIN=public key in 64 hex digits.")
    ] = ()
