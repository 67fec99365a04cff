"""Intake: readings become channel-days and stamped registers, in the caller's transaction.

The current view is a function of the set of readings taken (and of the registry), never of their order or number:
snapshots of one stamp are merged by precedence, and every energy that depends on a changed snapshot is derived again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm import stamped, stored, unplaced
from openami.backoffice.mdm.arrival import Piece, Refused, arrange, pieces
from openami.backoffice.mdm.channel_days import ChannelDays, Key, Mask, Sources
from openami.backoffice.mdm.close import late
from openami.backoffice.mdm.energies import Channels, Energies
from openami.backoffice.mdm.placement import Directory
from openami.backoffice.mdm.stamped import StampedRegister
from openami.io.store.columns import microseconds
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import Channel
from openami.model.reading import ProfileReading, RegisterReading

DAYS_AT_ONCE = 500
CHUNKS_AT_ONCE = 10
ROWS_AT_ONCE = 50_000  # about 500 days of 96 intervals: the columns of one step stay in the processor's cache


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of readings.

    `blocks` and `registers` are new versions of channel-days and new stamped registers; `unchanged` channel-days held
    the same already; `unplaced` rows wait for a place; `superseded` rows are older than what is known for their stamp.
    """

    blocks: int = 0
    registers: int = 0
    unchanged: int = 0
    unplaced: int = 0
    superseded: int = 0

    @property
    def stored(self) -> int:
        """How many rows the store has more than before, evidence not counted."""
        return self.blocks + self.registers + (1 if self.unplaced else 0)

    def __add__(self, other: IntakeResult) -> IntakeResult:
        return IntakeResult(
            self.blocks + other.blocks,
            self.registers + other.registers,
            self.unchanged + other.unchanged,
            self.unplaced + other.unplaced,
            self.superseded + other.superseded,
        )


class Intake:
    """One batch of readings, taken within one transaction."""

    def __init__(self, connection: Connection, directory: Directory) -> None:
        self._connection = connection
        self._directory = directory
        self._energies = Energies(connection, directory)
        self._unsaved: list[tuple[ChannelDays, Mask]] = []

    def take_profile(self, readings: Sequence[ProfileReading]) -> IntakeResult:
        found, refused = pieces(readings, self._directory)
        result = IntakeResult()
        found.sort(key=lambda piece: (piece.reading.resolution_s, piece.place.metering_point, piece.channel.number))
        for chunk in _chunks(found):
            result += self._take_chunk(chunk, refused)
            if len(self._unsaved) >= CHUNKS_AT_ONCE:
                self._save()
        self._save()
        return result + IntakeResult(unplaced=unplaced.keep(self._connection, refused))

    def take_register(self, readings: Sequence[RegisterReading]) -> IntakeResult:
        """Store stamped registers; where one belongs to an exchange, derive the intervals around it again."""
        placed: list[StampedRegister] = []
        refused: list[Refused] = []
        for reading in readings:
            found = list(self._stamped(reading))
            placed += found
            if not found:
                refused.append((unplaced.as_profile(reading), unplaced.NO_INSTALLATION))
        new, passed = stamped.take(self._connection, placed)
        blocks = sum(self._refresh(register) for register in new)
        late.mark_days(self._connection, [day for register in new for day in self._estimated_by(register)])
        waiting = unplaced.keep(self._connection, refused)
        return IntakeResult(blocks=blocks, registers=len(new), unplaced=waiting, superseded=passed)

    def exchange(self, one: Channel, other: Channel, span: tuple[int, int], last: int) -> int:
        """Put the snapshots of two channels of one resolution with span[0] < stamp <= span[1] in each other's place, up
        to UTC day `last`, and derive what depends on them. How many channel-days changed.

        The registry must tell already which meter hung where.
        """
        first, step = span[0] // DAY_S, one.resolution_s
        dates = range(first, last + 2)  # the day after begins with a register of the last one
        pairs = (one.metering_point, one.number), (other.metering_point, other.number)
        keys = [(*pair, day) for pair in pairs for day in dates]
        before = stored.load(self._connection, keys, step, Sources())
        count, per_day = len(dates), DAY_S // step
        stamps = first * DAY_S + step * np.arange(1, count * per_day + 1, dtype=np.int64).reshape(count, per_day)
        moved = (stamps > span[0]) & (stamps <= span[1])
        days = replace(
            before,
            registers=_exchanged(before.registers, moved),
            status=_exchanged(before.status, moved),
            source=_exchanged(before.source, moved),
        )
        channels = {(channel.metering_point, channel.number): channel for channel in (one, other)}
        self._energies.derive(days, self._heads(keys), channels)
        changed = days.differs(before)
        return stored.save(self._connection, (days, changed))

    def _stamped(self, reading: RegisterReading) -> Iterator[StampedRegister]:
        at = microseconds(reading.stamp) // 1_000_000
        for place in self._directory.places(reading.meter):
            if place.start <= at <= place.end:
                known_at = microseconds(reading.known_at)
                yield StampedRegister(
                    place.metering_point,
                    str(reading.obis),
                    at,
                    reading.meter,
                    reading.value * self._directory.multiplier(place.metering_point, reading.obis),
                    known_at,
                    reading.evidence,
                )

    def _take_chunk(self, chunk: Sequence[Piece], refused: list[Refused]) -> IntakeResult:
        resolution_s, sources = chunk[0].reading.resolution_s, Sources()
        arrival = arrange(resolution_s, chunk, sources)
        refused += arrival.refused
        result = IntakeResult()
        if arrival.openings:
            self._save()  # a register may change what was derived for another channel
            result = self.take_register(arrival.openings)
        channels = {(piece.place.metering_point, piece.channel.number): piece.channel for piece in chunk}
        blocks, unchanged, passed = self._merge(arrival.days, channels)
        passed += arrival.passed
        return result + IntakeResult(blocks=blocks, unchanged=unchanged, superseded=passed)

    def _estimated_by(self, register: StampedRegister) -> Iterator[Key]:
        """The channel-days whose estimates may rest on a register."""
        point, obis = register.metering_point, ObisCode.parse(register.obis)
        for channel in self._directory.block_channels(point, obis):
            for day in dict.fromkeys((register.stamp + step) // DAY_S for step in (-1, 0)):
                yield point, channel.number, day

    def _refresh(self, register: StampedRegister) -> int:
        """Derive the intervals that touch a register read at a meter's first or last moment at its point."""
        point, obis = register.metering_point, ObisCode.parse(register.obis)
        bounds = [at for place in self._directory.places(register.meter) for at in (place.start, place.end)]
        bounds += self._directory.ratios(point, obis).times
        changed = 0
        for channel in self._directory.block_channels(point, obis) if register.stamp in bounds else ():
            changed += self.derive_again(channel, (register.stamp - 1) // DAY_S, register.stamp // DAY_S)
        return changed

    def derive_again(self, channel: Channel, first: int, last: int) -> int:
        """Derive the stored days of a channel from day `first` to `last` again: how many changed."""
        point, number, changed = channel.metering_point, channel.number, 0
        for begin in range(first, last + 1, DAYS_AT_ONCE):
            there = stored.heads(self._connection, [point], begin, min(begin + DAYS_AT_ONCE - 1, last))
            keys = sorted(key for key in there if key[1] == number)
            nothing = ChannelDays.empty(channel.resolution_s, keys, Sources())
            changed += self._merge(nothing, {(point, number): channel})[0]
            self._save()
        return changed

    def _merge(self, arrived: ChannelDays, channels: Channels) -> tuple[int, int, int]:
        """Merge `arrived` with what is stored, derive, note what is to be saved: (changed, unchanged, passed over)."""
        if not len(arrived):
            return 0, 0, 0
        heads = self._heads(arrived.keys)
        known = [key for key in arrived.keys if key in heads]
        following = self._following(arrived.keys, heads)
        if not known and not following:  # of days that nobody has seen each row is new
            self._energies.derive(arrived, heads, channels)
            self._unsaved.append((arrived, np.ones(len(arrived), dtype=np.bool_)))
            return len(arrived), 0, 0
        days = _extended(arrived, following)
        before = ChannelDays.empty(days.resolution_s, days.keys, days.sources)
        row = {key: index for index, key in enumerate(days.keys)}
        kept = stored.load(self._connection, known + following, days.resolution_s, days.sources)
        before.put(np.array([row[key] for key in kept.keys], dtype=np.intp), kept)
        passed = days.take_newer(before)
        days.version = before.version
        self._energies.derive(days, heads, channels)
        changed = days.differs(before)
        self._unsaved.append((days, changed))
        return int(np.count_nonzero(changed)), int(np.count_nonzero(~changed)) - len(following), passed

    def _save(self) -> None:
        """Save what was noted. Chunks are of different channels, so that none needs to see another one's days; a server
        takes one in while the next is packed.
        """
        stored.save(self._connection, *self._unsaved)
        self._unsaved = []

    def _heads(self, keys: list[Key]) -> dict[Key, stored.Head]:
        dates = [key[2] for key in keys]
        points = list(dict.fromkeys(key[0] for key in keys))
        return stored.heads(self._connection, points, min(dates) - 1, max(dates) + 1)

    def _following(self, keys: list[Key], heads: dict[Key, stored.Head]) -> list[Key]:
        """Stored days right after those that arrived: their first interval begins with a snapshot that arrived."""
        here = dict.fromkeys(keys)
        after = ((point, channel, day + 1) for point, channel, day in keys)
        return [key for key in after if key in heads and key not in here]


def _exchanged(column: Any, moved: Mask) -> Any:
    """The first half of the rows and the second in each other's place where `moved`."""
    one, other = np.split(column, 2)
    return np.concatenate((np.where(moved, other, one), np.where(moved, one, other)))


def _chunks(found: list[Piece]) -> Iterator[list[Piece]]:
    """Pieces of one resolution, all of a channel together, about ROWS_AT_ONCE rows at a time."""
    chunk: list[Piece] = []
    rows = 0
    step = 0
    for piece in found:
        reading = piece.reading
        if rows >= ROWS_AT_ONCE or reading.resolution_s != step:
            last, step = chunk[-1] if chunk else piece, reading.resolution_s
            if last.place.metering_point != piece.place.metering_point or last.channel != piece.channel:
                yield chunk
                chunk, rows = [], 0
        chunk.append(piece)
        rows += len(reading.stamps)
    if chunk:
        yield chunk


def _extended(days: ChannelDays, keys: list[Key]) -> ChannelDays:
    """`days` with empty rows for `keys` after its own."""
    if not keys:
        return days
    more = ChannelDays.empty(days.resolution_s, keys, days.sources)
    return replace(
        days,
        keys=days.keys + more.keys,
        version=days.version + more.version,
        registers=np.concatenate((days.registers, more.registers)),
        status=np.concatenate((days.status, more.status)),
        source=np.concatenate((days.source, more.source)),
        energy=np.concatenate((days.energy, more.energy)),
        quality=np.concatenate((days.quality, more.quality)),
    )
