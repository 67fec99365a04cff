"""`openami mdm`: judge and close stored days, explain values, list rules and methods, score them against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.close.counts import Kpis
from openami.backoffice.mdm.judge import Explanation, Judge
from openami.backoffice.mdm.reasons import Reason
from openami.backoffice.mdm.validation.rule import Parameter
from openami.backoffice.mdm.validation.rule_set import RuleSets
from openami.backoffice.registry.registry import Registry
from openami.cli.billing import balance, bill  # noqa: F401 - commands of this group
from openami.cli.correcting import crossed, edit  # noqa: F401 - commands of this group
from openami.cli.exchange import export, import_  # noqa: F401 - commands of this group
from openami.cli.output import JsonOption, print_json, print_note, print_rows
from openami.cli.read import check_order, code_of, moment_of, time_of
from openami.cli.up import SettingsOption
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.point import Channel, ChannelKind, MeteringPoint

ObisOption = Annotated[str, typer.Option(help="Which energy.")]
IMPORT = "1-0:1.8.0*255"


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
        wanted = [_point(registry, code) for code in points or []] or registry.points()
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
    wanted = now.date() - timedelta(days=1) if day is None else _day(day)
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


def rulesets(
    file: Annotated[Path | None, typer.Argument(help="TOML file of rule sets to store; none: show what holds.")] = None,
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Store rule sets: which rules and methods judge a class of channels from one day to another.

    A set of a name that is there becomes its next version. Days that no stored set covers are judged by the defaults.
    """
    from openami.backoffice.mdm.stored_rules import parse_rule_sets, store_rule_sets, stored_rule_sets

    written = [] if file is None else parse_rule_sets(file.read_text(encoding="utf-8"))
    store = Installation.load(settings).open_store()
    try:
        with store.transaction() as connection:
            changed = store_rule_sets(connection, written, datetime.now(UTC))
            held = stored_rule_sets(connection).all()
    finally:
        store.close()
    if file is not None:
        print_note(f"{changed} of {len(written)} rule sets stored")
    rows = [
        (one.name, str(one.channel_class), one.start.isoformat(), one.end.isoformat() if one.end else "", len(one.uses))
        for one in held
    ]
    print_rows("Stored rule sets", ("Name", "Class", "From", "Until", "Rules"), rows, as_json=as_json)


def _rule_sets(store: Store) -> RuleSets:
    from openami.backoffice.mdm.stored_rules import stored_rule_sets

    with store.reading() as connection:
        return stored_rule_sets(connection)


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise SettingError(f"{given!r} is not a day; write it as 2026-11-23") from None


def explain(
    point: Annotated[str, typer.Argument(help="Code of the metering point.")],
    moment: Annotated[
        str, typer.Argument(metavar="TIME", help="A moment in the interval, ISO 8601; without a zone the point's own.")
    ],
    *,
    obis: ObisOption = IMPORT,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Say why an interval has the value it has: as measured, as judged, by which rules, parameters and inputs."""
    at = moment_of("TIME", moment)
    assert at is not None
    store = Installation.load(settings).open_store()
    try:
        registry = Registry(store)
        found = _point(registry, point)
        channel = _channel(registry, found, obis)
        asked = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(found.zone))
        told = Judge(store, registry).explain(found.id, channel.number, asked)
    finally:
        store.close()
    _show(found, channel, told, as_json=as_json)


def rules(*, as_json: JsonOption = False) -> None:
    """List the validation rules: what each says, what it needs, and its parameters with their defaults."""
    from openami.backoffice.mdm.validation.catalogue import CATALOGUE

    rows = [
        (rule.name, ", ".join(rule.needs), _parameters(rule.parameters), rule.definition) for rule in CATALOGUE.values()
    ]
    print_rows("Validation rules", ("Rule", "Needs", "Parameters", "Definition"), rows, as_json=as_json)


def methods(*, as_json: JsonOption = False) -> None:
    """List the estimation methods: what each does, what it needs, and its parameters with their defaults."""
    from openami.backoffice.mdm.estimation.fallback import METHODS

    rows = [
        (method.name, ", ".join(method.needs), _parameters(method.parameters), method.definition)
        for method in METHODS.values()
    ]
    print_rows("Estimation methods", ("Method", "Needs", "Parameters", "Definition"), rows, as_json=as_json)


def score(
    file: Annotated[
        Path | None,
        typer.Argument(help="Load curves to take instead of the package's: CSV of household, begin (ISO 8601), kWh."),
    ] = None,
    *,
    seed: Annotated[int, typer.Option(help="Chooses the days that are spoilt and the gaps.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Score rules and methods against the truth: real load curves, spoilt in known ways.

    Precision and recall of each rule by days; errors of each method by length of gap, in percent of the true energy.
    """
    from openami.app.mdm_curves import curves_of, shipped_curves
    from openami.app.mdm_score import score_methods, score_rules

    there = list(shipped_curves() if file is None else curves_of(file))
    if not there:
        raise SettingError(f"{file} has no household with 60 whole days without a gap")
    days = sum(len(curve.energy) for curve in there)
    print_note(f"{len(there)} households, {days} days; this takes about a minute for three")
    judged = [(one.fault, one.rule, one.precision, one.recall, one.n) for one in score_rules(there, seed)]
    print_rows("Rules", ("Fault", "Rule", "Precision", "Recall", "N"), judged, as_json=as_json)
    estimated = [
        (one.method, "yes" if one.registers else "no", one.gap_h, one.mae, one.bias, one.sum_error, one.n)
        for one in score_methods(there, seed)
    ]
    columns = ("Method", "Registers", "Gap", "MAE", "Bias", "Sum error", "N")
    print_rows("Methods (gap in hours, errors in % of the true energy)", columns, estimated, as_json=as_json)


def _show(point: MeteringPoint, channel: Channel, told: Explanation, *, as_json: bool) -> None:
    zone = ZoneInfo(point.zone)
    unit = channel.unit.symbol
    facts: dict[str, object] = {
        "point": point.code,
        "obis": str(channel.obis),
        "start": told.start.astimezone(zone).isoformat(timespec="minutes"),
        "end": told.end.astimezone(zone).isoformat(timespec="minutes"),
        "unit": unit if not channel.scaler else f"10^{channel.scaler} {unit}",
        "measured": told.measured,
        "measured_quality": told.measured_quality.name.lower(),
        "evidence": told.evidence,
        "multiplier": told.multiplier,
        "value": told.value,
        "quality": told.quality.name.lower(),
        "version": told.version,
        "judged_at": None if told.judged_at is None else told.judged_at.isoformat(timespec="seconds"),
        "rule_set": told.rule_set,
        "stale": told.stale,
        "edited": told.edited,
    }
    if as_json:
        print_json(facts | {"reasons": [_reason(reason) for reason in told.reasons]})
        return
    print_rows(f"{point.code} {facts['start']}", ("Fact", "Value"), list(facts.items()), as_json=False)
    rows = [
        (
            reason.name,
            reason.outcome,
            reason.count,
            _pairs(reason.parameters.items()),
            _pairs(reason.inputs.items()),
        )
        for reason in told.reasons
    ]
    print_rows("Reasons", ("Rule or method", "Outcome", "Intervals", "Parameters", "Inputs"), rows, as_json=False)


def _reason(reason: Reason) -> dict[str, object]:
    return {
        "name": reason.name,
        "outcome": str(reason.outcome),
        "first": reason.first,
        "count": reason.count,
        "parameters": dict(reason.parameters),
        "inputs": dict(reason.inputs),
    }


def _pairs(items: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in items)


def _parameters(parameters: Iterable[Parameter]) -> str:
    return "; ".join(f"{one.name} = {one.default}: {one.meaning}" for one in parameters)


def _point(registry: Registry, code: str) -> MeteringPoint:
    found = registry.point_by_code(code)
    if found is None:
        raise SettingError(f"there is no metering point {code!r}")
    return found


def _channel(registry: Registry, point: MeteringPoint, obis: str) -> Channel:
    code = code_of(obis)
    for channel in registry.channels(point.id):
        if channel.obis == code and channel.kind is ChannelKind.INTERVAL_ENERGY:
            return channel
    raise SettingError(f"metering point {point.code!r} has no interval channel {code}")
