"""`openami registry`: points, meters, channels, people and topology from and to a CSV file, with their history."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from openami.app.installation import Installation
from openami.app.records import enter_command
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, console, print_error, print_json, print_note
from openami.cli.up import SettingsOption
from openami.cli.written import time_of
from openami.io.clock import SystemClock
from openami.model.errors import SettingError


def import_(
    file: Annotated[Path, typer.Argument(help="CSV file of registry lines; see the reference for its columns.")],
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Take a registry file; each line whole or not at all. The same file again changes nothing.

    Each line that is not taken is reported with its reason, and the exit status is 1.
    """
    from openami.backoffice.mdm.master_data.importer import RegistryImport
    from openami.backoffice.mdm.master_data.lines import Rejected

    refused = 0

    def tell(one: Rejected) -> None:
        nonlocal refused
        refused += 1
        if as_json:
            print_json({"line": one.line, "error": one.reason})
        else:
            print_error(f"{file} line {one.line}: {one.reason}")

    store = Installation.load(settings).open_store()
    try:
        registry = Registry(store)
        taking = RegistryImport(store, Mdm(store, registry), registry, datetime.now(UTC))
        with file.open(encoding="utf-8-sig", newline="") as text:
            try:
                report = taking.run(text, tell)
            except SettingError as error:
                raise SettingError(f"{file}: {error}") from error
    finally:
        store.close()
    if as_json:
        print_json({"changed": report.changed, "unchanged": report.unchanged, "rejected": refused})
    else:
        console.print(f"{report.changed} changed, {report.unchanged} known already, {refused} rejected")
    return 1 if refused else 0


def export(
    file: Annotated[Path | None, typer.Argument(help="File to write; none: standard output.")] = None,
    *,
    known: Annotated[
        str | None, typer.Option(help="What was known then of installations, supplies, contracts and topology.")
    ] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Write the registry as a file that `openami registry import` takes."""
    from openami.backoffice.mdm.master_data.exporter import write_registry
    from openami.backoffice.registry.timeline import Timeline

    installation = Installation.load(settings)
    enter_command(installation, SystemClock(), Kind.PERSONAL_DATA, str(file or "standard output"), "wrote the registry")
    store = installation.open_store()
    try:
        with _written(file) as out:
            lines = write_registry(Registry(store), Timeline(store), out, time_of("--known", known))
    finally:
        store.close()
    print_note(f"{lines} lines written")


@contextmanager
def _written(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
        return
    with file.open("w", encoding="utf-8", newline="") as out:
        yield out
