"""`openami optical`: meters behind an optical head that speak IEC 62056-21, modes A to D."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import typer

from openami.cli.consumer_values import FromOption, ToOption, show_values
from openami.cli.output import JsonOption, console
from openami.cli.written import time_of
from openami.io.clock import SystemClock
from openami.io.links.address import open_line
from openami.io.links.local_port import LocalPort
from openami.io.links.mbus import PTYS
from openami.io.links.optical import FixedLine
from openami.io.links.serial import SerialLink
from openami.model.measurement import Measurement
from openami.protocols.iec62056_21.load_profile import text_of
from openami.protocols.iec62056_21.measurements import CENTRAL_EUROPE_S, measurements

LINE = "baudrate=300&bytesize=7&parity=E"
PTY_LINE = "baudrate=9600"

LinkArgument = Annotated[str, typer.Argument(help="The head: serial:///dev/ttyUSB0, or tcp://host:port at one speed.")]
AddressOption = Annotated[str, typer.Option(help="Device address; empty calls any device.")]
PasswordOption = Annotated[str | None, typer.Option(envvar="OPENAMI_PASSWORD", help="Password, for programming mode.")]
LevelOption = Annotated[int, typer.Option(min=1, max=2, help="Which password it is: P1 or P2.")]
WakeUpOption = Annotated[bool, typer.Option("--wake-up", help="Wake a device that runs on a battery first.")]


@dataclass(frozen=True, slots=True)
class Device:
    """How a device is called, and what opens its programming mode."""

    address: str = ""
    password: str | None = None
    level: int = 1
    wake_up: bool = False


def read(
    link: LinkArgument,
    *,
    address: AddressOption = "",
    registers: Annotated[
        list[str] | None, typer.Option("--register", help="Read this address in programming mode; repeat for more.")
    ] = None,
    kind: Annotated[int, typer.Option(min=1, max=6, help="Read registers with command R1 to R6.")] = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Read the load profile P.01 in programming mode.")] = False,
    start: FromOption = None,
    end: ToOption = None,
    winter: Annotated[
        int, typer.Option(help="Seconds that winter time, which the meter keeps, is ahead of UTC.")
    ] = CENTRAL_EUROPE_S,
    password: PasswordOption = None,
    level: LevelOption = 1,
    wake_up: WakeUpOption = False,
    as_json: JsonOption = False,
) -> None:
    """Read a meter out, or single registers or its load profile in programming mode; its own speed is followed."""
    device = Device(address, password, level, wake_up)
    if profile:
        period = _stamp("--from", start, winter), _stamp("--to", end, winter)
        asyncio.run(_read_profile(link, device, period, winter, as_json=as_json))
    else:
        asyncio.run(_read(link, device, registers or [], kind, as_json=as_json))


def write(
    link: LinkArgument,
    register: Annotated[str, typer.Argument(help="Where to write, as 0.9.1.")],
    value: Annotated[str, typer.Argument(help="What to write, as the device wants it between the brackets.")],
    *,
    address: AddressOption = "",
    kind: Annotated[int, typer.Option(min=1, max=6, help="Write with command W1 to W6.")] = 1,
    password: PasswordOption = None,
    level: LevelOption = 1,
    wake_up: WakeUpOption = False,
) -> None:
    """Write a value in programming mode; the device may refuse."""
    asyncio.run(_write(link, Device(address, password, level, wake_up), register, value, kind))
    console.print(f"{register} written")


async def _read(link: str, device: Device, registers: list[str], kind: int, *, as_json: bool) -> None:
    async with _port(link, device) as port:
        if not registers:
            identification, sets = await port.read_out(device.address)
            title = identification.text
        else:
            title = await _opened(port, device)
            sets = [found for register in registers for found in await port.read(register, kind)]
    show_values(title, measurements(sets), as_json=as_json)


async def _read_profile(link: str, device: Device, period: tuple[str, str], winter_s: int, *, as_json: bool) -> None:
    async with _port(link, device) as port:
        title = await _opened(port, device)
        stretches = await port.load_profile(*period)
    values: list[Measurement] = []
    for stretch in stretches:
        values += stretch.measurements(winter_s=winter_s)
    show_values(title, values, as_json=as_json)


async def _write(link: str, device: Device, register: str, value: str, kind: int) -> None:
    async with _port(link, device) as port:
        await _opened(port, device)
        await port.write(register, value, kind)


async def _opened(port: LocalPort, device: Device) -> str:
    """Enter programming mode; the device's identification."""
    identification, _ = await port.open(device.address)
    if device.password is not None:
        await port.password(device.password, device.level)
    return identification.text


@asynccontextmanager
async def _port(link: str, device: Device) -> AsyncIterator[LocalPort]:
    pty = urlsplit(link).path.startswith(PTYS)
    head = await open_line(link, PTY_LINE if pty else LINE)
    line = head if isinstance(head, SerialLink) and not pty else FixedLine(head)
    port = LocalPort(line, SystemClock(), wake_up=device.wake_up)
    try:
        yield port
    finally:
        await port.close()


def _stamp(option: str, text: str | None, winter_s: int) -> str:
    """A time as the meter writes it; nothing for none."""
    moment = time_of(option, text)
    return "" if moment is None else text_of(moment, winter_s)
