"""Profile readings as one flat run of rows, each with its place: the first step of intake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.channel_days import ChannelDays, Column, Key, Mask, Source, Sources
from openami.backoffice.mdm.placement import Directory, Place
from openami.backoffice.mdm.unplaced import NO_CHANNEL, NO_INSTALLATION, OFF_GRID
from openami.io.store.columns import microseconds
from openami.model.interval import DAY_S
from openami.model.point import Channel
from openami.model.reading import ProfileReading, RegisterReading

LAST_DAY = 1 << 20  # about the year 4840: a stamp beyond is no time
Refused = tuple[ProfileReading, str]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A reading, or the part of it that one installation covers, with the channel that keeps it."""

    reading: ProfileReading
    place: Place
    channel: Channel


def pieces(readings: Sequence[ProfileReading], directory: Directory) -> tuple[list[Piece], list[Refused]]:
    """Split readings by installation; what hung nowhere or has no channel is refused with the reason."""
    found: list[Piece] = []
    refused: list[Refused] = []
    for reading in readings:
        if not len(reading.stamps):
            continue
        places = directory.places(reading.meter)
        parts = [(reading, places[0])] if len(places) == 1 else list(_split(reading, places, refused))
        for part, place in parts:
            channel = directory.home(place.metering_point, reading.obis, reading.resolution_s)
            if channel is None:
                refused.append((part, NO_CHANNEL))
            else:
                found.append(Piece(part, place, channel))
    return found, refused


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
    lengths = [len(piece.reading.stamps) for piece in found]
    owner = np.repeat(np.arange(len(found)), lengths)
    stamps = np.concatenate([piece.reading.stamps for piece in found]).astype(np.int64, copy=False)
    begin = np.array([piece.place.start for piece in found], dtype=np.int64)[owner]
    end = np.array([piece.place.end for piece in found], dtype=np.int64)[owner]
    on_grid = (stamps % resolution_s == 0) & (stamps > 0) & (stamps < LAST_DAY * DAY_S)
    inside = (stamps > begin) & (stamps <= end)
    fits = on_grid & inside
    openings: list[RegisterReading] = []
    refused: list[Refused] = []
    if not fits.all():
        whole = np.array([piece.place.whole_start for piece in found], dtype=np.bool_)[owner]
        opens = (stamps == begin) & whole
        openings = [_opening(found[owner[at]].reading, int(at - _first(owner, at))) for at in np.flatnonzero(opens)]
        refused = list(_refused(found, owner, ~fits & ~opens, inside))
    days, passed = _scatter(resolution_s, found, owner[fits], stamps[fits], fits, sources)
    return Arrival(days, openings, refused, passed)


def _first(owner: npt.NDArray[np.intp], at: np.intp) -> int:
    return int(np.searchsorted(owner, owner[at]))


def _opening(reading: ProfileReading, row: int) -> RegisterReading:
    from openami.backoffice.mdm.unplaced import as_register

    only = np.zeros(len(reading.stamps), dtype=np.bool_)
    only[row] = True
    return as_register(chosen(reading, only))


def _refused(found: Sequence[Piece], owner: npt.NDArray[np.intp], bad: Mask, inside: Mask) -> Iterator[Refused]:
    for number in np.unique(owner[bad]).tolist():
        mine = owner == number
        for rows, reason in ((bad & inside, OFF_GRID), (bad & ~inside, NO_INSTALLATION)):
            if (part := rows[mine]).any():
                yield chosen(found[number].reading, part), reason


def _scatter(
    resolution_s: int,
    found: Sequence[Piece],
    owner: npt.NDArray[np.intp],
    stamps: Column,
    fits: Mask,
    sources: Sources,
) -> tuple[ChannelDays, int]:
    registers = np.concatenate([piece.reading.registers for piece in found]).astype(np.int64, copy=False)[fits]
    status = np.concatenate([piece.reading.status for piece in found]).astype(np.uint8, copy=False)[fits]
    day = (stamps - 1) // DAY_S
    keys, row = _keys(found, owner, day)
    days = ChannelDays.empty(resolution_s, keys, sources)
    place = row * days.intervals + (stamps - day * DAY_S) // resolution_s - 1
    source = np.array([_source(piece.reading, sources) for piece in found], dtype=np.int32)[owner]
    passed = 0
    if len(place) > 1 and not (np.diff(place) > 0).all():
        rank = sources.ranks()[source]
        order = np.lexsort((status, registers, rank, place))
        last = np.append(np.diff(place[order]) != 0, True)
        order = order[last]
        passed = len(place) - len(order)
        place, registers, status, source = place[order], registers[order], status[order], source[order]
    days.registers.reshape(-1)[place] = registers
    days.status.reshape(-1)[place] = status
    days.source.reshape(-1)[place] = source
    return days, passed


def _source(reading: ProfileReading, sources: Sources) -> int:
    return sources.number(Source(microseconds(reading.known_at), reading.evidence, reading.meter))


def _keys(found: Sequence[Piece], owner: npt.NDArray[np.intp], day: Column) -> tuple[list[Key], npt.NDArray[np.int64]]:
    """The channel-days in order of their first appearance or of their number, and each row's channel-day."""
    pairs: dict[tuple[int, int], int] = {}
    number = [pairs.setdefault((piece.place.metering_point, piece.channel.number), len(pairs)) for piece in found]
    code = np.array(number, dtype=np.int64)[owner] * LAST_DAY + day
    steps = np.diff(code)
    if (steps >= 0).all():
        starts = np.append(True, steps > 0) if len(code) else np.zeros(0, dtype=np.bool_)
        codes, row = code[starts], np.cumsum(starts) - 1
    else:
        codes, row = np.unique(code, return_inverse=True)
    named = list(pairs)
    return [
        (*named[which], date) for which, date in zip(*(part.tolist() for part in divmod(codes, LAST_DAY)), strict=True)
    ], row
