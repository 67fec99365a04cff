"""Takes a registry file: each line whole or not at all, many lines per commit; the same again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import groupby, islice
from typing import Any

from openami.backoffice.mdm.hierarchy import channels_named
from openami.backoffice.mdm.master_data import per_quantity
from openami.backoffice.mdm.master_data.fresh import FreshLines
from openami.backoffice.mdm.master_data.lines import Line, Rejected, read_lines
from openami.backoffice.mdm.master_data.per_quantity import Told
from openami.backoffice.mdm.master_data.transformers import factor_of
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.backoffice.registry.timeline import Timeline, check_meters
from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.reading import RegisterReading

LINES_AT_ONCE = 500
CSV_READS = "registry-csv"
Values = Mapping[str, Any]
CONTENT = {
    FactKind.CONTRACT: ("contract", "supplier", "tariff", "annual_wh"),
    FactKind.TOPOLOGY: ("area", "substation", "feeder", "transformer", "phase", "role"),
}


@dataclass(slots=True)
class ImportReport:
    """What became of the lines: `changed` told something new, `unchanged` was known already."""

    changed: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class RegistryImport:
    """Takes lines into `store`. What they tell is known from `now` on."""

    def __init__(self, store: Store, mdm: Mdm, registry: Registry, now: datetime) -> None:
        self._store = store
        self._mdm = mdm
        self._registry = registry
        self._timeline = Timeline(store)
        self._now = now
        self._fresh = FreshLines(store, registry, now, _channel_of, _content_of)
        self._take: dict[str, Callable[[Values], bool]] = {
            "point": self._point,
            "meter": self._meter,
            "channel": self._channel,
            "installation": self._installation,
            "ratio": self._ratio,
            "check": self._check,
            "supply": self._supply,
            "contract": lambda values: self._fact(FactKind.CONTRACT, values),
            "topology": lambda values: self._fact(FactKind.TOPOLOGY, values),
        }

    def run(self, text: Iterable[str], rejected: Callable[[Rejected], None] | None = None) -> ImportReport:
        """Take a file as a stream: memory does not grow with it. Each rejected line is told to `rejected`, or listed in
        the report. Killed at any moment, the same file again goes on.
        """
        report = ImportReport()
        tell = rejected or report.rejected.append
        lines = read_lines(text)
        while chunk := list(islice(lines, LINES_AT_ONCE)):
            told = []
            with self._store.transaction():
                for outcome in self._outcomes(chunk):
                    if isinstance(outcome, Rejected):
                        told.append(outcome)
                    elif outcome:
                        report.changed += 1
                    else:
                        report.unchanged += 1
            for one in told:  # only once the rest is safe
                tell(one)
        return report

    def _outcomes(self, chunk: Sequence[Line | Rejected]) -> Iterator[bool | Rejected]:
        """What becomes of each line, in their order; those of one record that tell only new things go at once."""
        for _, run in groupby(chunk, key=lambda line: line.record if isinstance(line, Line) else None):
            lines = list(run)
            taken = self._fresh.take([line for line in lines if isinstance(line, Line)])
            for line in lines:
                yield line if isinstance(line, Rejected) else line.number in taken or self._line(line)

    def _line(self, line: Line) -> bool | Rejected:
        try:
            with self._store.transaction():
                return self._take[line.record](line.values)
        except (SettingError, Conflict, NotRegistered) as error:
            return Rejected(line.number, str(error))

    def _point(self, values: Values) -> bool:
        known = self._registry.point_by_code(values["point"])
        if known is None:
            self._registry.add_point(values["point"], values["address"], values["zone"])
            return True
        if known.zone != values["zone"]:
            raise SettingError(f"point {known.code} lives by {known.zone}, which cannot change to {values['zone']}")
        if known.service_address == values["address"]:
            return False
        self._registry.change_address(known.id, values["address"], self._now)
        return True

    def _meter(self, values: Values) -> bool:
        known = self._registry.meter_by_serial(values["meter"])
        framing = values.get("framing", "wrapper")
        if known is None:
            title, guarantee, link = values["system_title"], values["guarantee"], values.get("link")
            self._registry.add_meter(values["meter"], title, guarantee, link, framing)
            return True
        if (known.system_title, known.guarantee) != (values["system_title"], values["guarantee"]):
            raise SettingError(f"meter {known.serial} is registered with another system title or guarantee")
        if known.framing != framing:
            raise SettingError(f"meter {known.serial} is registered with the framing {known.framing}")
        if known.link == values.get("link"):
            return False
        self._registry.change_link(known.id, values.get("link"))
        return True

    def _channel(self, values: Values) -> bool:
        point, number = self._point_id(values), values["channel"]
        told = _channel_of(point, values)
        for known in self._registry.channels(point):
            if known.number == number:
                if not _same(known, told):
                    raise SettingError(f"channel {number} of point {values['point']} is there and differs: add another")
                return False
        scale = told.scaler, told.resolution_s, told.modulus, told.multiplier
        self._registry.add_channel(point, number, told.obis, told.kind, told.unit, *scale)
        return True

    def _installation(self, values: Values) -> bool:
        meter = self._registry.meter_by_serial(values["meter"])
        if meter is None:
            raise SettingError(f"meter {values['meter']} is not in the registry")
        point = self._point_id(values)
        reads = {name: values[name] for name in ("opening", "closing") if name in values}
        if "closing" in reads and "end" not in values:
            raise SettingError("a closing read needs the end of the installation")
        content = {"meter": meter.id, **reads}
        changed = self._enter(FactKind.INSTALLATION, point, values, content)
        with self._store.transaction() as connection:
            check_meters(connection, [meter.id])
        if changed:
            self._take_reads(meter.id, values, reads)
            self._mdm.place_unplaced(meter.id)
        return changed

    def _ratio(self, values: Values) -> bool:
        """Energies from the change on are derived again; a read at its moment is a stamped register like any other."""
        if "multiplier" not in values:
            raise SettingError("ratio: multiplier is empty")
        point, obis, start = self._point_id(values), str(values["obis"]), values["start"]
        if start.microsecond:
            raise SettingError(f"start {start.isoformat()} is no whole second, as registers are stamped")
        factor = factor_of(self._registry.channels(point), obis, values["multiplier"], values.get("scaler", 0))
        changed = self._tell(FactKind.RATIO, point, values, factor)
        if "opening" in values:
            self._take_reads(self._meter_at(point, start), values, {"opening": values["opening"]})
        if changed:
            self._mdm.derive_again(point, start)
        return changed

    def _check(self, values: Values) -> bool:
        point, obis = self._point_id(values), str(values["obis"])
        own = next((each for each in self._registry.channels(point) if str(each.obis) == obis), None)
        if own is None:
            raise SettingError(f"point {values['point']} has no channel for {obis}")
        for code, other in channels_named(values["checks"]):
            there = self._registry.point_by_code(code)
            channels = [] if there is None else self._registry.channels(there.id)
            if not any(str(each.obis) == other and each.unit is own.unit for each in channels):
                raise SettingError(f"there is no channel {other} of point {code} in {own.unit.symbol} to check by")
            if (code, other) == (values["point"], obis):
                raise SettingError("a channel does not check itself")
        return self._tell(FactKind.CHECK, point, values, values["checks"])

    def _tell(self, kind: FactKind, point: int, values: Values, value: int | str) -> bool:
        one = Told(kind, point, str(values["obis"]), value, values["start"], values.get("end"))
        tell = per_quantity.correct if values.get("correction") else per_quantity.enter
        return tell(self._timeline, one, self._now)

    def _meter_at(self, point: int, at: datetime) -> int:
        there = self._timeline.at(FactKind.INSTALLATION, point, at)
        if there is None:
            raise SettingError(f"no meter hung at the point at {at.isoformat()}: there is nothing that was read")
        return int(there.content["meter"])

    def _take_reads(self, meter: int, values: Values, reads: dict[str, dict[str, int]]) -> None:
        """The reads of an installation and of a removal are stamped registers like any other."""
        taken = []
        for name, at in (("opening", "start"), ("closing", "end")):
            for obis, register in reads.get(name, {}).items():
                serial = self._registry.meter(meter).serial
                said = f"{name} {serial} {values[at].isoformat()} {obis}={register}".encode()
                evidence = self._mdm.keep_evidence(meter, values[at], CSV_READS, [said], said, "")
                taken.append(RegisterReading(meter, ObisCode.parse(obis), values[at], register, self._now, evidence))
        self._mdm.take_register(taken)

    def _supply(self, values: Values) -> bool:
        point, name = self._point_id(values), values["consumer"]
        there = self._timeline.at(FactKind.SUPPLY, point, values["start"])
        if there is not None and self._registry.consumer(there.content["consumer"]).name == name:
            consumer = there.content["consumer"]
        else:
            consumer = self._registry.add_consumer(name).id
        return self._enter(FactKind.SUPPLY, point, values, {"consumer": consumer})

    def _fact(self, kind: FactKind, values: Values) -> bool:
        return self._enter(kind, self._point_id(values), values, _content_of(kind, values))

    def _enter(self, kind: FactKind, point: int, values: Values, content: dict[str, Any]) -> bool:
        enter = self._timeline.correct if values.get("correction") else self._timeline.enter
        return enter(kind, point, values["start"], values.get("end"), content, self._now)

    def _point_id(self, values: Values) -> int:
        known = self._registry.point_by_code(values["point"])
        if known is None:
            raise SettingError(f"point {values['point']} is not in the registry")
        return known.id


def _channel_of(point: int, values: Values) -> Channel:
    """The channel that a line means."""
    stamped = values["kind"] is ChannelKind.STAMPED_REGISTER
    factor, power = values.get("multiplier", (1, 0))
    return Channel(
        point,
        values["channel"],
        values["obis"],
        values["kind"],
        values["unit"],
        values.get("scaler", 0) + power,
        0 if stamped else values.get("resolution_s", 900),
        values.get("digits", 0) * factor,
        factor,
    )


def _content_of(kind: FactKind, values: Values) -> dict[str, Any]:
    """What a line tells of a point."""
    return {name: values[name] for name in CONTENT[kind] if name in values}


def _same(one: Channel, other: Channel) -> bool:
    """Whether both mean the same: a multiplier of 100 may also be a scaler of 2."""
    quantity = [(each.obis, each.kind, each.unit, each.resolution_s) for each in (one, other)]
    scale = [
        [each.multiplier * Fraction(10) ** each.scaler, each.modulus * Fraction(10) ** each.scaler]
        for each in (one, other)
    ]
    return quantity[0] == quantity[1] and scale[0] == scale[1]
