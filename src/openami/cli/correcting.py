"""Commands of `openami mdm` by which persons correct what is stored: values, and crossed meters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.crossed import CrossedMeters, Crossing, Request
from openami.backoffice.mdm.crossed_hints import hints as crossed_hints
from openami.backoffice.mdm.edits import Edit, Editor
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT
from openami.backoffice.mdm.stored_rules import stored_rule_sets
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, print_rows
from openami.cli.registered import interval_channel, point_of
from openami.cli.up import SettingsOption
from openami.cli.written import code_of, time_of
from openami.io.store.engine import Store
from openami.model.errors import SettingError

PersonOption = Annotated[str, typer.Option("--person", help="Who does it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
HINTS_BACK = timedelta(days=90)
ACTIONS = ("propose", "confirm", "refuse", "undo", "list")
EDIT_COLUMNS = ("Number", "State", "Start", "Intervals", "Step", "Person", "Reason", "At")


def edit(
    action: Annotated[str, typer.Argument(help=" · ".join(ACTIONS))],
    point: Annotated[str, typer.Argument(help="Code of the metering point.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="…", help="propose: START and the values in Wh; confirm, refuse, undo: the edit's number."
        ),
    ] = None,
    *,
    person: PersonOption = "",
    reason: ReasonOption = "",
    obis: Annotated[str, typer.Option(help="Which energy.")] = str(ACTIVE_ENERGY_IMPORT),
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Set values by hand, with a reason; what was measured and judged stays, and every step is kept.

    With the setting `mdm.four_eyes` another person confirms each change. `undo` makes the values before hold again.
    """
    given, now = list(words or []), datetime.now(UTC)
    installation = Installation.load(settings)
    store = installation.open_store()
    try:
        registry = Registry(store)
        editor = Editor(store, registry, four_eyes=installation.settings.mdm.four_eyes)
        known = point_of(registry, point)
        if action == "propose" and len(given) > 1:
            start, values = time_of("START", given[0]), [_whole(word) for word in given[1:]]
            assert start is not None
            channel = interval_channel(registry, known, code_of(obis))
            editor.propose(known.id, channel.number, start, values, reason, person, now)
        elif action == "confirm" and len(given) == 1:
            editor.confirm(known.id, _whole(given[0]), person, now, reason)
        elif action == "refuse" and len(given) == 1:
            editor.refuse(known.id, _whole(given[0]), reason, person, now)
        elif action == "undo" and len(given) == 1:
            editor.undo(known.id, _whole(given[0]), reason, person, now)
        elif action != "list" or given:
            raise SettingError(
                f"`edit {action}` with {len(given)} words is none of these; see `openami mdm edit --help`"
            )
        rows = [row for each in editor.edits(known.id) for row in _steps(each)]
    finally:
        store.close()
    print_rows(f"Edits of {point}", EDIT_COLUMNS, rows, as_json=as_json)


def crossed(
    points: Annotated[
        list[str] | None, typer.Argument(help="Codes of both points; with --reverse the correction's number.")
    ] = None,
    *,
    start: Annotated[str | None, typer.Option("--from", help="Since when they are crossed, ISO 8601.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until when; for good by default.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown what would change.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="Put a correction back.")] = False,
    hints: Annotated[
        bool, typer.Option("--hints", help="List pairs that look crossed since an exchange; nothing is changed.")
    ] = False,
    person: PersonOption = "",
    reason: ReasonOption = "",
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Correct two meters that were recorded at each other's points: registry, readings, judgements, all or nothing.

    The lines of bills that differ are listed; `openami mdm bill again` bills them. `--hints` lists pairs of points of
    which each looks, after an exchange (of the last 90 days, or `--from` … `--to`), as the other did before.
    """
    now, named = datetime.now(UTC), points or []
    store = Installation.load(settings).open_store()
    try:
        registry = Registry(store)
        if hints:
            _show_hints(
                store,
                registry,
                (time_of("--from", start) or now - HINTS_BACK, time_of("--to", end) or now),
                as_json=as_json,
            )
            return
        if not named:
            raise SettingError("name both points, or the number of a correction with --reverse, or ask for --hints")
        with store.reading() as connection:
            rule_sets = stored_rule_sets(connection)
        work = CrossedMeters(store, registry, Judge(store, registry, rule_sets))
        if reverse:
            done = work.reverse(_whole(named[0]), reason, person, now)
        else:
            request = _request(registry, named, (start, end), reason, person)
            done = work.correct(request, now) if yes else work.preview(request, now)
        _show(store, done, changed=yes or reverse, as_json=as_json)
    finally:
        store.close()


def _request(
    registry: Registry, codes: list[str], span: tuple[str | None, str | None], reason: str, person: str
) -> Request:
    found = [registry.point_by_code(code) for code in codes]
    first = time_of("--from", span[0])
    if len(found) != 2 or found[0] is None or found[1] is None or first is None:
        raise SettingError("crossed meters: name two metering points that are there, and --from")
    return Request((found[0].id, found[1].id), first, time_of("--to", span[1]), reason, person)


def _show(store: Store, done: Crossing, *, changed: bool, as_json: bool) -> None:
    registry = Registry(store)
    columns = ("Correction", "Channel days", "Registers", "Run", "Point", "Line", "Before", "After")
    head = done.id if changed else "preview", done.days, done.registers
    rows: list[tuple[object, ...]] = []
    for bill in done.bills:
        told = bill.difference
        rows.append((*head, bill.run, registry.point(told.metering_point).code, told.name, told.before, told.after))
    print_rows("Crossed meters", columns, rows or [(*head, None, None, None, None, None)], as_json=as_json)


def _show_hints(store: Store, registry: Registry, span: tuple[datetime, datetime], *, as_json: bool) -> None:
    columns = ("First", "Second", "Since", "First before", "First after", "Second before", "Second after", "Own",
               "Swapped")  # fmt: skip
    rows = [
        (registry.point(hint.one.metering_point).code, registry.point(hint.other.metering_point).code, hint.since,
         hint.one.before_wh, hint.one.after_wh, hint.other.before_wh, hint.other.after_wh, round(hint.own, 3),
         round(hint.swapped, 3))
        for hint in crossed_hints(store, registry, *span)
    ]  # fmt: skip
    print_rows("Meters that may be crossed (Wh a day; own and swapped: 0 is equal, 2 nothing in common)", columns, rows,
               as_json=as_json)  # fmt: skip


def _steps(each: Edit) -> list[tuple[object, ...]]:
    count = len(each.values)
    return [
        (each.number, each.state, each.start, count, step.state, step.person, step.reason, step.at)
        for step in each.steps
    ]


def _whole(given: str) -> int:
    try:
        return int(given)
    except ValueError:
        raise SettingError(f"{given!r} is not a whole number") from None
