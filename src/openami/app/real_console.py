"""The console of an installation whose authority and guard are processes of their own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from openami.app.console import Carrier, Console, KeyChanges, Logs
from openami.app.deciders import Asked, over
from openami.app.inner_zones import inner_part, log_key
from openami.app.installation import Installation
from openami.app.sealing_keys import ed25519_key
from openami.app.witnessing import log_key_file
from openami.backoffice.audit.answering import tail_of
from openami.backoffice.audit.entry import Audit
from openami.backoffice.audit.note import LogKey
from openami.backoffice.registry.registry import Registry
from openami.io.blocking import Executed
from openami.io.clock import Clock
from openami.io.keystore.tls import Certificate


@asynccontextmanager
async def open_console(
    installation: Installation,
    own: Certificate,
    records: str,
    registry: Registry,
    carrier: Carrier,
    keys: KeyChanges,
    audit: Audit,
    clock: Clock,
) -> AsyncIterator[Console | None]:
    """None where the settings name no authority or no guard.

    `own` is what the console shows to both, `records` the folder of its log, which is `audit`'s.
    """
    settings = installation.settings.audit
    if not (settings.authority and settings.guard):
        yield None
        return

    def part(name: str, where: str) -> Asked:
        return over(name, inner_part(installation, own, name, where), clock)

    with ThreadPoolExecutor(1, thread_name_prefix="console") as executor:
        yield Console(
            part("authority", settings.authority),
            part("guard", settings.guard),
            carrier,
            keys,
            registry,
            _logs(installation, audit, records),
            clock.time,
            secrets.token_bytes,
            Executed(executor),
        )


def _logs(installation: Installation, audit: Audit, records: str) -> Logs:
    """Our own log, and the keys of all logs that the settings name."""
    signing = ed25519_key(log_key_file(installation, records))
    origin = audit.log.origin
    named = dict(log_key(entry, "audit.logs") for entry in installation.settings.audit.logs)
    keys = {**named, origin: LogKey(origin, signing.public_key())}
    by_name = {one.rpartition("/")[2]: key for one, key in keys.items()}
    return Logs(audit, origin.rpartition("/")[2], by_name, partial(tail_of, audit.log, signing))
