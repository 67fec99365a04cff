"""The configuration file: one declared section per part, written with its comments by `openami init`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from openami.model.errors import SettingError

SETTINGS_FILE = "openami.toml"
INTRODUCTION = """\
# OpenAMI: settings of this installation.
# Every setting stands here with its default. Paths are relative to this file.
"""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file. A field's `Meta.description` is its comment and its documentation."""


class Store(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where registry, readings, campaigns and accounts are kept."""

    url: Annotated[str, Meta(description="Database address; SQLite needs nothing installed.")] = (
        "sqlite:///openami.sqlite"
    )


class Keystore(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the meters' keys are kept. Only the back office reads it."""

    path: Annotated[str, Meta(description="The encrypted file that holds the keys.")] = "keystore.bin"
    passphrase_file: Annotated[
        str, Meta(description="File whose first line opens the keystore; readable by its owner only.")
    ] = "keystore.passphrase"  # noqa: S105 - the name of a file
    pending: Annotated[
        str, Meta(description="The encrypted file of new keys that meters are not known to use yet; never lose it.")
    ] = "keystore-pending.bin"
    counters: Annotated[
        str, Meta(description="Journal of invocation counters; losing it means resynchronising every meter.")
    ] = "counters.journal"


class Headend(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The relay in the DMZ. It holds no key and no name."""

    listen: Annotated[str, Meta(description="Where the back office connects, host:port.")] = "127.0.0.1:4058"
    push_listen: Annotated[str, Meta(description="Where meters push to, host:port (TCP and UDP wrapper).")] = (
        "127.0.0.1:4059"
    )
    networks: Annotated[tuple[str, ...], Meta(description="Networks whose meters may be dialled; nothing else is.")] = (
        "127.0.0.0/8",
    )
    circuits: Annotated[int, Meta(ge=1, description="How many circuits may be open at once.")] = 10_000
    cells: Annotated[
        tuple[str, ...],
        Meta(description="Radio cells as NETWORK=CIRCUITS: how many circuits may be open at once into each network."),
    ] = ()
    collector_circuits: Annotated[
        int, Meta(ge=1, description="How many circuits may be open at once through one collector.")
    ] = 64
    spool: Annotated[
        str, Meta(description="Folder of the spool of pushes, or a stream in NATS: nats://host:4222/STREAM.")
    ] = "spool"
    spool_replicas: Annotated[
        int, Meta(ge=1, le=5, description="How many NATS servers keep the stream; one only with sync_interval: always.")
    ] = 3
    spool_bytes: Annotated[
        int, Meta(ge=1 << 16, description="How much the spool may hold; when it is full, pushes are refused.")
    ] = 1 << 30
    collector_listen: Annotated[
        str, Meta(description="Where collectors call in over TLS 1.3, host:port; empty: none may.")
    ] = ""
    collector_authority: Annotated[
        str, Meta(description="Certificate of the authority that vouches for collectors, PEM.")
    ] = "services/authority.pem"
    collector_deny_list: Annotated[
        str, Meta(description="List of collectors' certificates that were called back, signed; read again each minute.")
    ] = "services/denied.crl"
    collector_uploads: Annotated[str, Meta(description="Journal of how far each collector's spools were taken.")] = (
        "uploads.journal"
    )
    collector_bytes_per_s: Annotated[
        int, Meta(ge=1024, description="How fast one collector may upload, bytes per second.")
    ] = 4 << 20


class Collector(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A collector: it hears a neighbourhood, stores and forwards, lets circuits through; it holds no meter's key."""

    name: Annotated[str, Meta(description="Its name, as in its certificate.")] = "collector-1"
    headend: Annotated[str, Meta(description="Where it calls in, host:port.")] = "127.0.0.1:4060"
    headend_name: Annotated[str, Meta(description="The name in the head-end's certificate.")] = (
        "headend.openami.localhost"
    )
    headend_authority: Annotated[
        str, Meta(description="Certificate of the authority that vouches for the head-end, PEM.")
    ] = "tls/zones.pem"
    certificate: Annotated[
        str, Meta(description="Its private key and certificate in one PEM file: see `openami pki`.")
    ] = "tls/collector.pem"
    spool: Annotated[str, Meta(description="Folder of what waits for the head-end.")] = "collector-spool"
    spool_bytes: Annotated[
        int, Meta(ge=1 << 20, description="How much may wait; beyond it the oldest is given up first.")
    ] = 256 << 20
    meters: Annotated[
        tuple[str, ...], Meta(description="Meters that are reached over TCP, each ADDRESS=host:port.")
    ] = ()
    push_listen: Annotated[str, Meta(description="Where these meters push to, host:port (TCP and UDP).")] = (
        "127.0.0.1:4062"
    )
    sticks: Annotated[
        tuple[str, ...],
        Meta(description="Wireless M-Bus sticks, each KIND=LINK, as cul=serial:///dev/ttyUSB0."),
    ] = ()
    stick_every_s: Annotated[
        int, Meta(ge=0, description="Of a meter's telegrams that look alike one in so many seconds goes on; 0: all.")
    ] = 300
    ports: Annotated[
        tuple[str, ...],
        Meta(description="Consumer ports of meters, each KIND=LINK with p1 or sml, as p1=serial:///dev/ttyUSB0."),
    ] = ()
    port_every_s: Annotated[
        int, Meta(ge=0, description="Of what a port says one message in so many seconds goes on; 0: all.")
    ] = 300
    mesh: Annotated[
        str,
        Meta(description="Radio of a mesh, zep://HOST:PORT?peer=HOST:PORT, a peer for each neighbour; empty: none."),
    ] = ""
    mesh_folder: Annotated[
        str, Meta(description="Folder of the mesh: our station's key, the stations that may join, frame counters.")
    ] = "mesh"
    alarm_bytes: Annotated[
        int, Meta(ge=0, description="A push of at most so many bytes counts as an alarm and goes before the bulk.")
    ] = 160
    neighbours: Annotated[
        tuple[str, ...], Meta(description="Collectors that forward when the own WAN is lost, each host:port.")
    ] = ()
    forward_listen: Annotated[
        str, Meta(description="Where neighbours that lost their WAN are forwarded, host:port; empty: none are.")
    ] = ""
    status_listen: Annotated[str, Meta(description="The status page, host:port, on loopback; empty: none.")] = (
        "127.0.0.1:4061"
    )
    wake_listen: Annotated[str, Meta(description="Where wake-ups arrive (UDP), host:port; empty: none are taken.")] = ""
    wake_key: Annotated[
        str, Meta(pattern="^([0-9a-f]{64})?$", description="Ed25519 key that signs wake-ups, 64 hex digits.")
    ] = ""
    counters: Annotated[str, Meta(description="Journal of the wake-ups that came.")] = "collector.journal"
    bundles: Annotated[str, Meta(description="Folder of signed bundles of configuration and firmware.")] = "bundles"
    bundle_key: Annotated[
        str, Meta(pattern="^([0-9a-f]{64})?$", description="Ed25519 key that signs bundles, 64 hex digits.")
    ] = ""
    spread_s: Annotated[
        float, Meta(ge=0, description="Calling in begins at a random moment within so many seconds.")
    ] = 10.0


class Operations(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Campaigns and sessions with meters."""

    headend: Annotated[str, Meta(description="Address of the head-end, host:port.")] = "127.0.0.1:4058"
    fallbacks: Annotated[
        tuple[str, ...], Meta(description="Other head-ends that a person may choose, each host:port.")
    ] = ()
    chosen: Annotated[str, Meta(description="File of the head-end that a person chose.")] = "headend.chosen"
    read_every_s: Annotated[int, Meta(ge=60, description="Period of the scheduled reading of all meters, seconds.")] = (
        3_600
    )
    backfill_days: Annotated[
        int, Meta(ge=1, description="How far back each scheduled reading fills holes, days; meters keep about 60.")
    ] = 35
    deadline_s: Annotated[int, Meta(ge=60, description="How long a campaign may take, seconds.")] = 10_800
    concurrency: Annotated[int, Meta(ge=1, description="How many meters are read at once.")] = 200
    attempts: Annotated[int, Meta(ge=1, description="How often a meter is tried within one campaign.")] = 5
    records: Annotated[str, Meta(description="Folder of the audit log: who looked at whose data.")] = (
        "operations-records"
    )
    listen: Annotated[
        str, Meta(description="Where pages that are a process of their own ask operations, host:port.")
    ] = "127.0.0.1:4067"
    certificate: Annotated[str, Meta(description="What it shows there: private key and certificate in one file.")] = (
        "tls/operations-zone.pem"
    )
    push_every_s: Annotated[
        int,
        Meta(ge=60, description="Period in which meters push their profile; twice as long without one is an alarm."),
    ] = 3_600


class Audit(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is entered in the back office's audit log by itself, and who witnesses the heads of the logs."""

    every_s: Annotated[
        int, Meta(ge=60, description="Period of entering the root of new metering data and of witnessing, seconds.")
    ] = 600
    rows: Annotated[str, Meta(description="Folder of the lists of rows whose roots are in the log.")] = "known-rows"
    heads: Annotated[str, Meta(description="Folder of the heads that the witness has cosigned.")] = "cosigned"
    commands: Annotated[str, Meta(description="Folder of the log of what was done from the command line.")] = (
        "command-records"
    )
    witness: Annotated[str, Meta(description="Where the witness is asked, host:port; empty: there is none.")] = ""
    witness_key: Annotated[
        str, Meta(pattern="^([0-9a-f]{64})?$", description="The witness's public Ed25519 key, 64 hex digits.")
    ] = ""
    authority: Annotated[str, Meta(description="Where the authority is asked, host:port; empty: there is none.")] = ""
    guard: Annotated[str, Meta(description="Where the guard is asked, host:port; empty: there is none.")] = ""
    logs: Annotated[
        tuple[str, ...], Meta(description="The keys that sign their logs, ORIGIN=64 hex digits, for the pages.")
    ] = ()


class Portal(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The pages for operators and consumers."""

    listen: Annotated[str, Meta(description="Where the pages are served over TLS, host:port.")] = "127.0.0.1:8443"
    name: Annotated[str, Meta(description="Host name that people type; the certificate must carry it.")] = (
        "openami.localhost"
    )
    certificate: Annotated[str, Meta(description="Certificate chain, PEM.")] = "tls/portal.pem"
    key: Annotated[str, Meta(description="Private key, PEM.")] = "tls/portal.key"
    operations: Annotated[
        str, Meta(description="Where pages that are a process of their own ask operations, host:port.")
    ] = "127.0.0.1:4067"
    zone_certificate: Annotated[
        str, Meta(description="What they show there: private key and certificate in one file.")
    ] = "tls/portal-zone.pem"
    records: Annotated[str, Meta(description="Folder of the audit log of pages that are a process of their own.")] = (
        "portal-records"
    )
    hsts_max_age_s: Annotated[
        int, Meta(ge=0, description="How long browsers insist on TLS; start small, raise when certain.")
    ] = 300


class Privacy(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long what belongs to a person is kept, days."""

    identity_days: Annotated[
        int, Meta(ge=0, description="How long a name is kept after the person's last supply has ended.")
    ] = 1_095
    intervals_days: Annotated[
        int, Meta(ge=0, description="How long intervals are kept after the supply in which they were measured.")
    ] = 365
    keep_days: Annotated[int, Meta(ge=60, description="How long intervals are kept at all.")] = 1_095
    backup_days: Annotated[
        int, Meta(ge=0, description="After how long your backups expire; it is told where something is forgotten.")
    ] = 35


class Mdm(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Metering data management."""

    four_eyes: Annotated[
        bool, Meta(description="Whether a second person confirms each value that a person sets or undoes.")
    ] = True


class Zones(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
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


class Authority(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
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
        "authority.passphrase"  # noqa: S105 - the name of a file
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


class Guard(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
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
        "guard.passphrase"  # noqa: S105 - the name of a file
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
    feeders: Annotated[tuple[str, ...], Meta(description="Peak load of each feeder, NAME=watts.")] = ()
    keystore: Annotated[str, Meta(description="File of the meters' envelope keys, each wrapped.")] = "guard-meters.bin"


class Witness(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
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


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    store: Store = Store()
    keystore: Keystore = Keystore()
    headend: Headend = Headend()
    collector: Collector = Collector()
    operations: Operations = Operations()
    audit: Audit = Audit()
    portal: Portal = Portal()
    privacy: Privacy = Privacy()
    mdm: Mdm = Mdm()
    zones: Zones = Zones()
    authority: Authority = Authority()
    guard: Guard = Guard()
    witness: Witness = Witness()


def load_settings(path: Path) -> Settings:
    """Read a configuration file; raise `SettingError` that names the file, the setting and what is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}; write one with: openami init") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: {error}") from error
    try:
        return msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise SettingError(f"{path}: {error}") from error


def write_settings(settings: Settings) -> str:
    """The text of the configuration file, every setting with its comment."""
    lines = [INTRODUCTION]
    for section, values in sections(settings):
        lines += [f"# {_first_line(values)}", f"[{section}]"]
        for name, description, value in fields(values):
            lines += [f"# {description}", f"{name} = {_toml(value)}"]
        lines.append("")
    return "\n".join(lines)


def sections(settings: Settings) -> Iterator[tuple[str, Section]]:
    """The sections in the order of the file."""
    for name in settings.__struct_fields__:
        yield name, getattr(settings, name)


def fields(section: Section) -> Iterator[tuple[str, str, object]]:
    """Name, description and value of each setting of a section."""
    hints = get_type_hints(type(section), include_extras=True)
    for name in section.__struct_fields__:
        yield name, _description(hints[name]), getattr(section, name)


def address(text: str, setting: str) -> tuple[str, int]:
    """Split `host:port`; raise `SettingError` that names the setting."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingError(f"{setting} is {text!r}; write host:port, for example 127.0.0.1:4058")
    return host.strip("[]"), int(port)


def _description(hint: Any) -> str:
    return next(extra.description for extra in hint.__metadata__ if isinstance(extra, Meta) and extra.description)


def _first_line(section: Section) -> str:
    return (type(section).__doc__ or "").splitlines()[0]


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value)
