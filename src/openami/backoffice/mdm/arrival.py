"""Profile readings as one flat run of rows, each with its place: the first step of intake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.blocks import Codes
from openami.backoffice.mdm.channel_days import ChannelDays, Column, Key, Mask, Places, Source, Sources, precedence
from openami.backoffice.mdm.placement import Directory, Place
from openami.backoffice.mdm.status import delivered
from openami.backoffice.mdm.unplaced import NO_CHANNEL, NO_INSTALLATION, OFF_GRID, as_register
from openami.io.store.columns import microseconds
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import Channel
from openami.model.reading import ProfileReading, RegisterReading

LAST_DAY = 1 << 20  # about the year 4840: a stamp beyond is no time
Refused = tuple[ProfileReading, str]


class Piece(NamedTuple):
    """A reading, or the part of it that one installation covers, with the channel that keeps it."""

    reading: ProfileReading
    place: Place
    channel: Channel


def pieces(readings: Sequence[ProfileReading], directory: Directory) -> tuple[list[Piece], list[Refused]]:
    """Split readings by installation; what hung nowhere or has no channel is refused with the reason."""
    found: list[Piece] = []
    refused: list[Refused] = []
    quantity: tuple[ObisCode, int] | None = None
    channels: Mapping[int, Channel] = {}
    for reading in readings:
        if quantity is None or reading.obis is not quantity[0] or reading.resolution_s != quantity[1]:
            quantity = reading.obis, reading.resolution_s
            channels = directory.channels(*quantity)
        places = directory.places(reading.meter)
        if len(places) == 1 and (channel := channels.get(places[0].metering_point)) is not None:
            found.append(Piece(reading, places[0], channel))  # nearly always so
            continue
        for part, place in [(reading, places[0])] if len(places) == 1 else _split(reading, places, refused):
            channel = channels.get(place.metering_point)
            if channel is None:
                refused.append((part, NO_CHANNEL))
            else:
                found.append(Piece(part, place, channel))
    some = [piece for piece in found if len(piece.reading.stamps)]
    return some, [(part, reason) for part, reason in refused if len(part.stamps)]


def _split(
    reading: ProfileReading, places: list[Place], refused: list[Refused]
) -> Iterator[tuple[ProfileReading, Place]]:
    rest = np.ones(len(reading.stamps), dtype=np.bool_)
    for place in places:
        inside = (reading.stamps >= place.start) & (reading.stamps <= place.end)
        rest &= ~inside
        if inside.any():
            yield chosen(reading, inside), place
    if rest.any():
        refused.append((chosen(reading, rest), NO_INSTALLATION))


def chosen(reading: ProfileReading, rows: Mask) -> ProfileReading:
    """The reading with only the chosen rows."""
    return replace(reading, stamps=reading.stamps[rows], registers=reading.registers[rows], status=reading.status[rows])


@dataclass(slots=True, eq=False)
class Arrival:
    """What arrived for channels of one resolution.

    `days` holds one row per channel-day with the snapshots in their places; `openings` are snapshots at the very
    start of an installation, which end no interval of that meter and are kept as stamped registers.
    """

    days: ChannelDays
    openings: list[RegisterReading]
    refused: list[Refused]
    passed: int


def arrange(resolution_s: int, found: Sequence[Piece], sources: Sources) -> Arrival:
    """Put every snapshot in its channel-day and interval."""
    as_they_are = _whole_days(resolution_s, found, sources)
    if as_they_are is not None:
        return Arrival(as_they_are, [], [], 0)
    run = _joined(found, sources)
    begin = np.repeat(np.array([piece.place.start for piece in found], dtype=np.int64), run.lengths)
    end = np.repeat(np.array([piece.place.end for piece in found], dtype=np.int64), run.lengths)
    number = run.stamps // resolution_s  # of the interval that ends at the stamp, counted from 1970
    on_grid = (number * resolution_s == run.stamps) & (number > 0) & (run.stamps < LAST_DAY * DAY_S)
    inside = (run.stamps > begin) & (run.stamps <= end)
    fits = on_grid & inside
    openings: list[RegisterReading] = []
    refused: list[Refused] = []
    if not fits.all():
        whole = np.repeat(np.array([piece.place.whole_start for piece in found], dtype=np.bool_), run.lengths)
        opens = (run.stamps == begin) & whole
        owner = np.repeat(np.arange(len(found)), run.lengths)
        openings = [_opening(found[owner[at]].reading, int(at - _first(owner, at))) for at in np.flatnonzero(opens)]
        refused = list(_refused(found, owner, ~fits & ~opens, inside))
        run, number = run.only(fits), number[fits]
    days, passed = _scatter(resolution_s, run, number - 1, sources)
    return Arrival(days, openings, refused, passed)


def _whole_days(resolution_s: int, found: Sequence[Piece], sources: Sources) -> ChannelDays | None:
    """Where every piece is one whole UTC day, in order, as campaigns bring it nearly always: nothing has to be placed,
    the readings are the days. None where any is not.
    """
    readings, count = [piece.reading for piece in found], DAY_S // resolution_s
    if {len(reading.stamps) for reading in readings} != {count}:
        return None
    stamps = np.concatenate([reading.stamps for reading in readings]).reshape(-1, count)
    day, offset = np.divmod(stamps[:, 0] - resolution_s, DAY_S)
    in_order = stamps == stamps[:, :1] + resolution_s * np.arange(count)
    begin, end = np.array([(piece.place.start, piece.place.end) for piece in found], dtype=np.int64).T
    inside = (stamps[:, 0] > begin) & (stamps[:, -1] <= end) & (day >= 0) & (day < LAST_DAY - 1)
    if offset.any() or not inside.all() or not in_order.all():
        return None
    pairs = [(place.metering_point, channel.number) for _, place, channel in found]
    keys = [(*pair, at) for pair, at in zip(pairs, day.tolist(), strict=True)]
    if len(dict.fromkeys(keys)) < len(keys):
        return None
    days = ChannelDays.empty(resolution_s, keys, sources)
    registers, status = _registers(found, np.full(len(found), count))
    days.registers, days.status = registers.reshape(-1, count), status.reshape(-1, count)
    days.source[:] = np.array(_sources(readings, sources), dtype=np.int32)[:, None]
    return days


def _registers(found: Sequence[Piece], lengths: npt.NDArray[np.int64]) -> tuple[Column, Codes]:
    """Registers and status of all pieces, one after another; `lengths` are rows per piece."""
    readings = [piece.reading for piece in found]
    registers = np.concatenate([reading.registers for reading in readings]).astype(np.int64, copy=False)
    status = np.concatenate([reading.status for reading in readings]).astype(np.uint8, copy=False)
    factors = [piece.channel.multiplier for piece in found]
    if factors.count(1) < len(factors):  # what other parties deliver is what flowed already
        each = np.repeat(np.array(factors, dtype=np.int64), lengths)
        registers = registers * np.where(delivered(status), 1, each)
    return registers, status


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """The rows of many pieces, one after another: `pair` numbers their channels, `lengths` are rows per piece."""

    lengths: npt.NDArray[np.int64]
    stamps: Column
    registers: Column
    status: Codes
    source: Places
    pair: Column
    pairs: list[tuple[int, int]]

    def only(self, rows: Mask) -> _Run:
        return replace(
            self,
            stamps=self.stamps[rows],
            registers=self.registers[rows],
            status=self.status[rows],
            source=self.source[rows],
            pair=self.pair[rows],
        )


def _joined(found: Sequence[Piece], sources: Sources) -> _Run:
    readings = [piece.reading for piece in found]
    lengths = np.array([len(reading.stamps) for reading in readings], dtype=np.int64)
    registers, status = _registers(found, lengths)
    pairs: dict[tuple[int, int], int] = {}
    pair = [pairs.setdefault((piece.place.metering_point, piece.channel.number), len(pairs)) for piece in found]
    return _Run(
        lengths,
        np.concatenate([reading.stamps for reading in readings]).astype(np.int64, copy=False),
        registers,
        status,
        np.repeat(np.array(_sources(readings, sources), dtype=np.int32), lengths),
        np.repeat(np.array(pair, dtype=np.int64), lengths),
        list(pairs),
    )


def _sources(readings: Sequence[ProfileReading], sources: Sources) -> list[int]:
    known = {id(at): microseconds(at) for at in {id(each.known_at): each.known_at for each in readings}.values()}
    return sources.numbered([Source(known[id(each.known_at)], each.evidence, each.meter) for each in readings])


def _first(owner: npt.NDArray[np.intp], at: np.intp) -> int:
    return int(np.searchsorted(owner, owner[at]))


def _opening(reading: ProfileReading, row: int) -> RegisterReading:
    only = np.zeros(len(reading.stamps), dtype=np.bool_)
    only[row] = True
    return as_register(chosen(reading, only))


def _refused(found: Sequence[Piece], owner: npt.NDArray[np.intp], bad: Mask, inside: Mask) -> Iterator[Refused]:
    for number in np.unique(owner[bad]).tolist():
        mine = owner == number
        for rows, reason in ((bad & inside, OFF_GRID), (bad & ~inside, NO_INSTALLATION)):
            if (part := rows[mine]).any():
                yield chosen(found[number].reading, part), reason


def _scatter(resolution_s: int, run: _Run, number: Column, sources: Sources) -> tuple[ChannelDays, int]:
    """Each row in its place; `number` counts intervals from 1970. Of two rows for one place the later known stays."""
    per_day = DAY_S // resolution_s
    day = number // per_day
    keys, row = _keys(run, day)
    days = ChannelDays.empty(resolution_s, keys, sources)
    place = number + (row - day) * per_day
    registers, status, source, passed = run.registers, run.status, run.source, 0
    if len(place) > 1 and not (place[1:] > place[:-1]).all():
        order = np.lexsort((status, registers, precedence(sources.ranks(), source, status), place))
        order = order[np.append(np.diff(place[order]) != 0, True)]
        passed = len(place) - len(order)
        place, registers, status, source = place[order], registers[order], status[order], source[order]
    days.registers.reshape(-1)[place] = registers
    days.status.reshape(-1)[place] = status
    days.source.reshape(-1)[place] = source
    return days, passed


def _keys(run: _Run, day: Column) -> tuple[list[Key], Column]:
    """The channel-days, and which of them each row belongs to."""
    code = run.pair * LAST_DAY + day
    step = code[1:] - code[:-1]
    if (step >= 0).all():
        starts = np.append(True, step > 0)[: len(code)]
        codes, row = code[starts], np.cumsum(starts) - 1
    else:
        codes, row = np.unique(code, return_inverse=True)
    which, date = (part.tolist() for part in divmod(codes, LAST_DAY))
    return [(*run.pairs[pair], at) for pair, at in zip(which, date, strict=True)], row
