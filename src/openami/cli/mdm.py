"""`openami mdm`: judge and close stored days, explain values, list rules and methods, score them against the truth."""

from __future__ import annotations

from dataclasses import astuple, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.close.counts import Kpis
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.validation.rule_set import RuleSets
from openami.backoffice.registry.registry import Registry
from openami.cli.billing import balance, bill
from openami.cli.correcting import crossed, edit
from openami.cli.exchange import export, import_
from openami.cli.explaining import explain
from openami.cli.judging_rules import methods, rules, rulesets, score
from openami.cli.output import JsonOption, print_json, print_rows
from openami.cli.registered import point_of
from openami.cli.up import SettingsOption
from openami.cli.written import check_order, day_of, time_of
from openami.io.store.engine import Store

__all__ = (
    "balance",
    "bill",
    "close",
    "crossed",
    "edit",
    "explain",
    "export",
    "import_",
    "judge",
    "kpis",
    "methods",
    "recent",
    "rules",
    "rulesets",
    "score",
)


def judge(
    points: Annotated[list[str] | None, typer.Argument(help="Codes of metering points; none: all points.")] = None,
    *,
    start: Annotated[
        str | None, typer.Option("--from", help="First moment, ISO 8601; the last seven days by default.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last moment, ISO 8601; now by default.")] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Validate the days of a period and estimate what lacks a value; whole UTC days.

    What was measured is never altered: a judgement is a version beside it. Judging again what has not changed stores
    nothing. A moment without a zone is UTC.
    """
    now = datetime.now(UTC)
    last = time_of("--to", end) or now
    first = time_of("--from", start) or last - timedelta(days=7)
    check_order(first, last)
    store = Installation.load(settings).open_store()
    try:
        registry = Registry(store)
        wanted = [point_of(registry, code) for code in points or []] or registry.points()
        result = Judge(store, registry, _rule_sets(store)).judge(first, last, now, [point.id for point in wanted])
    finally:
        store.close()
    columns = ("Points", "Days", "Stored", "Estimated", "Missing")
    print_rows("Judged", columns, [(len(wanted), *astuple(result))], as_json=as_json)


def close(
    day: Annotated[str | None, typer.Argument(help="The UTC day, YYYY-MM-DD; yesterday by default.")] = None,
    *,
    executor: Annotated[
        str, typer.Option(help="Where the work runs: processes, processes:4, inline or dask://host:port.")
    ] = "processes",
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Close a day: judge every point's values, judge late days again, and count the figures of `openami mdm kpis`.

    A close that was interrupted is run again; closing twice stores only what has changed.
    """
    from openami.backoffice.mdm.close.close import Close
    from openami.io.executor import open_executor

    now = datetime.now(UTC)
    wanted = now.date() - timedelta(days=1) if day is None else day_of(day)
    store = Installation.load(settings).open_store()
    try:
        with open_executor(executor) as (where, workers):
            total = Close(store, where, workers).close(wanted, now).total
    finally:
        store.close()
    columns = ("Day", "Channels", "Read by deadline", "Intervals", "Measured", "Estimated", "Missing")
    told = (wanted.isoformat(), total.channels, total.by_deadline, total.intervals)
    print_rows("Closed", columns, [(*told, total.measured, total.estimated, total.missing)], as_json=as_json)


def kpis(
    *,
    days: Annotated[int, typer.Option(min=1, help="How many closed days, latest first.")] = 7,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Show what each closed day is measured by: as a whole, then by collector and by the cause of what is missing.

    Shares from 0 to 1: channels read whole by D+1 07:00 local time and by the end of D+5, channels that changed after
    D+1 07:00, intervals measured, intervals and energy estimated; the oldest gap in days.
    """
    from openami.backoffice.mdm.close import close as closing

    store = Installation.load(settings).open_store()
    try:
        with store.reading() as connection:
            found = closing.kpis(connection, days)
    finally:
        store.close()
    names = [field.name for field in fields(Kpis)]
    rows = [(one.day.isoformat(), *astuple(one)[1:]) for one in found]
    if as_json:
        for row in rows:
            print_json(dict(zip(names, row, strict=True)))
        return
    shown = [tuple(f"{value:.4f}" if isinstance(value, float) else value for value in row) for row in rows]
    print_rows("KPIs", tuple(name.replace("_", " ").capitalize() for name in names), shown, as_json=False)


def recent(
    days: Annotated[int, typer.Argument(min=0, max=400, help="How many days, up to today; 0 empties the table.")],
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Keep the intervals of the last days as rows of the table `recent_interval`, for those who ask the database.

    The rows are copies of the values that hold now; run it again, once a day after the close for instance.
    """
    from openami.backoffice.mdm.recent import refresh

    store = Installation.load(settings).open_store()
    try:
        today = (datetime.now(UTC).date() - date(1970, 1, 1)).days
        count = refresh(store, Registry(store), today - days + 1, today)
    finally:
        store.close()
    print_rows("Recent intervals", ("Days", "Rows"), [(days, count)], as_json=as_json)


def _rule_sets(store: Store) -> RuleSets:
    from openami.backoffice.mdm.stored_rules import stored_rule_sets

    with store.reading() as connection:
        return stored_rule_sets(connection)
