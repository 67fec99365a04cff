"""`openami field`: work at the meter, at its local port, with a laptop that holds an installation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from openami.app.enrolment import EnrolmentLine, read_lines
from openami.app.field_work import FieldReading, FieldTool, one_line, open_field_tool
from openami.app.installation import Installation
from openami.app.records import enter_beside
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.backoffice.operations.key_roll_over import RolledOver
from openami.cli.output import JsonOption, console, print_json, print_note
from openami.cli.session import FramingName
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificates import Purpose, read_certificate
from openami.model.errors import SettingError

T = TypeVar("T")
LinkArgument = Annotated[str, typer.Argument(help="The local port: `serial:///dev/ttyUSB0?mode=E`, `tcp://host:port`.")]
FileArgument = Annotated[Path, typer.Argument(help="CSV file with a header and one line, as `openami enrol` takes.")]
KeepKeysOption = Annotated[
    bool, typer.Option("--keep-keys", help="Keep the old meter's keys: its pushes may still wait in a spool.")
]
FramingOption = Annotated[FramingName, typer.Option(help="Framing at the local port.")]


def commission(
    link: LinkArgument,
    file: FileArgument,
    *,
    framing: FramingOption = FramingName.HDLC,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Enter a new meter, take its opening read and give it keys that its maker does not know.

    It stays entered only if it answers with its own keys: those of the file, or those of a shipment (`openami pki
    receive`). New keys need its master key; where replacing them is cut short, `openami keys roll` goes on.
    """
    line = _line(file)

    async def work(tool: FieldTool) -> list[FieldReading]:
        opening = await tool.commission(line, link, framing.value)
        _tell_keys(line.serial, await tool.replace_keys(line.serial, link, framing.value))
        return [opening]

    _show(_run(settings, work), as_json=as_json)


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
    keep_keys: KeepKeysOption = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Exchange a meter: closing read of the one that goes, opening read of the one that comes, in its place.

    Of the file's line serial number, system title, link, framing and keys count; the point stays what it is. Nothing
    is changed unless both meters answer. Then the one that came gets new keys, and those of the other are destroyed.
    """
    line = _line(file)

    async def work(tool: FieldTool) -> tuple[FieldReading, FieldReading]:
        readings = await tool.exchange(old, line, (old_link, new_link), framing.value)
        _tell_keys(line.serial, await tool.replace_keys(line.serial, new_link, framing.value))
        if not keep_keys:
            tool.retire(old)
        return readings

    _show(_run(settings, work), as_json=as_json)


def retire(
    serial: Annotated[str, typer.Argument(help="Serial number of the meter.")],
    *,
    certificate: Annotated[
        Path | None, typer.Option(help="Its certificate (PEM), which goes on the deny list of --folder.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Folder of the authority for devices.")] = Path("devices"),
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it: no backup brings the keys back into this keystore.")
    ] = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Decommission a meter: it hangs nowhere, is not dialled, its keys are destroyed. What it measured stays."""
    if not yes:
        raise SettingError(f"this destroys the keys of meter {serial} for good; say --yes to do it")
    raw = None if certificate is None else certificate.read_bytes()
    if raw is not None:
        read_certificate(raw)  # a wrong file changes nothing

    async def work(tool: FieldTool) -> None:
        tool.retire(serial)

    _run(settings, work)
    if raw is not None:
        denied = CertificateAuthority(folder, Purpose.DEVICE).deny(raw, datetime.now(UTC))
        what = f"called its certificate back: {denied:x}"
        enter_beside(folder, SystemClock(), Kind.CERTIFICATE, f"meter {serial}", what, sha256(raw).digest())
    console.print(f"meter {serial} is retired", highlight=False)


def _tell_keys(serial: str, done: RolledOver | None) -> None:
    """For people, beside the readings."""
    if done is None:
        print_note(f"meter {serial} keeps its maker's keys: there is no master key to replace them under")
    elif done is RolledOver.DONE:
        print_note(f"meter {serial} uses new keys")
    else:
        print_note(f"new keys of meter {serial} are pending ({done.value}): go on with openami keys roll {serial}")


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
