"""A channel's values over a time, without holes: every interval has its stamp, its quality and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from openami.backoffice.mdm import stored
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Column, Mask, Sources
from openami.backoffice.mdm.status import delivered
from openami.backoffice.mdm.tables import interval_block
from openami.io.store.among import among
from openami.io.store.columns import microseconds
from openami.model.interval import DAY_S, Qualities, Stamps, Values
from openami.model.point import Channel, ChannelKind
from openami.model.quality import Quality

SECOND = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`stamps` are ends of intervals, seconds since 1970-01-01 UTC; `values` are integers in the channel's unit and
    scaler, 0 and without meaning where `quality` is MISSING; `evidence` are ids, 0 where there is none.
    """

    stamps: Stamps
    values: Values
    quality: Qualities
    evidence: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.stamps)


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """The intervals of one channel that lie between two instants, as stored: energies and snapshots side by side."""

    resolution_s: int
    stamps: Stamps
    energy: Values
    quality: Qualities
    registers: Values
    status: Qualities
    meter: Column
    evidence: Column

    @property
    def present(self) -> Mask:
        """Where a snapshot is known."""
        return np.asarray(self.meter != 0)


def seconds(at: datetime) -> int:
    """The whole second of an instant, since 1970-01-01 UTC."""
    return microseconds(at) // SECOND


def read_span(connection: Connection, point: int, channel: Channel, start: int, end: int) -> Span:
    """The intervals from `start` to `end` (seconds); those that begin before or end after do not belong."""
    step = channel.resolution_s
    first = -(-start // step) * step + step
    stamps = np.arange(first, end + 1, step, dtype=np.int64)
    if not len(stamps):
        return _cut(step, stamps, ChannelDays.empty(step, [], Sources()), np.zeros(0, dtype=np.intp))
    origin, last = (first - 1) // DAY_S, (int(stamps[-1]) - 1) // DAY_S
    table = interval_block.c
    chosen = table.metering_point == point, table.channel == channel.number, table.day.between(origin, last)
    rows = stored.latest(connection.execute(select(interval_block).where(*chosen)).all(), lambda row: row.day)
    days = _days(channel, rows, (origin, last))
    return _cut(step, stamps, days, ((stamps - origin * DAY_S) // step - 1).astype(np.intp))


def read_spans(
    connection: Connection, channels: Sequence[Channel], days: tuple[int, int], at_least: int
) -> list[tuple[Span, dict[int, int]]]:
    """Of channels of one resolution the whole days from `days[0]` to the last one up to `days[1]` that is stored for
    any of them, but not before `at_least`; and the version of each stored day.
    """
    points = sorted({channel.metering_point for channel in channels})
    table = interval_block.c
    query = select(interval_block).where(among(table.metering_point, points), table.day.between(*days))
    of: dict[tuple[int, int], list[Any]] = {(each.metering_point, each.number): [] for each in channels}
    for row in connection.execute(query).all():
        of.get((row.metering_point, row.channel), []).append(row)
    last = max([at_least, *(row.day for mine in of.values() for row in mine)])
    step = channels[0].resolution_s
    stamps = np.arange(days[0] * DAY_S + step, (last + 1) * DAY_S + 1, step, dtype=np.int64)
    found = []
    for channel in channels:
        mine = stored.latest(of[channel.metering_point, channel.number], lambda row: row.day)
        span = _cut(step, stamps, _days(channel, mine, (days[0], last)), slice(None))
        found.append((span, {day: row.version for day, row in mine.items()}))
    return found


def _days(channel: Channel, rows: dict[int, Any], days: tuple[int, int]) -> ChannelDays:
    """Every day from `days[0]` to `days[1]`; those of `rows`, by day, are filled."""
    first, last = days
    sources = Sources()
    decoded = stored.decode(list(rows.values()), channel.resolution_s, sources)
    keys = [(channel.metering_point, channel.number, day) for day in range(first, last + 1)]
    found = ChannelDays.empty(channel.resolution_s, keys, sources)
    found.put(np.array(list(rows), dtype=np.intp) - first, decoded)
    return found


def _cut(step: int, stamps: Stamps, days: ChannelDays, at: Any) -> Span:
    source = days.source.reshape(-1)[at]
    evidence = np.array([origin.evidence for origin in days.sources.all] + [0], dtype=np.int64)
    return Span(
        step,
        stamps,
        days.energy.reshape(-1)[at],
        days.quality.reshape(-1)[at],
        days.registers.reshape(-1)[at],
        days.status.reshape(-1)[at],
        days.sources.meters()[source],
        evidence[np.where(source == ABSENT, -1, source)],
    )


def series_of(span: Span, kind: ChannelKind) -> Series:
    """What a channel of `kind` says: interval energies, or the snapshots that they come from."""
    if kind is ChannelKind.REGISTER_SNAPSHOT:
        known = span.present & ~delivered(span.status)
        quality = np.where(known, np.uint8(Quality.MEASURED), np.uint8(Quality.MISSING))
        return Series(span.stamps, np.where(known, span.registers, 0), quality, np.where(known, span.evidence, 0))
    return Series(span.stamps, span.energy, span.quality, span.evidence)
