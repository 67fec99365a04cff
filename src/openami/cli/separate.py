"""`openami separate`: from one installation a folder for each part."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openami.app.settings import SETTINGS_FILE
from openami.cli.output import JsonOption, console, print_json
from openami.cli.up import SettingsOption


def separate(
    folder: Annotated[Path, typer.Argument(help="Where the folders are made, one for each part.")],
    *,
    operator: Annotated[
        list[str] | None, typer.Option(help="Who may ask for and approve critical commands; give it again for more.")
    ] = None,
    planner: Annotated[
        list[str] | None, typer.Option(help="Who signs emergency plans at the guard; five, as a rule.")
    ] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Make a folder for authority, guard, witness, operations, portal and head-end, each with what it needs alone.

    Settings, certificates and keys; public keys stand in the settings of those who have to know them. Carry each
    folder to its user or machine and start the part there: `openami up guard --settings FOLDER/guard/openami.toml`.
    """
    from openami.app.installation import Installation
    from openami.app.records import enter_command
    from openami.app.separating import separate as make
    from openami.backoffice.audit.entry import Kind
    from openami.io.clock import SystemClock

    plant = Installation.load(settings)
    made = make(plant, folder, operator or (), planner or ())
    enter_command(plant, SystemClock(), Kind.KEY, str(folder), "made a folder and keys for each part")
    for part, where in made.folders.items():
        if as_json:
            print_json({"part": part, "settings": str(where / SETTINGS_FILE)})
        else:
            console.print(f"openami up {part} --settings {where / SETTINGS_FILE}", highlight=False, soft_wrap=True)
