"""Green Button: one usage point's energy as an Atom feed of ESPI resources (NAESB REQ.21, version 4.0).

Elements, their order and their numbers follow the published schema `espi.xsd` (version 4.0.20231213). Each entry
carries the links that certification asks for: `self`, `up`, and `related` from a UsagePoint to its MeterReadings and
LocalTimeParameters and UsageSummaries, and from a MeterReading to its ReadingType and its IntervalBlocks.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.model.unit import Unit
from openami.protocols.exchange.delivery import BadRecord, written
from openami.protocols.exchange.reading_type import DELTA_DATA, ELECTRICITY, ENERGY, FLOW_OF, PERIODS_S, UNITS

ATOM = "http://www.w3.org/2005/Atom"
ESPI = "http://naesb.org/espi"
QUALITIES = {Quality.MEASURED: 0, Quality.CALCULATED: 11, Quality.ESTIMATED: 8}
"""QualityOfReading: valid, derived, estimated; nothing is written for an interval without a value."""
FOR_BILLS, MIXED, FAILED = 19, 13, 10
"""QualityOfReading of a summary: fit for a bill, estimated in part, lacking intervals."""
WATTS, WATT_HOURS = 38, 72
SPACE = uuid.UUID("5e7d2c0a-3b1f-5c58-9d7f-6f5a1f4b0c11")
"""Entries are named by this and their address, so that the same entry has the same id in every file."""
Interval = tuple[int, int | None, Quality]


@dataclass(frozen=True, slots=True)
class EspiReading:
    """One channel: integers × 10^`scaler` in `unit`, by ends of intervals of `resolution_s`, in order of time."""

    number: int
    obis: ObisCode
    unit: Unit
    scaler: int
    resolution_s: int
    values: Iterable[Interval]


@dataclass(frozen=True, slots=True)
class EspiSummary:
    """A period that was billed: `duration_s` from `start` (seconds since 1970), by `tariff`; told at `told_at`.

    `energy_wh` came from the grid (None: not known), `complete` without a missing interval, or `estimated` in part.
    `demand_w` is the highest mean power of the plan's window, which began at `demand_at`.
    """

    number: int
    start: int
    duration_s: int
    energy_wh: int | None
    estimated: bool
    complete: bool
    demand_w: int | None
    demand_at: int | None
    tariff: str
    told_at: int


def write_espi(
    point: str,
    title: str,
    zone: str,
    readings: Iterable[EspiReading],
    created_at: datetime,
    summaries: Iterable[EspiSummary] = (),
) -> Iterator[str]:
    """The feed of usage point `point`, piece by piece: a block per UTC day and channel. `title` is what people call
    the place. Raises `BadRecord` for a channel that is no energy.
    """
    made = written(int(created_at.timestamp()))
    # The number of a point in an address must not tell its code to who sees only the address.
    key = hashlib.sha256(point.encode()).hexdigest()[:16]
    base = f"espi/1_1/resource/UsagePoint/{key}"
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="{ATOM}">\n<id>{_urn(base + "#feed")}</id>'
        f"<title>Green Button Usage Feed</title><updated>{made}</updated>"
        f'<link rel="self" href="{base}"/>\n'
    )
    described, billed = list(readings), list(summaries)
    clock = f"espi/1_1/resource/LocalTimeParameters/{zone.replace('/', '-')}"
    links = [_link("related", f"{base}/MeterReading"), _link("related", clock)]
    links += [_link("related", f"{base}/MeterReading/{reading.number}") for reading in described]
    links += [_link("related", f"{base}/UsageSummary")] if billed else []
    usage = (
        f'<UsagePoint xmlns="{ESPI}"><ServiceCategory><kind>0</kind></ServiceCategory><status>1</status></UsagePoint>'
    )
    yield _entry(base, "espi/1_1/resource/UsagePoint", title, usage, made, links)
    year = created_at.astimezone(ZoneInfo(zone)).year
    yield _entry(clock, "espi/1_1/resource/LocalTimeParameters", zone, _clock(ZoneInfo(zone), year), made, [])
    for reading in described:
        yield from _reading(base, reading, made)
    for summary in billed:
        here = f"{base}/UsageSummary/{summary.number}"
        yield _entry(here, f"{base}/UsageSummary", summary.tariff, _summary(summary), made, [])
    yield "</feed>\n"


def _reading(base: str, reading: EspiReading, made: str) -> Iterator[str]:
    here = f"{base}/MeterReading/{reading.number}"
    kind = f"espi/1_1/resource/ReadingType/{reading.obis.c}-{reading.obis.e}-{reading.scaler}-{reading.resolution_s}"
    links = [_link("related", kind), _link("related", f"{here}/IntervalBlock")]
    yield _entry(here, f"{base}/MeterReading", str(reading.obis), f'<MeterReading xmlns="{ESPI}"/>', made, links)
    yield _entry(kind, "espi/1_1/resource/ReadingType", str(reading.obis), _type(reading), made, [])
    by_day = groupby(reading.values, lambda interval: (interval[0] - 1) // DAY_S)
    for day, intervals in by_day:
        told = [interval for interval in intervals if interval[1] is not None]
        if told:
            number = f"{here}/IntervalBlock/{day}"
            yield _entry(number, f"{here}/IntervalBlock", "", _block(told, reading.resolution_s), made, [])


def _type(reading: EspiReading) -> str:
    flow = FLOW_OF.get((reading.unit, reading.obis.c))
    if flow is None:
        raise BadRecord(f"{reading.obis} in {reading.unit.symbol} has no ReadingType here")
    unit = next(code for code, known in UNITS.items() if known is reading.unit)
    period = next((code for code, length_s in PERIODS_S.items() if length_s == reading.resolution_s), 0)
    return (
        f'<ReadingType xmlns="{ESPI}"><accumulationBehaviour>{DELTA_DATA}</accumulationBehaviour>'
        f"<commodity>{ELECTRICITY[0]}</commodity><dataQualifier>12</dataQualifier><flowDirection>{flow}</flowDirection>"
        f"<intervalLength>{reading.resolution_s}</intervalLength><kind>{ENERGY}</kind>"
        f"<powerOfTenMultiplier>{reading.scaler}</powerOfTenMultiplier><timeAttribute>0</timeAttribute>"
        f"<tou>{reading.obis.e}</tou><uom>{unit}</uom><measuringPeriod>{period}</measuringPeriod></ReadingType>"
    )


def _summary(told: EspiSummary) -> str:
    quality = MIXED if told.estimated else FOR_BILLS
    known = told.complete and told.energy_wh is not None
    energy = _measured("overallConsumptionLastPeriod", told.energy_wh, None, WATT_HOURS) if known else ""
    peak = "" if told.demand_w is None else _measured("peakDemand", told.demand_w, told.demand_at, WATTS)
    return (
        f'<UsageSummary xmlns="{ESPI}">{_period("billingPeriod", told.start, told.duration_s)}{energy}{peak}'
        f"<qualityOfReading>{quality if known else FAILED}</qualityOfReading>"
        f"<statusTimeStamp>{told.told_at}</statusTimeStamp><commodity>{ELECTRICITY[0]}</commodity>"
        f"<tariffProfile>{escape(told.tariff)}</tariffProfile></UsageSummary>"
    )


def _measured(name: str, value: int | None, at: int | None, unit: int) -> str:
    """A SummaryMeasurement."""
    stamp = "" if at is None else f"<timeStamp>{at}</timeStamp>"
    return (
        f"<{name}><powerOfTenMultiplier>0</powerOfTenMultiplier>{stamp}<uom>{unit}</uom><value>{value}</value></{name}>"
    )


def _block(told: list[Interval], resolution_s: int) -> str:
    first, last = told[0][0] - resolution_s, told[-1][0]
    parts = [f'<IntervalBlock xmlns="{ESPI}">{_period("interval", first, last - first)}']
    for stamp, value, quality in told:
        graded = f"<ReadingQuality><quality>{QUALITIES[quality]}</quality></ReadingQuality>"
        period = _period("timePeriod", stamp - resolution_s, resolution_s)
        parts.append(f"<IntervalReading>{graded}{period}<value>{value}</value></IntervalReading>")
    parts.append("</IntervalBlock>")
    return "".join(parts)


def _period(name: str, start: int, duration: int) -> str:
    return f"<{name}><duration>{duration}</duration><start>{start}</start></{name}>"


def _clock(zone: ZoneInfo, year: int) -> str:
    """The zone's rules of that year: offset, and when summer time begins and ends (`_rule`)."""
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    offsets = [int(_offset(noon, zone).total_seconds()) for noon in noons]
    standard = min(offsets)
    shift = max(offsets) - standard
    begins = ends = "FFFFFFFF"
    for before, after, noon in zip(offsets, offsets[1:], noons[1:], strict=False):
        if after > before:
            begins = _rule(noon.astimezone(zone).date(), _change_hour(noon, zone))
        elif after < before:
            ends = _rule(noon.astimezone(zone).date(), _change_hour(noon, zone))
    return (
        f'<LocalTimeParameters xmlns="{ESPI}"><dstEndRule>{ends}</dstEndRule><dstOffset>{shift}</dstOffset>'
        f"<dstStartRule>{begins}</dstStartRule><tzOffset>{standard}</tzOffset></LocalTimeParameters>"
    )


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change_hour(noon: datetime, zone: ZoneInfo) -> int:
    """The local hour, before the change, at which the clocks of the day that ends before `noon` changed."""
    at = noon - timedelta(days=1)
    while _offset(at, zone) == _offset(at + timedelta(hours=1), zone):
        at += timedelta(hours=1)
    return (at + timedelta(hours=1) + _offset(at, zone)).hour


def _rule(day: date, hour: int) -> str:
    """A DstRuleType, 32 bits as hexadecimal digits: seconds (12 bits), hour (5), day of week (3, Monday 1), day of
    month (5), operator (3), month (4). Operator 7 is the last such weekday of the month, 2 to 6 the first to the
    fifth (from the schema's own text); which one is told by the day of the change.
    """
    last = (day + timedelta(days=7)).month != day.month
    operator = 7 if last else 2 + (day.day - 1) // 7
    bits = day.month << 28 | operator << 25 | day.isoweekday() << 17 | hour << 12
    return f"{bits:08X}"


def _entry(address: str, up: str, title: str, content: str, made: str, links: list[str]) -> str:
    return (
        f"<entry><id>{_urn(address)}</id>{_link('self', address)}{_link('up', up)}{''.join(links)}"
        f"<title>{escape(title)}</title><content>{content}</content><published>{made}</published>"
        f"<updated>{made}</updated></entry>\n"
    )


def _link(relation: str, address: str) -> str:
    return f'<link rel="{relation}" href="{address}"/>'


def _urn(address: str) -> str:
    return f"urn:uuid:{uuid.uuid5(SPACE, address)}"
