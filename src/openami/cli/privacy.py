"""`openami privacy`: persons who moved out are forgotten, intervals erased after their term, a move entered."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.privacy_terms import terms_of
from openami.app.records import open_commands
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, console, print_json, print_rows
from openami.cli.registered import point_of
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock
from openami.model.errors import SettingError
from openami.portal.privacy import Privacy

YesOption = Annotated[bool, typer.Option("--yes", help="Do it: what is erased is gone for good.")]


def show(*, settings: SettingsOption = Path(SETTINGS_FILE), as_json: JsonOption = False) -> None:
    """Show who is supplied nowhere any more, and when their names go. Persons are shown by their numbers."""
    with _opened(settings) as (privacy, _):
        people = privacy.moved_out()
    rows = [(one.consumer.id, one.ended.date(), one.due.date()) for one in people]
    print_rows("Moved out", ("consumer", "supplied until", "name goes"), rows, as_json=as_json)


def due(*, yes: YesOption = False, settings: SettingsOption = Path(SETTINGS_FILE), as_json: JsonOption = False) -> None:
    """Say what is past its term; with --yes, forget these persons and erase these intervals. For a daily timer."""
    with _opened(settings) as (privacy, _):
        now = datetime.now(UTC)
        people, erasures = privacy.due(now)
        said = {"persons": len(people), "points": len(erasures)}
        if yes:
            forgotten, rows = privacy.run(getpass.getuser(), now)
            said = {"forgotten": forgotten, "rows_erased": rows}
    if as_json:
        print_json(said)
    else:
        console.print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in said.items()), highlight=False)


def forget(
    consumer: Annotated[int, typer.Argument(help="The person's number, as `openami privacy show` has it.")],
    *,
    yes: YesOption = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Destroy the link between a person and their number before its term, by right: name, log-ins, tokens."""
    if not yes:
        raise SettingError(f"this destroys the link between consumer {consumer} and the person; say --yes to do it")
    with _opened(settings) as (privacy, _):
        privacy.forget(consumer, getpass.getuser(), datetime.now(UTC))
    console.print(f"consumer {consumer} is nobody any more", highlight=False)


def move(
    point: Annotated[str, typer.Argument(help="Code of the metering point.")],
    *,
    at: Annotated[str, typer.Option(help="When, ISO 8601 with a zone; default: now.")] = "",
    name: Annotated[str, typer.Option(help="Who moves in; empty: nobody.")] = "",
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Enter that the person at a point has moved out, and perhaps who has moved in."""
    moment = _moment(at)
    with _opened(settings) as (_, registry):
        found = point_of(registry, point)
        if registry.supply_at(found.id, moment) is not None:
            registry.end_supply(found.id, moment)
        if name:
            registry.supply(registry.add_consumer(name).id, found.id, moment)
    console.print(f"{point}: entered", highlight=False)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        raise SettingError(f"--at is {text!r}; write it as 2026-01-31T12:00:00+01:00") from None
    if moment.tzinfo is None:
        raise SettingError(f"--at {text!r} names no zone; write it as 2026-01-31T12:00:00+01:00")
    return moment


@contextmanager
def _opened(settings: Path) -> Iterator[tuple[Privacy, Registry]]:
    installation = Installation.load(settings)
    store = installation.open_store()
    try:
        with open_commands(installation, SystemClock()) as audit:
            registry = Registry(store)
            yield Privacy(store, registry, audit, secrets.token_bytes, terms_of(installation.settings)), registry
    finally:
        store.close()
