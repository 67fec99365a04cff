"""Validated values as the exchange formats want them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select

from openami.backoffice.mdm import judged
from openami.backoffice.mdm.export import Choice, Exported
from openami.backoffice.mdm.interfaces.summaries import summaries
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.mdm.placement import home_of, homes
from openami.backoffice.mdm.reasons import Outcome
from openami.backoffice.mdm.tables import interval_block
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S, utc
from openami.model.point import Channel, ChannelKind, MeteringPoint
from openami.model.quality import Quality
from openami.protocols.exchange.cim_readings import CimBlock
from openami.protocols.exchange.delivery import BadRecord
from openami.protocols.exchange.espi import EspiReading, EspiSummary, Interval
from openami.protocols.exchange.mscons import MsconsSeries
from openami.protocols.exchange.nem12 import ALTERNATE, LENGTHS_MIN, MARKET_TIME, Nem12Day, suffix_of
from openami.protocols.exchange.reading_type import FLOW_OF

FLAGS = {Quality.MEASURED: "A", Quality.CALCULATED: "S12", Quality.ESTIMATED: ALTERNATE, Quality.MISSING: "N"}
METHODS = {
    "check_meter": "S11",
    "like_day": "S14",
    "like_day_ordered": "S14",
    "averaging": "S15",
    "linear": "S17",
    "outage_zero": "S19",
    "previous_year": "S23",
    "average_daily_load": "S25",
}
"""Our estimation methods that have a code of their own in the Australian market; others are told as S18, alternate."""
KILO = 3


class Exporter:
    """The validated values of `store`: as measured where nothing spoke against it, as judged otherwise."""

    def __init__(self, store: Store, registry: Registry, mdm: Mdm) -> None:
        self._store = store
        self._registry = registry
        self._mdm = mdm
        self._judge = Judge(store, registry)

    def channels(
        self, points: Iterable[int], start: datetime, end: datetime, wanted: Choice = lambda _: True
    ) -> Iterator[Exported]:
        """The channels of interval energy of `points` that are `wanted`, one at a time."""
        for number in points:
            point = self._registry.point(number)
            for channel in self._registry.channels(number):
                if channel.kind is ChannelKind.INTERVAL_ENERGY and wanted(channel):
                    series = self._judge.validated(number, channel.number, start, end)
                    yield Exported(point, channel, series)

    def bounds(self, point: int, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """The part of a time in which anything is known of the point's interval energy; nothing where nothing is."""
        numbers = [each.number for each in homes(self._registry.channels(point)).values()]
        table = interval_block.c
        query = select(func.min(table.day), func.max(table.day))
        with self._store.reading() as connection:
            row = connection.execute(query.where(table.metering_point == point, table.channel.in_(numbers))).one()
        if row[0] is None:
            return start, start
        first, last = utc(row[0] * DAY_S), utc((row[1] + 1) * DAY_S)
        return max(start, first), max(start, min(end, last))

    def cim(self, exported: Iterable[Exported]) -> Iterator[CimBlock]:
        """As blocks of a MeterReadings message; channels without a ReadingType are left out."""
        for one in exported:
            channel = one.channel
            if told_in_cim(channel):
                yield CimBlock(
                    one.point.code, "", channel.obis, channel.unit, channel.scaler, channel.resolution_s,
                    registers=False, values=intervals(one),
                )  # fmt: skip

    def espi(self, exported: Iterable[Exported]) -> Iterator[EspiReading]:
        """As readings of a Green Button feed; channels without a ReadingType are left out."""
        for one in exported:
            channel = one.channel
            if told_in_cim(channel):
                yield EspiReading(
                    channel.number, channel.obis, channel.unit, channel.scaler, channel.resolution_s, intervals(one)
                )

    def espi_summaries(self, point: int, start: datetime, end: datetime) -> Iterator[EspiSummary]:
        """What billing runs within the period made of a point, as summaries of a Green Button feed."""
        return summaries(self._store, self._registry, point, start, end)

    def mscons(self, exported: Iterable[Exported], start: datetime, end: datetime) -> Iterator[MsconsSeries]:
        """Load profiles of active and reactive energy, then the stamped registers of the same quantities."""
        for one in exported:
            channel = one.channel
            if channel.obis.c not in (1, 2, 3, 4):
                continue
            first, last = int(start.timestamp()), int(end.timestamp())
            code, step = one.point.code, channel.resolution_s
            yield MsconsSeries(code, channel.obis, first, last, step, _kilo(intervals(one), channel))
            registers = self._mdm.registers(one.point.id, channel.obis, start, end)
            reads: list[Interval] = [(read.stamp, read.register, Quality.MEASURED) for read in registers]
            if reads:
                yield MsconsSeries(code, channel.obis, first, last, 0, _kilo(reads, channel))

    def nem12(self, exported: Iterable[Exported], updated_at: datetime) -> Iterator[Nem12Day]:
        """The whole days of market time in the period; channels without a suffix or a known length are left out."""
        for one in exported:
            if one.channel.resolution_s % 60 or one.channel.resolution_s // 60 not in LENGTHS_MIN:
                continue
            try:
                suffix_of(one.channel.obis)
            except BadRecord:
                continue
            yield from self._market_days(one, updated_at)

    def _market_days(self, one: Exported, updated_at: datetime) -> Iterator[Nem12Day]:
        step = one.channel.resolution_s
        per_day = DAY_S // step
        methods = self._methods(one)
        told = list(intervals(one))
        values = [value or Decimal(0) for _, value, _ in _kilo(told, one.channel)]
        begins = [row for row, (stamp, _, _) in enumerate(told) if _market_midnight(stamp - step)]
        for row in begins:
            part = told[row : row + per_day]
            if len(part) == per_day:
                flags = [_flag(quality, methods.get(stamp)) for stamp, _, quality in part]
                midnight = utc(part[0][0] - step).astimezone(MARKET_TIME)
                meter = self._meter_at(one.point, midnight + timedelta(days=1))
                yield Nem12Day(
                    one.point.code, meter, one.channel.obis, step // 60, midnight, values[row : row + per_day], flags,
                    updated_at,
                )  # fmt: skip

    def _meter_at(self, point: MeteringPoint, at: datetime) -> str:
        """The serial number of the meter that hung at the point; empty if none did."""
        for hung in self._registry.installations_of_point(point.id):
            if hung.start < at and (hung.end is None or at <= hung.end):
                return self._registry.meter(hung.meter).serial
        return ""

    def _methods(self, one: Exported) -> dict[int, str]:
        """By stamp the method that estimated the interval."""
        stamps = one.series.stamps
        if not len(stamps):
            return {}
        home = home_of(self._registry, one.channel)
        days = (int(stamps[0]) - 1) // DAY_S, (int(stamps[-1]) - 1) // DAY_S
        with self._store.reading() as connection:
            judgements = judged.current(connection, home.metering_point, home.number, *days)
        return {
            day * DAY_S + (number + 1) * home.resolution_s: reason.name
            for day, judgement in judgements.items()
            for reason in judgement.reasons
            if reason.outcome is Outcome.ESTIMATED
            for number in range(reason.first, reason.first + reason.count)
        }


def intervals(one: Exported) -> Iterator[Interval]:
    """Stamp, value (None where it is missing) and quality of each interval."""
    columns = one.series.stamps.tolist(), one.series.values.tolist(), one.series.quality.tolist()
    for stamp, value, code in zip(*columns, strict=True):
        quality = Quality(code)
        yield stamp, None if quality is Quality.MISSING else value, quality


def told_in_cim(channel: Channel) -> bool:
    """Whether a channel has a ReadingType here."""
    return channel.obis.a == 1 and (channel.unit, channel.obis.c) in FLOW_OF


def _kilo(values: Iterable[Interval], channel: Channel) -> Iterator[tuple[int, Decimal | None, Quality]]:
    """In thousands of the channel's unit, exactly."""
    for stamp, value, quality in values:
        told = None if value is None else Decimal(value).scaleb(channel.scaler - KILO)
        yield stamp, told, quality


def _flag(quality: Quality, method: str | None) -> str:
    return METHODS.get(method or "", ALTERNATE) if quality is Quality.ESTIMATED else FLAGS[quality]


def _market_midnight(second: int) -> bool:
    offset = MARKET_TIME.utcoffset(None)
    return (second + int(offset.total_seconds())) % DAY_S == 0
