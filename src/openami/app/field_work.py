"""Work at the meter with a laptop: its local port instead of a circuit, its sealed answers kept as evidence.

The laptop carries an installation of its own, or the back office's while that does not run: it holds the keys.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from openami.app.enrolment import ENERGIES, EnrolmentLine, Line, Rejected, enrol_meter, keep_keys
from openami.app.installation import Installation
from openami.app.key_work import IN_USE
from openami.app.parts import operations_settings
from openami.app.records import open_commands
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.key_line import KeyLine
from openami.backoffice.operations.key_roll_over import RolledOver, RollOver
from openami.backoffice.operations.session_result import PROTOCOL
from openami.backoffice.operations.sessions import Sessions
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.clock import Clock
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.links.address import open_link
from openami.io.links.link import Link
from openami.io.links.registers import RegistersRead, read_registers
from openami.io.store.engine import Store
from openami.model.errors import ConnectFailed, SettingError
from openami.model.point import Meter
from openami.model.reading import RegisterReading


class LocalPort(HeadendClient):
    """The meter's local port where else the head-end's circuit is; whoever opens the other way finds none."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_no_headend, clock)

    async def open_circuit(self, link: str, timeout_s: float) -> Link:
        return await open_link(link, timeout_s=timeout_s)


async def _no_headend() -> Link:
    raise ConnectFailed("at a meter's local port there is no head-end")


@dataclass(frozen=True, slots=True)
class FieldReading:
    """What a meter's registers showed, and the id of the sealed bytes that say so."""

    serial: str
    answer: RegistersRead
    evidence: int


@dataclass(frozen=True, slots=True)
class FieldTool:
    """One installation in the hands of somebody who stands before the meter."""

    store: Store
    registry: Registry
    mdm: Mdm
    keystore: FileKeystore
    sessions: Sessions
    pending: FileKeystore
    audit: Audit
    clock: Clock

    async def read(self, serial: str, link: str, framing: str, note: str = "read at the local port") -> FieldReading:
        """Read a registered meter's registers at `link` over HLS 5 and keep them, with their bytes."""
        meter = self._meter(serial)
        return self._keep(meter, await self._ask(meter, link, framing), note)

    async def commission(self, line: EnrolmentLine, link: str, framing: str) -> FieldReading:
        """Enter the meter of `line` and read it: all of it stays only if the meter answers with its keys."""
        self._enter(line.serial, "commissioned at the local port")
        with self.store.transaction():
            enrol_meter(self.registry, self.keystore, line, self._now())
            meter = self._meter(line.serial)
            return self._keep(meter, await self._ask(meter, link, framing), "opening read at the local port")

    async def exchange(
        self, old: str, line: EnrolmentLine, links: tuple[str, str], framing: str
    ) -> tuple[FieldReading, FieldReading]:
        """Closing read of the meter `old` at `links[0]`, then the meter of `line` in its place with its opening read at
        `links[1]`. Nothing is changed unless both meters answer.
        """
        leaving = self._meter(old)
        self._enter(old, f"exchanged for meter {line.serial} at the local port")
        closing = await self._ask(leaving, links[0], framing)
        with self.store.transaction():
            closed = self._keep(leaving, closing, "closing read at the local port")
            at = closing.at.replace(microsecond=0)
            new = self.registry.add_meter(
                line.serial, bytes.fromhex(line.system_title), leaving.guarantee, line.link, line.framing
            )
            keep_keys(self.keystore, line)
            self.registry.exchange(leaving.id, new.id, at)
            opening = await self._ask(new, links[1], framing)
            return closed, self._keep(new, opening, "opening read at the local port")

    async def replace_keys(self, serial: str, link: str, framing: str) -> RolledOver | None:
        """Give a meter keys that its maker does not know, at `link`; None if it has no master key to wrap them under.

        What was not finished is pending: `openami keys roll` goes on with it.
        """
        meter = self._meter(serial)
        if self.keystore.meter_keys(meter.system_title).master_key is None:
            return None
        at_hand = replace(meter, framing=framing)
        line = KeyLine(self.sessions, lambda _title: (at_hand, link), self.clock)
        rolling = RollOver(self.keystore, self.pending, line, secrets.token_bytes)
        self._enter(serial, "new keys were made")
        rolling.begin([meter.system_title])
        done = (await rolling.go_on([meter.system_title]))[meter.system_title]
        if done is RolledOver.DONE:
            self._enter(serial, IN_USE)
        return done

    def retire(self, serial: str) -> None:
        """A meter is worth nothing any more: it hangs nowhere, is not dialled, and its keys are destroyed.

        What it measured stays. Its serial number and system title cannot be entered again.
        """
        meter = self._meter(serial)
        self._enter(serial, "retired: its keys are destroyed")
        with self.store.transaction():
            if self.registry.installation_at(meter.id, self._now()) is not None:
                self.registry.remove(meter.id, self._now())
            self.registry.change_link(meter.id, None)
        for keystore in (self.pending, self.keystore):
            keystore.remove_many([meter.system_title])

    def _enter(self, serial: str, what: str) -> None:
        self.audit.enter(Kind.KEY, getpass.getuser(), f"meter {serial}", what)

    async def _ask(self, meter: Meter, link: str, framing: str) -> RegistersRead:
        async with self.sessions.client(replace(meter, framing=framing), link) as client:
            await client.associate()
            answer = await read_registers(client, self.clock, ENERGIES)
            await client.release()
            return answer

    def _keep(self, meter: Meter, answer: RegistersRead, note: str) -> FieldReading:
        """Evidence and stamped registers, whole seconds, in watt-hours as the channels count."""
        at = answer.at.replace(microsecond=0)
        with self.store.transaction():
            evidence = self.mdm.keep_evidence(meter.id, at, PROTOCOL, answer.received, answer.plain, note)
            self.mdm.take_register(
                [
                    RegisterReading(meter.id, code, at, int(quantity.value), at, evidence)
                    for code, _, quantity in answer.values
                ]
            )
        return FieldReading(meter.serial, answer, evidence)

    def _meter(self, serial: str) -> Meter:
        if (meter := self.registry.meter_by_serial(serial)) is None:
            raise NotRegistered(f"meter {serial} is not in the registry: commission it first")
        return meter

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self.clock.time()), UTC)


@asynccontextmanager
async def open_field_tool(installation: Installation, clock: Clock) -> AsyncIterator[FieldTool]:
    """The tool over an installation that nobody else uses now: its counters are locked."""
    with ExitStack() as stack:
        store, keystore, counters = (
            installation.open_store(),
            installation.open_keystore(),
            installation.open_counters(),
        )
        stack.callback(store.close)
        stack.callback(counters.close)
        audit = stack.enter_context(open_commands(installation, clock))
        registry = Registry(store)
        sessions = Sessions(
            LocalPort(clock),
            keystore.meter_keys,
            counters,
            clock,
            secrets.token_bytes,
            operations_settings(installation),
        )
        pending = installation.open_pending_keys()
        yield FieldTool(store, registry, Mdm(store, registry), keystore, sessions, pending, audit, clock)


def one_line(lines: Sequence[Line | Rejected], file: str) -> EnrolmentLine:
    """The one meter of a file; raises `SettingError` if it holds none, several, or a wrong one."""
    if len(lines) != 1 or not isinstance(lines[0], EnrolmentLine):
        reason = "; ".join(line.reason for line in lines if isinstance(line, Rejected)) or f"{len(lines)} lines"
        raise SettingError(f"{file}: one line with one meter is wanted: {reason}")
    return lines[0]
