"""`openami field`: work at the meter, at its local port, with a laptop that holds an installation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from openami.app.enrolment import EnrolmentLine, read_lines
from openami.app.field_work import FieldReading, FieldTool, one_line, open_field_tool
from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.cli.output import JsonOption, console, print_json
from openami.cli.session import FramingName
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock

T = TypeVar("T")
LinkArgument = Annotated[str, typer.Argument(help="The local port: `serial:///dev/ttyUSB0?mode=E`, `tcp://host:port`.")]
FileArgument = Annotated[Path, typer.Argument(help="CSV file with a header and one line, as `openami enrol` takes.")]
FramingOption = Annotated[FramingName, typer.Option(help="Framing at the local port.")]


def commission(
    link: LinkArgument,
    file: FileArgument,
    *,
    framing: FramingOption = FramingName.HDLC,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Enter a new meter and take its opening read. It stays entered only if it answers with its own keys."""
    line = _line(file)
    _show([_run(settings, lambda tool: tool.commission(line, link, framing.value))], as_json=as_json)


def read(
    link: LinkArgument,
    serial: Annotated[str, typer.Argument(help="Serial number of the meter.")],
    *,
    framing: FramingOption = FramingName.HDLC,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Read a meter's energy registers, sealed, and keep them with the bytes that they came from."""
    _show([_run(settings, lambda tool: tool.read(serial, link, framing.value))], as_json=as_json)


def exchange(
    old_link: Annotated[str, typer.Argument(help="Local port of the meter that goes.")],
    old: Annotated[str, typer.Argument(help="Serial number of the meter that goes.")],
    new_link: Annotated[str, typer.Argument(help="Local port of the meter that comes.")],
    file: FileArgument,
    *,
    framing: FramingOption = FramingName.HDLC,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Exchange a meter: closing read of the one that goes, opening read of the one that comes, in its place.

    Of the file's line serial number, system title, link, framing and keys count; the point stays what it is. Nothing
    is changed unless both meters answer.
    """
    line = _line(file)
    _show(_run(settings, lambda tool: tool.exchange(old, line, (old_link, new_link), framing.value)), as_json=as_json)


def _line(file: Path) -> EnrolmentLine:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return one_line([line for _, line in read_lines(text)], str(file))


def _run(settings: Path, work: Callable[[FieldTool], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_field_tool(Installation.load(settings), SystemClock()) as tool:
            return await work(tool)

    return asyncio.run(run())


def _show(readings: list[FieldReading] | tuple[FieldReading, ...], *, as_json: bool) -> None:
    for reading in readings:
        values = {str(code): str(quantity) for code, _, quantity in reading.answer.values}
        if as_json:
            at = reading.answer.at.isoformat()
            print_json({"serial": reading.serial, "at": at, "evidence": reading.evidence, "values": values})
            continue
        console.print(f"meter {reading.serial} at {reading.answer.at:%Y-%m-%d %H:%M:%S} UTC", highlight=False)
        for code, value in values.items():
            console.print(f"  {code} {value}", highlight=False)
