"""`openami store`: check and upgrade the schema, make parts ahead, retire old days, spread over servers."""

from __future__ import annotations

import getpass
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.records import open_commands
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.roots import Dropped, enter_dropped
from openami.cli.output import console
from openami.cli.up import SettingsOption
from openami.cli.written import day_of
from openami.io.clock import SystemClock
from openami.io.store.columns import EPOCH
from openami.io.store.distribute import distribute as spread
from openami.io.store.engine import Store
from openami.io.store.partitions import BEGINNING, MONTHS_AHEAD, make_ahead
from openami.io.store.partitions import retire as drop
from openami.model.errors import SettingError

ROOMS = ("backoffice.registry", "backoffice.mdm", "backoffice.operations", "portal")


def check(*, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Say whether the store's schema is this program's; exit 1 with what to do if it is not."""
    with _opened(settings) as store:
        store.check()
        console.print(f"{store.name}: the schema is this program's", highlight=False)


def upgrade(*, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Bring the schema to this program's version, and make the parts of the coming months where there are parts.

    Repeating it does nothing. Run it monthly on PostgreSQL: days of no month's part are kept in a default part.
    """
    today = datetime.now(UTC).date()
    with _opened(settings) as store:
        store.upgrade()
        with store.transaction() as connection:
            made = make_ahead(connection, today, today + timedelta(days=31 * MONTHS_AHEAD))
        console.print(f"{store.name}: upgraded; parts made: {', '.join(made) or 'none'}", highlight=False)


def retire(
    before: Annotated[str, typer.Argument(help="Day before which intervals and judgements are dropped, YYYY-MM-DD.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: what is dropped is gone for good.")] = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Drop old days for good: intervals and judgements, not registers, evidence or accounts."""
    edge = _day(before)
    if not yes:
        raise SettingError(f"this drops every interval before {edge} for good; say --yes to do it")
    installation = Installation.load(settings)
    with _opened(settings) as store:
        store.check()
        with open_commands(installation, SystemClock()) as audit:
            enter_dropped(audit, getpass.getuser(), Dropped(None, (edge - EPOCH.date()).days))
        with store.transaction() as connection:
            gone = drop(connection, edge)
        console.print(f"{gone} rows dropped", highlight=False)


def distribute(*, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Spread the big tables over the servers of a Citus cluster, by metering point. Repeating it does nothing."""
    for room in ROOMS:
        importlib.import_module(f"openami.{room}.tables")
    with _opened(settings) as store:
        store.check()
        with store.transaction() as connection:
            changed = spread(connection)
        console.print(f"distributed: {', '.join(changed) or 'nothing, it was done before'}", highlight=False)


def _day(given: str) -> date:
    day = day_of(given)
    if day < BEGINNING:
        raise SettingError(f"{day} lies before {BEGINNING}")
    return day


@contextmanager
def _opened(settings: Path) -> Iterator[Store]:
    store = Installation.load(settings).find_store()
    try:
        yield store
    finally:
        store.close()
