"""What `openami mbus` does on a bus: the line opened, meters found, read and set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from openami.io.clock import SystemClock
from openami.io.links.address import open_link
from openami.io.links.link import Link
from openami.io.links.mbus import MbusMaster, line_settings
from openami.model.errors import SettingError
from openami.protocols.mbus.application import Application
from openami.protocols.mbus.selected_application import SelectedApplication
from openami.protocols.mbus.wired.frame import NETWORK_LAYER, PRIMARY_MAX
from openami.protocols.mbus.wired.primary import WiredTiming
from openami.protocols.mbus.wired.procedures import (
    Found,
    MbusRefusal,
    Procedure,
    read_alarms,
    read_out,
    refusal,
    reset_application,
    select,
    set_clock,
    set_identification,
    set_primary_address,
)
from openami.protocols.mbus.wired.selection import Selection


async def open_bus(link: str) -> Link:
    """The line that a user names: 2400 baud 8E1 if nothing is said of it."""
    parts = urlsplit(link)
    if parts.scheme == "serial" and not parts.query:
        settings = line_settings(parts.path)
        return await open_link(f"{link}?baudrate={settings.baudrate}&parity={settings.parity}")
    if parts.scheme == "tcp" and parts.port is None:
        raise SettingError(f"address {link!r}: name the gateway's port, as in tcp://{parts.hostname or 'host'}:10001")
    return await open_link(link)


async def scan_bus(
    link: str, timing: WiredTiming, below: Selection, *, primary: bool, thorough: bool
) -> tuple[tuple[Found, ...], tuple[Selection, ...]]:
    """The meters of a bus, and selections that several answer to."""
    master = MbusMaster(await open_bus(link), SystemClock(), timing)
    try:
        if primary:
            return tuple(await master.scan(range(1, PRIMARY_MAX + 1))), ()
        result = await master.search(below, thorough=thorough)
        return result.found, result.unresolved
    finally:
        await master.close()


async def read_meter(
    link: str, timing: WiredTiming, meter: int | Selection, wanted: SelectedApplication | None, *, alarms: bool
) -> list[Application]:
    """What one meter tells: all of it, the application that is wanted, or its alarms."""
    master = MbusMaster(await open_bus(link), SystemClock(), timing)
    try:
        at = await _address(master, meter) if alarms or wanted is not None else NETWORK_LAYER
        if alarms:
            told = await master.perform(read_alarms(at))
            return [] if told is None else [told]
        if wanted is None:
            return await master.read(meter)
        await master.perform(reset_application(at, wanted))
        return await master.perform(read_out(at, initialise=False))
    finally:
        await master.close()


async def _address(master: MbusMaster, meter: int | Selection) -> int:
    """Where the meter answers from now on."""
    if isinstance(meter, int):
        return meter
    await master.perform(select(meter))
    return NETWORK_LAYER


@dataclass(frozen=True, slots=True)
class NewSettings:
    """What a meter is given; None: nothing."""

    address: int | None
    identification: str | None
    speed: int | None
    clock: bool


async def set_meter(link: str, timing: WiredTiming, meter: int | Selection, new: NewSettings) -> None:
    """Set what is new, the number last: a selected meter stays selected when its primary address changes."""
    clock = SystemClock()
    master = MbusMaster(await open_bus(link), clock, timing, line_settings(urlsplit(link).path))
    try:
        at = await _address(master, meter)
        if new.address is not None:
            await master.perform(set_primary_address(at, new.address))
            at = at if at == NETWORK_LAYER else new.address
        if new.clock:
            await _told(master, at, set_clock(at, datetime.fromtimestamp(clock.time(), UTC)))
        if new.identification is not None:
            await _told(master, at, set_identification(at, new.identification))
        if new.speed is not None:
            await master.switch_speed(at, new.speed)
    finally:
        await master.close()


async def _told(master: MbusMaster, at: int, setting: Procedure[None]) -> None:
    """Send a setting, and look whether the meter refuses it."""
    await master.perform(setting)
    refused = await master.perform(refusal(at))
    if refused:
        raise MbusRefusal(refused)
