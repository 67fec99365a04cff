"""Commands of `openami mdm` for billing and settlement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.billing.results import Difference
from openami.backoffice.mdm.billing.runs import Billing, Run
from openami.backoffice.mdm.settlement import Grouping, balances
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, print_note, print_rows
from openami.cli.registered import point_of
from openami.cli.up import SettingsOption
from openami.cli.written import day_of, time_of
from openami.io.store.engine import Store
from openami.model.errors import SettingError

RUN_COLUMNS = ("Run", "Plan", "Version", "First", "Before", "Begun at", "Ended at")
DIFFERENCE_COLUMNS = ("Point", "Line", "Unit", "Before", "After", "Difference")


def bill(
    action: Annotated[
        str,
        typer.Argument(
            help="plans [FILE] · run PLAN (or contracts) FIRST BEFORE · runs · show RUN [POINT] · again RUN · check RUN"
        ),
    ],
    words: Annotated[list[str] | None, typer.Argument(metavar="…", help="What the action needs.")] = None,
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Make billing determinants: by plans, of all points, for local days from FIRST to before BEFORE.

    `plans FILE` stores plans (TOML); `run` bills a period and freezes it, `runs` lists what was run, `show` its lines,
    `again` tells what corrections change as differences, `check` computes all of it again: exit 1 if anything differs.
    """
    given, now = list(words or []), datetime.now(UTC)
    store = Installation.load(settings).open_store()
    try:
        asked = _Asked(store, Registry(store), now, as_json=as_json)
        known: dict[str, tuple[Callable[..., int], int, int]] = {
            "plans": (asked.plans, 1, 1),
            "run": (asked.run, 3, 3),
            "runs": (asked.runs, 0, 0),
            "show": (asked.show, 1, 2),
            "again": (asked.again, 1, 1),
            "check": (asked.check, 1, 1),
        }
        if action not in known:
            raise SettingError(f"{action!r} is none of {', '.join(known)}")
        act, least, most = known[action]
        if not least <= len(given) <= most:
            raise SettingError(f"`bill {action}` does not take {len(given)} words; see `openami mdm bill --help`")
        return act(*given)
    finally:
        store.close()


class _Asked:
    """The actions of `bill` on an open store; each returns the exit status."""

    def __init__(self, store: Store, registry: Registry, now: datetime, *, as_json: bool) -> None:
        self._registry = registry
        self._billing = Billing(store, registry)
        self._now = now
        self._as_json = as_json

    def plans(self, file: str) -> int:
        changed = self._billing.store_plans(Path(file).read_text(encoding="utf-8"), self._now)
        print_note(f"{changed} plans stored")
        return 0

    def run(self, plan: str, first: str, before: str) -> int:
        done = self._billing.run(plan, day_of(first), day_of(before), self._now)
        self._rows("Run", RUN_COLUMNS, [_run(done)])
        return 0

    def runs(self) -> int:
        self._rows("Runs", RUN_COLUMNS, [_run(each) for each in self._billing.runs()])
        return 0

    def show(self, run: str, point: str | None = None) -> int:
        wanted = None if point is None else [point_of(self._registry, point).id]
        number = self._billing.find(_number(run)).id
        columns = ("Point", "Version", "Line", "Value", "Unit", "Intervals", "Missing", "Estimated", "Estimated value")
        rows = [
            (self._code(result.metering_point), result.version, line.name, line.value, line.unit, line.intervals,
             line.missing, line.estimated, line.estimated_value)
            for result in self._billing.results(number, wanted)
            for line in result.lines
        ]  # fmt: skip
        self._rows(f"Run {number}", columns, rows)
        return 0

    def again(self, run: str) -> int:
        found = self._billing.again(_number(run), self._now)
        self._rows("Differences", DIFFERENCE_COLUMNS, [self._difference(each) for each in found])
        return 0

    def check(self, run: str) -> int:
        wrong = self._billing.check(_number(run))
        self._rows("Results that differ from their inputs", ("Point",), [(self._code(point),) for point in wrong])
        return 1 if wrong else 0

    def _rows(self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
        print_rows(title, columns, rows, as_json=self._as_json)

    def _code(self, point: int) -> str:
        return self._registry.point(point).code

    def _difference(self, each: Difference) -> tuple[object, ...]:
        return self._code(each.metering_point), each.name, each.unit, each.before, each.after, each.value


def balance(
    by: Annotated[Grouping, typer.Argument(help="What to sum by.")],
    start: Annotated[str, typer.Option("--from", help="First moment, ISO 8601.")],
    end: Annotated[str, typer.Option("--to", help="Last moment, ISO 8601.")],
    *,
    hours: Annotated[int, typer.Option(min=1, help="Length of a period.")] = 1,
    known: Annotated[str | None, typer.Option(help="Who belonged where as it was known then.")] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Sum up what went in and out of each group, and what was lost; a loss is unknown while one of its terms is."""
    first, last = time_of("--from", start), time_of("--to", end)
    assert first is not None
    assert last is not None
    store = Installation.load(settings).open_store()
    try:
        found = balances(store, Registry(store), by, first, last, hours * 3_600, time_of("--known", known))
    finally:
        store.close()
    rows = [{**asdict(each), "known_loss_wh": each.known_loss_wh, "loss_wh": each.loss_wh} for each in found]
    names = list(rows[0]) if rows else ["group"]
    columns = tuple(name.replace("_", " ").capitalize() for name in names)
    print_rows("Balance", columns, [tuple(row.values()) for row in rows], as_json=as_json)


def _run(run: Run) -> tuple[object, ...]:
    return run.id, run.plan, run.plan_version, run.first, run.after, run.begun_at, run.ended_at


def _number(given: str) -> int:
    if not given.isdecimal():
        raise SettingError(f"{given!r} is not the number of a run; see `openami mdm bill runs`")
    return int(given)
