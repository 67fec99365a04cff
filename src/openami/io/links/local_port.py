"""The local port of IEC 62056-21, modes A to D, over a serial link: read-outs, registers, load profiles.

For binary HDLC behind a sign-on in mode E see `optical`.
"""

from __future__ import annotations

from typing import Final

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.optical import SIGN_ON, Reconfigurable
from openami.io.links.serial import SerialSettings
from openami.model.errors import LinkTimeout, ServiceError
from openami.protocols.iec62056_21.data_set import DataSet, decode_data_sets
from openami.protocols.iec62056_21.load_profile import Stretch, decode_load_profile, read_command
from openami.protocols.iec62056_21.message import Command, Identification, Option
from openami.protocols.iec62056_21.reader import (
    Acknowledged,
    ChangeSpeed,
    DataReceived,
    PasswordRequested,
    Reader,
    ReaderEvent,
    Refused,
    SignedOn,
)

SETTLE_S: Final = 0.3
"""Six characters at 300 baud take 0.2 s to leave; only then may the speed change."""


class LocalPortError(ServiceError):
    """The device understood and answered no."""


class LocalPort:
    """One device behind a head or a current loop. Errors: `LinkTimeout` if nothing usable comes, `LocalPortError`."""

    def __init__(self, link: Reconfigurable, clock: Clock, *, wake_up: bool = False, answer_s: float = 2.0) -> None:
        self._link = link
        self._clock = clock
        self._wake_up = wake_up
        self._answer_s = answer_s
        self._reader = Reader()
        self._driver: Driver[ReaderEvent] = Driver(self._reader, link, clock)

    async def read_out(self, address: str = "") -> tuple[Identification, list[DataSet]]:
        """The identification and the data sets of the device's read-out.

        A device that proposes a speed and then does not follow it is called once more and kept at 300 baud.
        """
        identification, event = await self._sign_on(address, Option.DATA_READOUT)
        if not isinstance(event, DataReceived):
            raise LocalPortError(f"{self._link.peer}: no read-out, but {event}")
        return identification, decode_data_sets(event.data.partition("!")[0])

    async def open(self, address: str = "") -> tuple[Identification, str]:
        """Enter programming mode; the identification and what the device gives for its password."""
        identification, event = await self._sign_on(address, Option.PROGRAMMING_MODE)
        if not isinstance(event, PasswordRequested):
            raise LocalPortError(f"{self._link.peer}: no programming mode, but {event}")
        return identification, event.operand

    async def password(self, password: str, level: int = 1) -> None:
        """Show password P1 or P2."""
        await self._acknowledged(Command("P", str(level), f"({password})"))

    async def read(self, address: str, kind: int = 1) -> list[DataSet]:
        """The data sets that the device answers for `address`, read with command R`kind`.

        Many devices answer with the value alone: it is that of `address`.
        """
        sets = await self._asked(Command("R", str(kind), f"{address}()"))
        return [each if each.address else DataSet(address, each.values) for each in sets]

    async def write(self, address: str, value: str, kind: int = 1) -> None:
        """Write with command W`kind`."""
        await self._acknowledged(Command("W", str(kind), f"{address}({value})"))

    async def load_profile(self, begin: str = "", end: str = "") -> list[Stretch]:
        """The load profile P.01 between two times as the device writes them."""
        return decode_load_profile(await self._asked(read_command(begin, end)))

    async def close(self) -> None:
        """Leave programming mode and end the link."""
        self._reader.sign_off()
        await self._driver.close()

    async def _sign_on(self, address: str, option: Option) -> tuple[Identification, ReaderEvent]:
        for follow in (True, False):
            self._reader = Reader(answer_s=self._answer_s, follow_speed=follow, wake_up=self._wake_up)
            self._driver = Driver(self._reader, self._link, self._clock)
            await self._link.reconfigure(SIGN_ON)
            self._reader.sign_on(self._clock.monotonic(), address, option)
            event = await self._next()
            if not isinstance(event, SignedOn):
                raise LinkTimeout(f"{self._link.peer}: no identification; is the head on the meter? {event}")
            identification = event.identification
            event = await self._next(SETTLE_S if identification.mode == "C" else 0.0)
            if not isinstance(event, Refused):
                return identification, event
        raise LinkTimeout(f"{self._link.peer}: {identification.text} identified itself, then {event}")

    async def _next(self, settle_s: float = 0.0) -> ReaderEvent:
        while isinstance(event := await self._driver.next_event(), ChangeSpeed):
            await self._clock.sleep(settle_s)
            await self._link.reconfigure(SerialSettings(event.speed, SIGN_ON.bytesize, SIGN_ON.parity))
        return event

    async def _asked(self, command: Command) -> list[DataSet]:
        event = await self._told(command)
        if not isinstance(event, DataReceived):
            raise LocalPortError(f"{command.letter}{command.type} {command.data}: no data, but {event}")
        return decode_data_sets(event.data)

    async def _acknowledged(self, command: Command) -> None:
        event = await self._told(command)
        if not isinstance(event, Acknowledged):
            raise LocalPortError(f"{command.letter}{command.type} was refused: {event}")

    async def _told(self, command: Command) -> ReaderEvent:
        self._reader.command(command, self._clock.monotonic())
        event = await self._next()
        if isinstance(event, DataReceived) and event.data.startswith("(ER"):
            raise LocalPortError(f"{command.letter}{command.type}: the device answers {event.data}")
        return event
