"""The meter's consumer port and optical port beside DLMS: P1 telegrams, SML files, read-outs of IEC 62056-21."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces import port_profile
from openami.field.meter.faces.port_registers import registers
from openami.field.meter.faces.sml_answers import known_to, sml_file
from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.model.errors import LinkError
from openami.model.event import EventCode
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.message import Command, Identification
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.iec62056_21.tariff_device import (
    CommandRefused,
    DeviceEvent,
    DeviceSettings,
    LockedOut,
    TariffDevice,
)
from openami.protocols.sml.conversation import Answering
from openami.protocols.wire.lockout import Lockout

WINTER_S = 3600
"""P1 times are winter time of central Europe; a meter that is played keeps it all the year."""
IDENTIFICATION = Identification("OAM", "5", "OpenAMI")
P1_HEADER = "OAM5OpenAMI"
P1_VERSION = "50"


class LocalFace(StrEnum):
    """Which port is played."""

    P1 = "p1"
    SML = "sml"
    IEC62056_21 = "iec62056-21"


def p1_telegram(meter: ElectricityMeter, now: float) -> bytes:
    """One telegram of version 5."""
    local = datetime.fromtimestamp(now + WINTER_S, UTC)
    sets = [DataSet("1-3:0.2.8", (P1_VERSION,)), DataSet("0-0:1.0.0", (f"{local:%y%m%d%H%M%S}W",))]
    sets.append(DataSet("0-0:96.1.1", (meter.config.serial.encode().hex().upper(),)))
    return encode_p1(P1_HEADER, sets + data_sets(meter, now, "1-0:"))


def data_sets(meter: ElectricityMeter, now: float, prefix: str = "") -> list[DataSet]:
    """The registers as text: kWh and kW with three decimals, volts with one."""
    found: list[DataSet] = []
    for code, number, _, unit in registers(meter, now):
        address = f"{prefix}{code.c}.{code.d}.{code.e}"
        if unit is Unit.VOLT:
            value = f"{number // 10:03d}.{number % 10}*V"
        else:
            value = f"{number // 1000:06d}.{number % 1000:03d}*k{unit.symbol}"
        found.append(DataSet(address, (value,)))
    return found


Hear = Callable[[bytes], bytes]
"""Octets that came, and what answers them."""


def _deaf(_data: bytes) -> bytes:
    return b""


class PushingPort:
    """A port that says what it has every `interval_s`; `hears` makes an end of a line that answers, if it does."""

    def __init__(
        self,
        message: Callable[[float], bytes],
        clock: Clock,
        interval_s: float,
        hears: Callable[[], Hear] = lambda: _deaf,
    ) -> None:
        self._message = message
        self._hears = hears
        self._clock = clock
        self._interval_s = interval_s

    async def serve(self, link: Link) -> None:
        """Push until the link ends; closes it."""
        hearing = asyncio.get_running_loop().create_task(_answer(link, self._hears()))
        try:
            while not hearing.done():
                await link.send(self._message(self._clock.time()))
                await asyncio.wait((hearing,), timeout=self._interval_s)
        except LinkError:
            return
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            await link.close()

    async def serve_line(self, link: Link) -> None:
        """A line that is always there."""
        await self.serve(link)


async def _answer(link: Link, hear: Hear) -> None:
    """Until the link ends."""
    while data := await link.receive():
        if answer := hear(data):
            await link.send(answer)


class ReadoutPort:
    """A port that answers sign-ons with a read-out and, in programming mode, reads of registers and load profile.

    It writes and executes nothing: whoever tries is in the meter's event log, and whoever guesses `passwords` (P1 and
    P2 by their digit) raises an alarm when he is locked out.
    """

    def __init__(self, meter: ElectricityMeter, clock: Clock, passwords: Mapping[str, str] | None = None) -> None:
        self._meter = meter
        self._clock = clock
        self._passwords = dict(passwords or {})
        self._lockout = Lockout()

    async def serve(self, link: Link) -> None:
        """Answer until the link ends; closes it."""
        number = self._meter.config.serial
        settings = DeviceSettings(IDENTIFICATION, self._readout, number, self._passwords, self._read)
        driver: Driver[DeviceEvent] = Driver(TariffDevice(settings, self._lockout), link, self._clock)
        try:
            while True:
                self.notice(await driver.next_event())  # the line's other end keeps one speed
        except LinkError:
            return
        finally:
            await link.close()

    async def serve_line(self, link: Link) -> None:
        """A line that is always there."""
        await self.serve(link)

    def notice(self, event: DeviceEvent) -> None:
        """What somebody tried at the port goes into the meter's log; a lock-out is an alarm besides."""
        now = self._clock.time()
        if isinstance(event, LockedOut):
            self._meter.advance(now)
            self._meter.alarm(EventCode.AUTHENTICATION_FAILED, now)
        elif isinstance(event, CommandRefused):
            self._meter.advance(now)
            self._meter.log(EventCode.AUTHENTICATION_FAILED, now)

    def _readout(self) -> list[DataSet]:
        return [DataSet("C.1.0", (self._meter.config.serial,)), *data_sets(self._meter, self._clock.time())]

    def _read(self, command: Command) -> str | None:
        wanted, _, argument = (command.data or "").partition("(")
        if wanted == port_profile.NAME:
            self._meter.advance(self._clock.time())
            return port_profile.load_profile(self._meter, argument.rstrip(")"), WINTER_S)
        values = (each.values[0] for each in self._readout() if each.address == wanted)
        return next((f"({value})" for value in values), None)


def local_port(
    face: LocalFace, meter: ElectricityMeter, clock: Clock, interval_s: float, password: str | None = None
) -> PushingPort | ReadoutPort:
    """The port of `meter` that `face` names; with a `password` (P1) programming mode asks for it."""
    if face is LocalFace.IEC62056_21:
        return ReadoutPort(meter, clock, {} if password is None else {"1": password})
    if face is LocalFace.P1:
        return PushingPort(lambda now: p1_telegram(meter, now), clock, interval_s)
    known = known_to(meter, clock)
    return PushingPort(lambda now: sml_file(meter, now), clock, interval_s, lambda: Answering(known).receive)
