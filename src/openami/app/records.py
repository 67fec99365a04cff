"""The logs of an installation: a folder of records, one process at a time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from openami.app.installation import Installation
from openami.backoffice.audit.entry import Audit
from openami.backoffice.audit.log import MerkleLog
from openami.io.clock import Clock
from openami.io.disk import SystemDisk
from openami.io.spool.file_spool import FileSpool


def open_log(stack: ExitStack, installation: Installation, records: str, origin: str) -> MerkleLog:
    """The log in the folder that a setting names; `stack` closes it."""
    folder = installation.path(records)
    spool = FileSpool(folder, disk=SystemDisk(), random=secrets.token_bytes, limit_bytes=1 << 50)
    stack.callback(spool.close)
    return MerkleLog(spool, origin)


@contextmanager
def open_audit(installation: Installation, clock: Clock) -> Iterator[Audit]:
    """The back office's audit log, open while the context is; the portal's threads may enter things at once."""
    settings = installation.settings
    with ExitStack() as stack:
        log = open_log(stack, installation, settings.operations.records, f"{settings.portal.name}/operations")
        yield Audit(log, clock.time, Lock())
