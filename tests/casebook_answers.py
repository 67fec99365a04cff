"""What the store answers in a case: `then/*.csv`, compared line by line in the columns that a file has.

They are asked in the order of their names, so that `later_bill.csv` is asked once the days of `judged.csv` were judged,
and `bill.csv` before.

intervals, judged       every interval from a point's first wanted line to its last; as measured, or judged first
hours, days, months …   sums by local periods
bill, later_bill        registers at both ends of a period, with the intervals between
determinants            lines of billing runs; each run is also computed again from what it rests on
differences             what looking again at the runs would change: all of it
balances                sums of a group of points from `start` to `end`, as known at `known` (empty: now)
known                   what the registry told at `known` of the time `at`
installed               who measured a point, as it is known now
registers               stamped registers of a point
gaps, unplaced, refused what is missing, what waits for a place, what was refused of files
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from casebook import IMPORT, Case, Line, instant, lines
from openami.backoffice.mdm.calendar import Period
from openami.backoffice.mdm.reasons import Outcome
from openami.backoffice.mdm.settlement import Grouping, balances
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.timeline import Timeline
from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.quality import Quality


def _sums(case: Case, wanted: list[Line], by: Period) -> Iterator[Line]:
    """Consumption of each point from the first wanted line's period to the last one's end."""
    for (point, obis), mine in _grouped(wanted):
        start, end = instant(mine[0]["start"]), instant(mine[-1]["end"])
        for found in case.mdm.consumption(case.point(mine[0]), start, end, by, ObisCode.parse(obis)):
            yield {
                "point": point,
                "obis": obis,
                "start": case.local(mine[0], found.start),
                "end": case.local(mine[0], found.end),
                "energy_wh": str(found.energy_wh),
                "intervals": str(found.intervals),
                "missing": str(found.missing),
                "register_energy_wh": _told(found.register_energy_wh),
            }


def _intervals(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for (point, obis), mine in _grouped(wanted):
        number = next(c.number for c in case.registry.channels(case.point(mine[0])) if str(c.obis) == obis)
        start, end = instant(mine[0]["start"]), instant(mine[-1]["end"])
        step = case.registry.channel(case.point(mine[0]), number).resolution_s
        series = case.mdm.series(case.point(mine[0]), number, start, end)
        for stamp, value, quality in zip(series.stamps, series.values, series.quality, strict=True):
            yield {
                "point": point,
                "obis": obis,
                "start": case.local(mine[0], utc(int(stamp) - step)),
                "end": case.local(mine[0], utc(int(stamp))),
                "energy_wh": "" if quality == Quality.MISSING else str(value),
                "quality": Quality(int(quality)).name.lower(),
            }


def _judged(case: Case, wanted: list[Line]) -> Iterator[Line]:
    """Every interval as judged from the first wanted line to the last one's end; `by` is what refused or estimated."""
    for (point, obis), mine in _grouped(wanted):
        identity = case.point(mine[0])
        channel = next(c for c in case.registry.channels(identity) if str(c.obis) == obis)
        start, end = instant(mine[0]["start"]), instant(mine[-1]["end"])
        case.judge.judge(start, end, end, [identity])
        series = case.judge.validated(identity, channel.number, start, end)
        for stamp, value, quality in zip(series.stamps, series.values, series.quality, strict=True):
            begin = utc(int(stamp) - channel.resolution_s)
            told = case.judge.explain(identity, channel.number, begin)
            yield {
                "point": point,
                "obis": obis,
                "start": case.local(mine[0], begin),
                "end": case.local(mine[0], utc(int(stamp))),
                "energy_wh": "" if quality == Quality.MISSING else str(value),
                "quality": Quality(int(quality)).name.lower(),
                "by": " ".join(reason.name for reason in told.reasons if reason.outcome is not Outcome.NOTED),
                "edited": "yes" if told.edited else "",
                "noted": " ".join(reason.name for reason in told.reasons if reason.outcome is Outcome.NOTED),
            }


def _bills(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for line in wanted:
        obis = line.get("obis") or IMPORT
        start, end = instant(line["start"]), instant(line["end"])
        bill = case.mdm.bill(case.point(line), start, end, ObisCode.parse(obis))
        yield {
            "point": line["point"],
            "obis": obis,
            "start": case.local(line, bill.start),
            "end": case.local(line, bill.end),
            "opening": case.local(line, bill.opening.stamp) if bill.opening else "",
            "opening_wh": str(bill.opening.register_wh) if bill.opening else "",
            "closing": case.local(line, bill.closing.stamp) if bill.closing else "",
            "closing_wh": str(bill.closing.register_wh) if bill.closing else "",
            "register_energy_wh": _told(bill.register_energy_wh),
            "interval_energy_wh": str(bill.interval_energy_wh),
            "intervals": str(bill.intervals),
            "missing": str(bill.missing),
            "estimated": str(bill.estimated),
            "estimated_wh": str(bill.estimated_energy_wh),
            "edited": str(bill.edited),
            "difference_wh": _told(bill.difference_wh),
            "breaks": str(len(bill.breaks)),
        }


def _gaps(case: Case, wanted: list[Line]) -> Iterator[Line]:
    """Every gap between the first and the last stamp that any meter delivered."""
    del wanted
    profile = lines(case.folder / "when", "profile")
    start = min(instant(line["first"]) for line in profile)
    end = max(instant(line["last"]) for line in profile)
    for gap in case.mdm.missing(start, end):
        line = {"point": case.registry.point(gap.metering_point).code}
        yield line | {
            "obis": str(case.registry.channel(gap.metering_point, gap.channel).obis),
            "start": case.local(line, gap.start),
            "end": case.local(line, gap.end),
            "intervals": str(gap.intervals),
        }


def _unplaced(case: Case, wanted: list[Line]) -> Iterator[Line]:
    del wanted
    for waiting in case.mdm.unplaced():
        yield {
            "meter": case.registry.meter(waiting.meter).serial,
            "start": waiting.start.isoformat(timespec="minutes"),
            "end": waiting.end.isoformat(timespec="minutes"),
            "rows": str(waiting.count),
            "reason": waiting.reason,
        }


def _determinants(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for run in case.billing.runs():
        assert case.billing.check(run.id) == [], "a run is computed again from what it rests on"
    for line in wanted:
        [result] = case.billing.results(int(line.get("run") or 1), [case.point(line)])
        [told] = [each for each in result.lines if each.name == line["line"]]
        yield {
            "run": str(result.run),
            "point": line["point"],
            "line": told.name,
            "value": _told(told.value),
            "unit": told.unit,
            "intervals": str(told.intervals),
            "missing": str(told.missing),
            "estimated": str(told.estimated),
            "estimated_value": str(told.estimated_value),
            "at": "" if told.at is None else case.local(line, utc(told.at)),
        }


def _differences(case: Case, wanted: list[Line]) -> Iterator[Line]:
    del wanted
    for run in case.billing.runs():
        for each in case.billing.compare(run.id, case.registry.point_ids()):
            yield {
                "run": str(run.id),
                "point": case.registry.point(each.metering_point).code,
                "line": each.name,
                "before": _told(each.before),
                "after": _told(each.after),
                "difference": _told(each.value),
            }


def _balances(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for line in wanted:
        start, end = instant(line["start"]), instant(line["end"])
        known = instant(line["known"]) if line.get("known") else None
        period_s = int((end - start) / timedelta(seconds=1))
        groups = balances(case.store, case.registry, Grouping(line["by"]), start, end, period_s, known)
        [found] = [each for each in groups if each.group == line["group"]]
        yield line | {
            name: _told(getattr(found, name))
            for name in ("points", "silent", "consumed_wh", "produced_wh", "inflow_wh", "outflow_wh", "intervals",
                         "missing", "estimated", "estimated_wh", "known_loss_wh", "loss_wh")
        }  # fmt: skip


def _known(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for line in wanted:
        known = instant(line["known"]) if line["known"] else None
        fact = Timeline(case.store).at(FactKind(line["kind"]), case.point(line), instant(line["at"]), known)
        told = {} if fact is None else dict(fact.content)
        if "consumer" in told:
            told = {"consumer": case.registry.consumer(told["consumer"]).name}
        if "meter" in told:
            told = {"meter": case.registry.meter(told["meter"]).serial}
        yield line | {"told": " ".join(f"{name}={value}" for name, value in sorted(told.items()))}


def _installed(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for (point, _), mine in _grouped(wanted):
        for hung in case.registry.installations_of_point(case.point(mine[0])):
            yield {
                "point": point,
                "meter": case.registry.meter(hung.meter).serial,
                "from": case.local(mine[0], hung.start),
                "until": "" if hung.end is None else case.local(mine[0], hung.end),
            }


def _registers(case: Case, wanted: list[Line]) -> Iterator[Line]:
    for (point, obis), mine in _grouped(wanted):
        span = instant(mine[0]["stamp"]), instant(mine[-1]["stamp"])
        for read in case.mdm.registers(case.point(mine[0]), ObisCode.parse(obis), *span):
            yield {
                "point": point,
                "obis": obis,
                "stamp": case.local(mine[0], utc(read.stamp)),
                "meter": case.registry.meter(read.meter).serial,
                "register": str(read.register),
            }


def _refused(case: Case, wanted: list[Line]) -> Iterator[Line]:
    del wanted
    for file, line, reason in sorted(case.refused):
        yield {"file": file, "line": str(line), "reason": reason}


def _grouped(wanted: list[Line]) -> Iterator[tuple[tuple[str, str], list[Line]]]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in wanted:
        found.setdefault((line["point"], line.get("obis") or IMPORT), []).append(line)
    yield from found.items()


def _told(value: int | None) -> str:
    return "unknown" if value is None else str(value)


ANSWERS: dict[str, Callable[[Case, list[Line]], Iterator[Line]]] = {
    "intervals": _intervals,
    "judged": _judged,
    "hours": lambda case, wanted: _sums(case, wanted, Period.HOUR),
    "days": lambda case, wanted: _sums(case, wanted, Period.DAY),
    "months": lambda case, wanted: _sums(case, wanted, Period.MONTH),
    "years": lambda case, wanted: _sums(case, wanted, Period.YEAR),
    "bill": _bills,
    "later_bill": _bills,
    "gaps": _gaps,
    "unplaced": _unplaced,
    "determinants": _determinants,
    "differences": _differences,
    "balances": _balances,
    "known": _known,
    "installed": _installed,
    "registers": _registers,
    "refused": _refused,
}


def answers(case: Case) -> dict[str, tuple[list[Line], list[Line]]]:
    """Per file of `then/`: what is wanted, and what the store answers in the columns that are wanted."""
    found = {}
    for file in sorted((case.folder / "then").glob("*.csv")):
        wanted = lines(case.folder / "then", file.stem)
        columns = file.read_text().splitlines()[0].split(",")
        told = [{name: line[name] for name in columns} for line in ANSWERS[file.stem](case, wanted)]
        found[file.stem] = wanted, told
    return found
