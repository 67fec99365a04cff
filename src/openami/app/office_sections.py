"""Settings of the back office and its pages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from openami.app.section import Section


class Store(Section, frozen=True, kw_only=True):
    """Where registry, readings, campaigns and accounts are kept."""

    url: Annotated[str, Meta(description="Database address; SQLite needs nothing installed.")] = (
        "sqlite:///openami.sqlite"
    )


class Keystore(Section, frozen=True, kw_only=True):
    """Where the meters' keys are kept. Only the back office reads it."""

    path: Annotated[str, Meta(description="The encrypted file that holds the keys.")] = "keystore.bin"
    passphrase_file: Annotated[
        str, Meta(description="File whose first line opens the keystore; readable by its owner only.")
    ] = "keystore.passphrase"
    pending: Annotated[
        str, Meta(description="The encrypted file of new keys that meters are not known to use yet; never lose it.")
    ] = "keystore-pending.bin"
    counters: Annotated[
        str, Meta(description="Journal of invocation counters; losing it means resynchronising every meter.")
    ] = "counters.journal"


class Operations(Section, frozen=True, kw_only=True):
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


class Audit(Section, frozen=True, kw_only=True):
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


class Portal(Section, frozen=True, kw_only=True):
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


class Privacy(Section, frozen=True, kw_only=True):
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


class Mdm(Section, frozen=True, kw_only=True):
    """Metering data management."""

    four_eyes: Annotated[
        bool, Meta(description="Whether a second person confirms each value that a person sets or undoes.")
    ] = True
