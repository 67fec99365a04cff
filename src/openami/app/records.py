"""The logs of an installation: a folder of records, one process at a time.

What runs all the time keeps its own log; what is done from the command line is entered in another one, which is open
only for that moment.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from openami.app.installation import Installation
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import MerkleLog
from openami.io.clock import Clock
from openami.io.disk import SystemDisk
from openami.io.spool.file_spool import FileSpool

RECORDS = "records"
"""The folder of an authority's log, in its own."""


def open_log(stack: ExitStack, installation: Installation, records: str, origin: str) -> MerkleLog:
    """The log in the folder that a setting names; `stack` closes it."""
    folder = installation.path(records)
    spool = FileSpool(folder, disk=SystemDisk(), random=secrets.token_bytes, limit_bytes=1 << 50)
    stack.callback(spool.close)
    return MerkleLog(spool, origin)


@contextmanager
def open_audit(installation: Installation, clock: Clock, *, pages: bool = False) -> Iterator[Audit]:
    """The back office's audit log, open while the context is; the portal's threads may enter things at once.

    `pages`: that of pages that are a process of their own.
    """
    settings = installation.settings
    records, name = (settings.portal.records, "portal") if pages else (settings.operations.records, "operations")
    with ExitStack() as stack:
        log = open_log(stack, installation, records, f"{settings.portal.name}/{name}")
        audit = Audit(log, clock.time, Lock())
        head = installation.path(settings.audit.heads) / head_file(log.origin)
        audit.cosigned = head.read_text(encoding="utf-8") if head.exists() else ""
        yield audit


@contextmanager
def open_commands(installation: Installation, clock: Clock) -> Iterator[Audit]:
    """The log of what is done from the command line. Raises `StoreError` while another command has it."""
    settings = installation.settings
    with ExitStack() as stack:
        log = open_log(stack, installation, settings.audit.commands, f"{settings.portal.name}/commands")
        yield Audit(log, clock.time)


def enter_command(installation: Installation, clock: Clock, kind: Kind, subject: str, what: str) -> None:
    """Enter what somebody is about to do from the command line, as the machine's user; raises `StoreError`."""
    with open_commands(installation, clock) as audit:
        audit.enter(kind, getpass.getuser(), subject, what)


def enter_beside(folder: Path, clock: Clock, kind: Kind, subject: str, what: str, digest: bytes = b"") -> None:
    """The same for an authority that has no installation: in a log in its own folder."""
    with ExitStack() as stack:
        spool = FileSpool(folder / RECORDS, disk=SystemDisk(), random=secrets.token_bytes, limit_bytes=1 << 50)
        stack.callback(spool.close)
        Audit(MerkleLog(spool, folder.name), clock.time).enter(kind, getpass.getuser(), subject, what, digest)


def head_file(origin: str) -> str:
    """The name of the file of a log's cosigned head."""
    return f"{origin.rpartition('/')[2]}.note"
