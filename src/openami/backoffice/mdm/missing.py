"""What is not there: intervals without energy, and the snapshots whose lack explains them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm import stored
from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.placement import Place, installed_at
from openami.backoffice.mdm.series import read_span
from openami.backoffice.mdm.tables import interval_block
from openami.io.store.among import among
from openami.model.interval import DAY_S, Stamps, utc
from openami.model.point import Channel
from openami.model.quality import Quality

Incomplete = Callable[[Channel], bool]


@dataclass(frozen=True, slots=True)
class Gap:
    """`intervals` consecutive intervals of a channel from `start` to `end` whose energy is not known."""

    metering_point: int
    channel: int
    start: datetime
    end: datetime
    intervals: int


def gaps(connection: Connection, channel: Channel, places: Sequence[Place], start: int, end: int) -> Iterator[Gap]:
    """The gaps of a channel between `start` and `end` (seconds) while some meter hung at its point."""
    span = read_span(connection, channel.metering_point, channel, start, end)
    lacking = (span.quality == Quality.MISSING) & installed_at(span.stamps, places)
    for first, last, count in runs(span.stamps, lacking, span.resolution_s):
        yield Gap(channel.metering_point, channel.number, utc(first), utc(last), count)


def incomplete(connection: Connection, points: Sequence[int], start: int, end: int) -> Incomplete:
    """Which channels of `points` lack anything between `start` and `end`, told by the stored counts alone."""
    first, last = start // DAY_S, (end - 1) // DAY_S
    columns = interval_block.c
    query = stored.current(columns.metering_point, columns.channel).where(columns.missing == 0)
    whole: dict[tuple[int, int], int] = {}
    some = among(columns.metering_point, points), columns.day.between(first, last)
    for point, number in connection.execute(query.where(*some)).all():
        whole[point, number] = whole.get((point, number), 0) + 1
    return lambda channel: whole.get((channel.metering_point, channel.number), 0) < last - first + 1


def holes(
    connection: Connection, channel: Channel, places: Sequence[Place], start: int, end: int
) -> Iterator[tuple[int, int]]:
    """From where to where (seconds) the snapshots of a meter that hung at `places` are lacking: what to read again."""
    span = read_span(connection, channel.metering_point, channel, start, end)
    lacking = ~span.present & installed_at(span.stamps, places)
    for first, last, _ in runs(span.stamps, lacking, span.resolution_s):
        yield first, last


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap made one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def runs(stamps: Stamps, chosen: Mask, step: int) -> Iterator[tuple[int, int, int]]:
    """Each run of chosen intervals: its start, its end, and how many they are."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], chosen.astype(np.int8), [0]))))
    for first, after in edges.reshape(-1, 2).tolist():
        yield int(stamps[first]) - step, int(stamps[after - 1]), after - first
