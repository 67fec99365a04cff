"""`openami optical`: meters behind an optical head that speak IEC 62056-21, modes A to D."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

import typer

from openami.cli.consumer_values import show_values
from openami.cli.output import JsonOption
from openami.io.clock import SystemClock
from openami.io.links.address import open_line
from openami.io.links.local_port import LocalPort
from openami.io.links.mbus import PTYS
from openami.io.links.optical import FixedLine
from openami.io.links.serial import SerialLink
from openami.protocols.iec62056_21.measurements import measurements

LINE = "baudrate=300&bytesize=7&parity=E"
PTY_LINE = "baudrate=9600"


def read(
    link: Annotated[str, typer.Argument(help="The head: serial:///dev/ttyUSB0, or tcp://host:port at one speed.")],
    *,
    address: Annotated[str, typer.Option(help="Device address; empty calls any device.")] = "",
    registers: Annotated[
        list[str] | None, typer.Option("--register", help="Read this address in programming mode; repeat for more.")
    ] = None,
    password: Annotated[
        str | None, typer.Option(envvar="OPENAMI_PASSWORD", help="Password P1, for programming mode.")
    ] = None,
    wake_up: Annotated[bool, typer.Option("--wake-up", help="Wake a device that runs on a battery first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read a meter out, or single registers of it in programming mode; its own speed is followed."""
    asyncio.run(_read(link, address, registers or [], password, wake_up=wake_up, as_json=as_json))


async def _read(
    link: str, address: str, registers: list[str], password: str | None, *, wake_up: bool, as_json: bool
) -> None:
    pty = urlsplit(link).path.startswith(PTYS)
    head = await open_line(link, PTY_LINE if pty else LINE)
    line = head if isinstance(head, SerialLink) and not pty else FixedLine(head)
    port = LocalPort(line, SystemClock(), wake_up=wake_up)
    try:
        if not registers:
            identification, sets = await port.read_out(address)
        else:
            identification, _ = await port.open(address)
            if password is not None:
                await port.password(password)
            sets = [found for register in registers for found in await port.read(register)]
    finally:
        await port.close()
    show_values(identification.text, measurements(sets), as_json=as_json)
