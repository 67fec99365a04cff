"""Every few minutes: the root of new metering data goes into the audit log, and the heads of all logs to the witness.

The back office carries heads of authority and guard; it can forge none, for each log signs its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openami.app.expiry import endings
from openami.app.inner_zones import inner_part
from openami.app.installation import Installation
from openami.app.records import head_file, open_commands
from openami.app.sealing_keys import ed25519_key
from openami.backoffice.audit.answering import answer_about
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.note import WitnessKey, witnessed
from openami.backoffice.mdm.roots import Roots
from openami.io.blocking import Blocking, Executed
from openami.io.clock import Clock
from openami.io.disk import SystemDisk, write_whole
from openami.io.keystore.tls import Certificate
from openami.io.links.asking import ask
from openami.io.links.link import Link
from openami.io.store.engine import Store
from openami.model.errors import LinkError, OpenAmiError, SecurityError
from openami.protocols.zones.inner_message import InnerAnswer
from openami.protocols.zones.log_message import AddCheckpoint, AskCheckpoint, Cosigned, Head, HeadIs, Refused

LOG = logging.getLogger(__name__)
ACTOR = "witnessing"
HeadOf = Callable[[int], Awaitable[Head]]
"""The head of a log, and the proof that it continues its first so many leaves."""


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What is done in every period. `asked` is how the witness is reached, None where there is none.

    `own` is the certificate that is shown, `records` the folder of the log of `audit`. Without `roots` only that log
    is witnessed: the other logs and the certificates are looked after where the roots are.
    """

    installation: Installation
    audit: Audit
    roots: Roots | None
    clock: Clock
    blocking: Blocking
    asked: Callable[[], Awaitable[Link]] | None
    own: Certificate
    records: str
    sizes: dict[str, int]
    alarmed: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """For ever. What fails is said in the log and tried again in the next period."""
        while True:
            await self.once()
            await asyncio.sleep(self.installation.settings.audit.every_s)

    async def once(self) -> None:
        """One period."""
        if self.roots is not None:
            await self._enter_roots(self.roots)
            await self.blocking(self._look_at_certificates)
        if self.asked is None:
            return
        for origin, head_of in self._logs().items():
            try:
                await self._witness(origin, head_of)
            except LinkError as error:
                LOG.warning("%s was not witnessed: %s", origin, error)
            except OpenAmiError as error:
                LOG.critical("%s was not witnessed: %s", origin, error)
                text = f"not witnessed: {error}"[:500]
                await self.blocking(self.audit.enter, Kind.ALERT, ACTOR, origin, text)

    async def _enter_roots(self, roots: Roots) -> None:
        try:
            await self.blocking(roots.enter, datetime.fromtimestamp(self.clock.time(), UTC))
        except OpenAmiError as error:
            LOG.critical("the root of new metering data is not in the audit log: %s", error)

    def _look_at_certificates(self) -> None:
        """Alarm each one that ends soon, once at each stage."""
        for one in endings(self.installation, datetime.fromtimestamp(self.clock.time(), UTC)):
            name = str(one.file.relative_to(self.installation.folder))
            if one.stage is not None and self.alarmed.get(name) != one.stage:
                self.alarmed[name] = one.stage
                LOG.critical("certificate %s ends in %d days: openami pki renew", name, one.days)
                self.audit.enter(Kind.ALERT, ACTOR, name, f"the certificate ends in {one.days} days")

    def _logs(self) -> dict[str, HeadOf]:
        settings = self.installation.settings
        logs: dict[str, HeadOf] = {self.audit.log.origin: self._own_head}
        if self.roots is None:
            return logs
        if self.installation.path(settings.audit.commands).exists():
            logs[f"{settings.portal.name}/commands"] = self._head_of_commands
        for part, where in (("authority", settings.audit.authority), ("guard", settings.audit.guard)):
            if where:
                logs[f"{settings.portal.name}/{part}"] = self._remote_head(part, where)
        return logs

    async def _witness(self, origin: str, head_of: HeadOf) -> None:
        """Have the head of a log cosigned, and keep it."""
        assert self.asked is not None
        for _ in range(2):
            old = self.sizes.get(origin, 0)
            head = await head_of(old)
            request = AddCheckpoint(origin, old, head.proof, head.note)
            answer: Cosigned | HeadIs = await ask(self.asked, request, (Cosigned, HeadIs), self.clock)
            if isinstance(answer, Cosigned):
                self.sizes[origin] = head.size
                await self.blocking(self._keep, origin, head.note + answer.line)
                return
            self.sizes[origin] = answer.size
        raise SecurityError("the witness knows another size each time it is asked")

    def _keep(self, origin: str, note: str) -> None:
        settings = self.installation.settings
        if settings.audit.witness_key:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(settings.audit.witness_key))
            witnessed(note, WitnessKey(settings.witness.name, key))
        folder = self.installation.path(settings.audit.heads)
        disk = SystemDisk()
        disk.make_folder(folder)
        write_whole(disk, folder / head_file(origin), note.encode())
        if origin == self.audit.log.origin:
            self.audit.cosigned = note

    async def _own_head(self, old: int) -> Head:
        key = self._log_key(self.records)
        return _head(await self.blocking(answer_about, self.audit.log, key, AskCheckpoint(old)))

    async def _head_of_commands(self, old: int) -> Head:
        return await self.blocking(self._read_commands, old)

    def _read_commands(self, old: int) -> Head:
        key = self._log_key(self.installation.settings.audit.commands)
        with open_commands(self.installation, self.clock) as audit:
            return _head(answer_about(audit.log, key, AskCheckpoint(old)))

    def _remote_head(self, part: str, where: str) -> HeadOf:
        connect = inner_part(self.installation, self.own, part, where)

        async def head(old: int) -> Head:
            return await ask(connect, AskCheckpoint(old), Head, self.clock)

        return head

    def _log_key(self, records: str) -> Ed25519PrivateKey:
        return ed25519_key(log_key_file(self.installation, records))


def log_key_file(installation: Installation, records: str) -> Path:
    """The file of the key that signs the heads of the log in the folder `records`."""
    return installation.path(records) / "log.key"


@asynccontextmanager
async def run_witnessing(
    installation: Installation, store: Store, audit: Audit, clock: Clock
) -> AsyncIterator[Witnessing]:
    """Of all logs, where operations is. It runs while the context is open, as the settings say."""
    roots = Roots(store, audit, installation.path(installation.settings.audit.rows), SystemDisk())
    records = installation.settings.operations.records
    async with _running(installation, audit, clock, installation.operations_certificate(), records, roots) as one:
        yield one


@asynccontextmanager
async def run_pages_witnessing(installation: Installation, audit: Audit, clock: Clock) -> AsyncIterator[Witnessing]:
    """Of the log of pages that are a process of their own."""
    own, records = installation.portal_certificate(), installation.settings.portal.records
    async with _running(installation, audit, clock, own, records, None) as one:
        yield one


@asynccontextmanager
async def _running(
    installation: Installation, audit: Audit, clock: Clock, own: Certificate, records: str, roots: Roots | None
) -> AsyncIterator[Witnessing]:
    """The key of the log is made if it is not there."""
    settings = installation.settings.audit
    ed25519_key(log_key_file(installation, records))
    asked = inner_part(installation, own, "witness", settings.witness) if settings.witness else None
    with ThreadPoolExecutor(1, thread_name_prefix="audit") as executor:
        witnessing = Witnessing(installation, audit, roots, clock, Executed(executor), asked, own, records, {})
        running = asyncio.create_task(witnessing.run())
        try:
            yield witnessing
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _head(answer: InnerAnswer) -> Head:
    if isinstance(answer, Refused) or not isinstance(answer, Head):
        raise SecurityError(f"the log's head cannot be had: {answer}")
    return answer
