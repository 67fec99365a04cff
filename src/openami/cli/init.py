"""`openami init`: begin an installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import OPERATOR, install
from openami.app.settings import SETTINGS_FILE, Settings
from openami.cli.output import JsonOption, console, print_json
from openami.io.keystore.tls import fingerprint


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make the installation in.")] = Path("openami"),
    *,
    as_json: JsonOption = False,
) -> None:
    """Make an installation: a configuration file with comments, keystore, certificates, store and an operator.

    Nothing that is there already is overwritten.
    """
    made, password = install(folder, Settings())
    file = made.folder / SETTINGS_FILE
    trusted = fingerprint(made.path(made.settings.zones.authority))
    if as_json:
        facts = {"settings": str(file), "login": OPERATOR, "password": password, "authority_sha256": trusted}
        print_json(facts)
        return
    for line in (
        f"[bold]Settings[/]  {file}",
        f"[bold]Operator[/]  log-in [cyan]{OPERATOR}[/], password [cyan]{password}[/] (shown only now)",
        f"[bold]Authority[/] SHA-256 {trusted}",
        "",
        f"Enter metering points and meters:  openami enrol METERS.csv --settings {file}",
        f"Start all parts:                   openami up --settings {file}",
    ):
        console.print(line, highlight=False, soft_wrap=True)
