"""The energies of channel-days, with what registry and registers tell of meters that were exchanged in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm import stamped, stored
from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Key
from openami.backoffice.mdm.derive import derive
from openami.backoffice.mdm.exchange import Snapshot, bridge
from openami.backoffice.mdm.placement import Directory
from openami.backoffice.mdm.status import usable
from openami.model.interval import DAY_S
from openami.model.point import Channel
from openami.model.quality import Quality

UNKNOWN: stored.Head = (0, 0, 0)
Channels = dict[tuple[int, int], Channel]  # by metering point and number


@dataclass(frozen=True, slots=True)
class Beginning:
    """An interval (its row and number) in which the meter of `closing` began to measure, or to do so behind other
    instrument transformers.
    """

    place: tuple[int, int]
    start: int
    opening: Snapshot | None
    closing: Snapshot


class Energies:
    """Derives energies of days within one transaction."""

    def __init__(self, connection: Connection, directory: Directory) -> None:
        self._connection = connection
        self._directory = directory

    def derive(self, days: ChannelDays, heads: dict[Key, stored.Head], channels: Channels) -> None:
        """Fill energy and quality of every row; `heads` are of the days before, as far as they are stored."""
        before = _before(days, heads)
        modulus = [channels[point, channel].modulus for point, channel, _ in days.keys]

        def at_exchange(places: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int, Quality]]:
            begun = [beginning for place in places if (beginning := self._beginning(days, before, place)) is not None]
            return self._bridged(begun, days, channels) if begun else iter(())

        obis = (channels[point, channel].obis for point, channel, _ in days.keys)
        ratios = self._directory.changing([key[0] for key in days.keys], obis)
        derive(days, before, np.array(modulus, dtype=np.int64), at_exchange, ratios)

    def _beginning(self, days: ChannelDays, before: Matrix, place: tuple[int, int]) -> Beginning | None:
        """The interval at `place`, if the meter that ends it was installed within it, or was there before."""
        row, interval = place
        point, _, day = days.keys[row]
        start = day * DAY_S + interval * days.resolution_s
        meter = days.sources.all[int(days.source[row, interval])].meter
        end = start + days.resolution_s
        opening = _opening(days, before, row, interval, start)
        there = opening is not None and opening.meter == meter
        begun = (p.metering_point == point and start <= p.start < end for p in self._directory.places(meter))
        if not there and not any(begun):
            return None
        closing = Snapshot(end, meter, int(days.registers[row, interval]))
        return Beginning(place, start, opening, closing)

    def _bridged(
        self, begun: list[Beginning], days: ChannelDays, channels: Channels
    ) -> Iterator[tuple[tuple[int, int], int, Quality]]:
        points = [days.keys[beginning.place[0]][0] for beginning in begun]
        first, last = min(b.start for b in begun), max(b.closing.stamp for b in begun)
        reads = stamped.of_points(self._connection, points, first, last)
        for beginning, point in zip(begun, points, strict=True):
            obis = channels[point, days.keys[beginning.place[0]][1]].obis
            told, ratios = reads.get((point, str(obis)), {}), self._directory.ratios(point, obis)
            installations = self._directory.installations(point)
            bridged = bridge(installations, beginning.opening, beginning.closing, beginning.start, told, ratios)
            if bridged is not None:
                yield beginning.place, *bridged


def _before(days: ChannelDays, heads: dict[Key, stored.Head]) -> Matrix:
    """(2, n): the register at each day's first moment, and its meter (0: not known)."""
    last = days.registers[:, -1].tolist()
    trusted = np.where(usable(days.status[:, -1]), days.source[:, -1], ABSENT)
    meter = days.sources.meters()[trusted].tolist()
    row = {key: index for index, key in enumerate(days.keys)} if len({key[2] for key in days.keys}) > 1 else {}
    before = []
    for point, channel, day in days.keys:
        yesterday = point, channel, day - 1
        at = row.get(yesterday) if row else None
        before.append(heads.get(yesterday, UNKNOWN)[1:] if at is None else (last[at], meter[at]))
    return np.array(before, dtype=np.int64).reshape(-1, 2).T


def _snapshot(days: ChannelDays, row: int, interval: int, stamp: int) -> Snapshot | None:
    number = int(days.source[row, interval])
    if number == ABSENT or not usable(days.status[row, interval]):
        return None
    return Snapshot(stamp, days.sources.all[number].meter, int(days.registers[row, interval]))


def _opening(days: ChannelDays, before: Matrix, row: int, interval: int, stamp: int) -> Snapshot | None:
    if interval:
        return _snapshot(days, row, interval - 1, stamp)
    register, meter = before[:, row].tolist()
    return Snapshot(stamp, meter, register) if meter else None
