"""Reads a case of `tests/scenarios`: what arrived (`when/*.csv`) and what must be answered (`then/*.csv`).

when/points.csv         point, zone
when/installations.csv  point, meter, from, until (empty: still there)
when/channels.csv       point, obis, every_s, modulus (absent file: import energy by 900 s, roll-over unknown)
when/profile.csv        meter, obis, first, last, every_s, register, step, status, arrived: the meter's register at
                        each stamp from `first` to `last`, rising by `step` from one to the next
when/registers.csv      meter, obis, stamp, register, arrived: a register read at one instant
when/edits.csv          point, obis, action (propose, confirm, refuse, undo), number, start, values, reason, person, at:
                        what persons did, after all arrivals; with a line of `confirm` two persons are needed

Lines stand in the order of arrival; `arrived` is when a line became known. Empty fields take the usual value.
then/*.csv are compared line by line with what the store answers: see `ANSWERS`. They are asked in the order of their
names, so that `later_bill.csv` is asked once the days of `judged.csv` were judged, and `bill.csv` before.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from openami.backoffice.mdm.calendar import Period
from openami.backoffice.mdm.edits import Editor
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.mdm.reasons import Outcome
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass, Quality
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

Line = dict[str, str]
IMPORT = str(ACTIVE_ENERGY_IMPORT)


def lines(folder: Path, name: str) -> list[Line]:
    """The lines of one file; none if the case has no such file."""
    file = folder / f"{name}.csv"
    return list(csv.DictReader(file.read_text().splitlines())) if file.exists() else []


def instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None, f"{text} needs its offset"
    return at


@dataclass
class Case:
    """One case, with its registry built and nothing taken yet."""

    folder: Path
    store: Store
    registry: Registry
    mdm: Mdm
    judge: Judge

    def point(self, line: Line) -> int:
        return self.registry.point_by_code(line["point"]).id

    def meter(self, name: str) -> int:
        return self.registry.meter_by_serial(name).id

    def local(self, line: Line, at: datetime) -> str:
        zone = ZoneInfo(self.registry.point_by_code(line["point"]).zone)
        return at.astimezone(zone).isoformat(timespec="minutes")

    def arrivals(self) -> list[Callable[[], object]]:
        """What arrives, one call per line of `profile.csv`, then of `registers.csv`."""
        profile = [lambda line=line: self._take_profile(line) for line in lines(self.folder / "when", "profile")]
        registers = [lambda line=line: self._take_register(line) for line in lines(self.folder / "when", "registers")]
        return profile + registers

    def _take_profile(self, line: Line) -> None:
        first, last = (int(instant(line[name]).timestamp()) for name in ("first", "last"))
        step = int(line.get("every_s") or 900)
        stamps = np.arange(first, last + 1, step, dtype=np.int64)
        registers = int(line["register"]) + int(line["step"]) * np.arange(len(stamps), dtype=np.int64)
        status = np.full(len(stamps), int(line.get("status") or "0", 0), dtype=np.uint8)
        known_at = instant(line["arrived"])
        evidence = self._evidence(line, known_at)
        obis = ObisCode.parse(line.get("obis") or IMPORT)
        meter = self.meter(line["meter"])
        self.mdm.take_profile([ProfileReading(meter, obis, step, stamps, registers, status, known_at, evidence)])

    def _take_register(self, line: Line) -> None:
        known_at, meter = instant(line["arrived"]), self.meter(line["meter"])
        obis, stamp = ObisCode.parse(line.get("obis") or IMPORT), instant(line["stamp"])
        evidence = self._evidence(line, known_at)
        self.mdm.take_register([RegisterReading(meter, obis, stamp, int(line["register"]), known_at, evidence)])

    def _evidence(self, line: Line, known_at: datetime) -> int:
        said = repr(sorted(line.items())).encode()
        return self.mdm.keep_evidence(self.meter(line["meter"]), known_at, "casebook", [said], said, "")


def open_case(folder: Path, store: Store) -> Case:
    """Build the registry of the case in `store`, which must be new."""
    registry = Registry(store)
    case = Case(folder, store, registry, Mdm(store, registry), Judge(store, registry))
    when = folder / "when"
    for line in lines(when, "points"):
        registry.add_point(line["point"], "1 High Street", line["zone"])
    for line in lines(when, "channels") or [{"point": line["point"]} for line in lines(when, "points")]:
        number = len(registry.channels(case.point(line))) + 1
        obis = ObisCode.parse(line.get("obis") or IMPORT)
        step, modulus = int(line.get("every_s") or 900), int(line.get("modulus") or 0)
        kind = ChannelKind.INTERVAL_ENERGY
        registry.add_channel(case.point(line), number, obis, kind, Unit.WATT_HOUR, 0, step, modulus)
    for line in lines(when, "installations"):
        _install(case, line)
    return case


def _install(case: Case, line: Line) -> None:
    registry, name = case.registry, line["meter"]
    if registry.meter_by_serial(name) is None:
        title = name.encode().ljust(8, b"\0")[:8]
        registry.add_meter(name, title, GuaranteeClass.SHARED_KEYS, None)
    if line["from"]:
        registry.install(case.meter(name), case.point(line), instant(line["from"]))
    if line["until"]:
        registry.remove(case.meter(name), instant(line["until"]))


def act(case: Case) -> None:
    """What persons did, in the order of the lines."""
    acts = lines(case.folder / "when", "edits")
    editor = Editor(case.store, case.registry, four_eyes=any(line["action"] == "confirm" for line in acts))
    for line in acts:
        point, at, person, reason = case.point(line), instant(line["at"]), line["person"], line["reason"]
        if line["action"] == "propose":
            obis = line.get("obis") or IMPORT
            number = next(c.number for c in case.registry.channels(point) if str(c.obis) == obis)
            values = [int(value) for value in line["values"].split()]
            editor.propose(point, number, instant(line["start"]), values, reason, person, at)
        elif line["action"] == "confirm":
            editor.confirm(point, int(line["number"]), person, at)
        else:
            take = editor.undo if line["action"] == "undo" else editor.refuse
            take(point, int(line["number"]), reason, person, at)


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
