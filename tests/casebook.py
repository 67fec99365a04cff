"""Reads a case of `tests/scenarios`: what happened (`when/*.csv`, then `later/*.csv`) to a store that knows nothing.

Each of both folders is played in this order; files that are not there say nothing.

registry.csv            lines of a registry file, as `openami registry import` takes it; `known` (one for the file,
                        in its first line) is when it was told. Readings that wait are placed.
points.csv              point, zone: for cases without a registry file
installations.csv       point, meter, from, until (empty: still there)
channels.csv            point, obis, every_s, modulus (absent file: import energy by 900 s, roll-over unknown)
profile.csv             meter, obis, first, last, every_s, register, step, status, arrived: the meter's register at
                        each stamp from `first` to `last`, rising by `step` from one to the next
registers.csv           meter, obis, stamp, register, arrived: a register read at one instant
files.csv               name, form, arrived: files of other parties, which lie beside it
edits.csv               point, obis, action (propose, confirm, refuse, undo), number, start, values, reason, person, at:
                        what persons did, after all arrivals; with a line of `confirm` two persons are needed
crossed.csv             first, second, start, end, reason, person, at: two meters were at each other's points; a line
                        with `reverses` puts that correction back
rulesets.toml           rule sets, stored before anything is judged
judge.csv               start, end, at: all points are judged
plan.toml, bills.csv    plan, first, before, at: billing runs, numbered in the order of their lines

Lines stand in the order of arrival; `arrived` is when a line became known. Empty fields take the usual value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.crossed import CrossedMeters, Request
from openami.backoffice.mdm.edits import Editor
from openami.backoffice.mdm.interfaces.importing import Importer
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.mdm.stored_rules import parse_rule_sets, store_rule_sets, stored_rule_sets
from openami.backoffice.mdm.validation.rule_set import DEFAULT_RULE_SETS
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

Line = dict[str, str]
IMPORT = str(ACTIVE_ENERGY_IMPORT)
Arrivals = list[Callable[[], object]]


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
    """One case and its store, and what was refused on the way: file, line and reason."""

    folder: Path
    store: Store
    registry: Registry
    mdm: Mdm
    judge: Judge
    billing: Billing
    refused: list[tuple[str, int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, store: Store) -> Case:
        """The case over `store`, which must be new; nothing has happened yet."""
        registry = Registry(store)
        file, rule_sets = folder / "when" / "rulesets.toml", DEFAULT_RULE_SETS
        if file.exists():
            with store.transaction() as connection:
                store_rule_sets(connection, parse_rule_sets(file.read_text()), datetime(2026, 1, 1, tzinfo=UTC))
                rule_sets = stored_rule_sets(connection)
        judge, billing = Judge(store, registry, rule_sets), Billing(store, registry)
        return cls(folder, store, registry, Mdm(store, registry), judge, billing)

    def point(self, line: Line) -> int:
        return self.registry.point_by_code(line["point"]).id

    def meter(self, name: str) -> int:
        return self.registry.meter_by_serial(name).id

    def local(self, line: Line, at: datetime) -> str:
        zone = ZoneInfo(self.registry.point_by_code(line["point"]).zone)
        return at.astimezone(zone).isoformat(timespec="minutes")

    def play(self, order: Callable[[Arrivals], Arrivals]) -> None:
        """All that happened; what arrives in one folder comes in `order`."""
        for phase in (self.folder / "when", self.folder / "later"):
            self._know(phase)
            for take in order(self._arrivals(phase)):
                take()
            self._act(phase)

    def _know(self, phase: Path) -> None:
        if (phase / "registry.csv").exists():
            self._import_registry(phase)
        for line in lines(phase, "points"):
            self.registry.add_point(line["point"], "1 High Street", line["zone"])
        for line in lines(phase, "channels") or [{"point": line["point"]} for line in lines(phase, "points")]:
            number = len(self.registry.channels(self.point(line))) + 1
            obis = ObisCode.parse(line.get("obis") or IMPORT)
            step, modulus = int(line.get("every_s") or 900), int(line.get("modulus") or 0)
            kind = ChannelKind.INTERVAL_ENERGY
            self.registry.add_channel(self.point(line), number, obis, kind, Unit.WATT_HOUR, 0, step, modulus)
        for line in lines(phase, "installations"):
            self._install(line)

    def _import_registry(self, phase: Path) -> None:
        told = lines(phase, "registry")
        text = io.StringIO(newline="")
        names = [name for name in told[0] if name != "known"]
        writer = csv.DictWriter(text, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(told)
        text.seek(0)
        taken = RegistryImport(self.store, self.mdm, self.registry, instant(told[0]["known"]))
        taken.run(text, lambda each: self.refused.append((f"{phase.name}/registry.csv", each.line, each.reason)))

    def _install(self, line: Line) -> None:
        name = line["meter"]
        if self.registry.meter_by_serial(name) is None:
            title = name.encode().ljust(8, b"\0")[:8]
            self.registry.add_meter(name, title, GuaranteeClass.SHARED_KEYS, None)
        if line["from"]:
            self.registry.install(self.meter(name), self.point(line), instant(line["from"]))
        if line["until"]:
            self.registry.remove(self.meter(name), instant(line["until"]))

    def _arrivals(self, phase: Path) -> Arrivals:
        """What arrives, one call per line of `profile.csv`, then of `registers.csv` and `files.csv`."""
        profile = [lambda line=line: self._take_profile(line) for line in lines(phase, "profile")]
        registers = [lambda line=line: self._take_register(line) for line in lines(phase, "registers")]
        files = [lambda line=line: self._take_file(phase, line) for line in lines(phase, "files")]
        return profile + registers + files

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

    def _take_file(self, phase: Path, line: Line) -> None:
        name = f"{phase.name}/{line['name']}"
        importer = Importer(self.store, self.registry, self.mdm, instant(line["arrived"]))
        found: list[tuple[str, int, str]] = []
        file = phase / line["name"]
        importer.run(name, line["form"], lambda: file.open("rb"), lambda each: found.append((name, *astuple(each))))
        self.refused += [each for each in found if each not in self.refused]

    def _evidence(self, line: Line, known_at: datetime) -> int:
        said = repr(sorted(line.items())).encode()
        return self.mdm.keep_evidence(self.meter(line["meter"]), known_at, "casebook", [said], said, "")

    def _act(self, phase: Path) -> None:
        """What persons and their programs did once all had arrived."""
        edits = lines(phase, "edits")
        editor = Editor(self.store, self.registry, four_eyes=any(line["action"] == "confirm" for line in edits))
        for line in edits:
            self._edit(editor, line)
        for line in lines(phase, "crossed"):
            self._cross(line)
        for line in lines(phase, "judge"):
            self.judge.judge(instant(line["start"]), instant(line["end"]), instant(line["at"]))
        if (phase / "plan.toml").exists():
            self.billing.store_plans((phase / "plan.toml").read_text(), instant(lines(phase, "bills")[0]["at"]))
        for line in lines(phase, "bills"):
            first, before = (date.fromisoformat(line[name]) for name in ("first", "before"))
            self.billing.run(line["plan"], first, before, instant(line["at"]))

    def _edit(self, editor: Editor, line: Line) -> None:
        point, at, person, reason = self.point(line), instant(line["at"]), line["person"], line["reason"]
        if line["action"] == "propose":
            obis = line.get("obis") or IMPORT
            number = next(c.number for c in self.registry.channels(point) if str(c.obis) == obis)
            values = [int(value) for value in line["values"].split()]
            editor.propose(point, number, instant(line["start"]), values, reason, person, at)
        elif line["action"] == "confirm":
            editor.confirm(point, int(line["number"]), person, at)
        else:
            take = editor.undo if line["action"] == "undo" else editor.refuse
            take(point, int(line["number"]), reason, person, at)

    def _cross(self, line: Line) -> None:
        work, at = CrossedMeters(self.store, self.registry, self.judge), instant(line["at"])
        if line.get("reverses"):
            work.reverse(int(line["reverses"]), line["reason"], line["person"], at)
            return
        one, other = (self.point({"point": line[name]}) for name in ("first", "second"))
        end = instant(line["end"]) if line["end"] else None
        work.correct(Request((one, other), instant(line["start"]), end, line["reason"], line["person"]), at)
