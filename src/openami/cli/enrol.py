"""`openami enrol`: metering points, meters and log-ins of an installation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openami.app.enrolment import Rejected, enrol_all
from openami.app.installation import Installation
from openami.app.parts import open_back_office
from openami.app.records import enter_command
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.cli.output import JsonOption, console, print_error, print_json
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock
from openami.model.errors import SettingError


def enrol(
    file: Annotated[Path, typer.Argument(help="CSV file with a header; see the how-to for its columns.")],
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Enter metering points with their meters, keys and consumers from a CSV file, of DLMS meters, M-Bus meters or
    meters at consumer ports (P1, SML).

    Every line is taken whole or not at all; each that is not is reported with its reason, and the exit status is 1.
    The back office must not be running: it holds the keystore.
    """
    installation = Installation.load(settings)
    enter_command(installation, SystemClock(), Kind.KEY, file.name, "entered points, meters and their keys from a file")
    taken, rejected = asyncio.run(_enrol(installation, file))
    for one in rejected:
        if as_json:
            print_json({"line": one.line, "error": one.reason})
        else:
            print_error(f"{file} line {one.line}: {one.reason}")
    if as_json:
        print_json({"taken": taken, "rejected": len(rejected)})
    else:
        console.print(f"{taken} taken, {len(rejected)} rejected")
    return 1 if rejected else 0


async def _enrol(installation: Installation, file: Path) -> tuple[int, list[Rejected]]:
    async with open_back_office(installation, SystemClock(), installation.settings.operations.headend) as office:
        with file.open(encoding="utf-8-sig", newline="") as text:
            try:
                results = list(enrol_all(office, text, datetime.now(UTC)))
            except SettingError as error:
                raise SettingError(f"{file}: {error}") from error
    rejected = [one for one in results if one is not None]
    return len(results) - len(rejected), rejected
