"""Channel-days to rows of `interval_block` and back.

Registers are not stored twice: where each is the day's opening register plus the running sum of measured energies,
`base` alone keeps them all, exactly. Otherwise `registers` holds a bitmap of the snapshots that are there and the
packed differences from one to the next. `sources` is NULL where the whole row has one source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, Row, Select, bindparam, func, select

from openami.backoffice.mdm.blocks import Matrix, pack, pack_codes, unpack, unpack_codes
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Key, Mask, Places, Source, Sources
from openami.backoffice.mdm.status import usable
from openami.backoffice.mdm.tables import interval_block
from openami.io.store.bulk import insert_rows
from openami.model.errors import StoreError
from openami.model.quality import Quality

AT_ONCE = 400  # metering points in one query; databases bound the number of parameters
Runs = list[tuple[int, int]]


def current(*columns: Any) -> Select[Any]:
    """A query for the latest versions; narrow it by point and day."""
    later = interval_block.alias("later")
    latest = select(func.max(later.c.version)).where(
        later.c.metering_point == interval_block.c.metering_point,
        later.c.day == interval_block.c.day,
        later.c.channel == interval_block.c.channel,
    )
    query = select(*columns) if columns else select(interval_block)
    return query.where(interval_block.c.version == latest.scalar_subquery())


_HEADS = (
    select(
        interval_block.c.metering_point,
        interval_block.c.channel,
        interval_block.c.day,
        interval_block.c.version,
        interval_block.c.closing,
        interval_block.c.closing_meter,
    )
    .where(interval_block.c.day.between(bindparam("first"), bindparam("last")))
    .order_by(interval_block.c.metering_point, interval_block.c.day, interval_block.c.channel, interval_block.c.version)
)
HEADS_OF = _HEADS.where(interval_block.c.metering_point.in_(bindparam("points", expanding=True)))
HEADS_BETWEEN = _HEADS.where(interval_block.c.metering_point.between(bindparam("low"), bindparam("high")))

Head = tuple[int, int, int]  # version, closing register, closing meter (0: none)


def heads(connection: Connection, points: Sequence[int], first: int, last: int) -> dict[Key, Head]:
    """Version and closing register of each stored channel-day of `points` from day `first` to `last`."""
    found: dict[Key, Head] = {}
    wanted = sorted(points)
    for at in range(0, len(wanted), AT_ONCE):
        some = wanted[at : at + AT_ONCE]
        low, high = some[0], some[-1]
        days = {"first": first, "last": last}
        if high - low < 2 * len(some):  # a range is much cheaper to ask for than a list
            rows = connection.execute(HEADS_BETWEEN, days | {"low": low, "high": high}).all()
        else:
            rows = connection.execute(HEADS_OF, days | {"points": some}).all()
        for point, channel, day, version, closing, meter in rows:
            found[point, channel, day] = version, closing, meter
    return found


def load(connection: Connection, keys: Sequence[Key], resolution_s: int, sources: Sources) -> ChannelDays:
    """The current channel-days of `keys`, in that order; those that are not stored have version 0."""
    days = ChannelDays.empty(resolution_s, list(keys), sources)
    if not keys:
        return days
    place = {key: row for row, key in enumerate(keys)}
    rows = [row for row in _rows(connection, keys) if (row.metering_point, row.channel, row.day) in place]
    at = np.array([place[row.metering_point, row.channel, row.day] for row in rows], dtype=np.intp)
    days.put(at, decode(rows, resolution_s, sources))
    return days


def _rows(connection: Connection, keys: Sequence[Key]) -> Iterator[Row[Any]]:
    points = sorted({key[0] for key in keys})
    dates = [key[2] for key in keys]
    between = interval_block.c.day.between(min(dates), max(dates))
    for at in range(0, len(points), AT_ONCE):
        chosen = interval_block.c.metering_point.in_(points[at : at + AT_ONCE])
        yield from connection.execute(current().where(chosen, between))


def decode(rows: Sequence[Row[Any]], resolution_s: int, sources: Sources) -> ChannelDays:
    """Stored rows of one resolution as columns."""
    for row in rows:
        if row.resolution_s != resolution_s:
            raise StoreError(
                f"channel {row.channel} of point {row.metering_point} holds intervals of {row.resolution_s} s on day "
                f"{row.day}, not of {resolution_s} s: give the other resolution a channel of its own"
            )
    keys = [(row.metering_point, row.channel, row.day) for row in rows]
    days = ChannelDays.empty(resolution_s, keys, sources)
    count = days.intervals
    days.version = [row.version for row in rows]
    days.energy = unpack([row.energy for row in rows], count)
    days.quality = unpack_codes([row.quality for row in rows], count)
    days.status = unpack_codes([row.status for row in rows], count)
    base = np.array([row.base for row in rows], dtype=np.int64)[:, None]
    days.registers = base + np.cumsum(days.energy, axis=1)
    present = days.quality == Quality.MEASURED
    for index, row in enumerate(rows):
        if row.registers is not None:
            present[index], days.registers[index] = _explicit(row.registers, row.base, count)
        days.source[index] = _placed(row, present[index], sources)
    days.registers[~present] = 0
    return days


def _explicit(block: bytes, base: int, count: int) -> tuple[Mask, Matrix]:
    bitmap = (count + 7) // 8
    present = np.unpackbits(np.frombuffer(block[:bitmap], dtype=np.uint8), count=count).astype(np.bool_)
    return present, base + np.cumsum(unpack([block[bitmap:]], count)[0])


def _placed(row: Row[Any], present: Mask, sources: Sources) -> Places:
    if row.sources is None:
        number = sources.number(Source(row.known_at, row.evidence, row.meter))
        return np.where(present, np.int32(number), np.int32(ABSENT))
    listed, runs = msgspec.msgpack.decode(row.sources, type=tuple[list[tuple[int, int, int]], Runs])
    numbers = [sources.number(Source(*source)) for source in listed] + [ABSENT]
    return np.repeat(np.array([numbers[index] for index, _ in runs], dtype=np.int32), [length for _, length in runs])


def save(connection: Connection, days: ChannelDays, rows: Mask) -> int:
    """Store the chosen rows, each as the next version of its channel-day. How many were stored."""
    chosen = np.flatnonzero(rows)
    if len(chosen):
        insert_rows(connection, interval_block, list(_encode(days, chosen)))
    return len(chosen)


def _encode(days: ChannelDays, chosen: Any) -> Iterator[tuple[Any, ...]]:
    everything = len(chosen) == len(days)
    pick = slice(None) if everything else chosen
    energy, quality, registers = days.energy[pick], days.quality[pick], days.registers[pick]
    status, source = days.status[pick], days.source[pick]
    present = source != ABSENT
    base, explicit = _registers(energy, quality, registers, present)
    closing = np.where(present[:, -1] & usable(status[:, -1]), registers[:, -1], 0).tolist()
    last = np.where(usable(status[:, -1]), days.sources.meters()[source[:, -1]], 0).tolist()
    sums = energy.sum(axis=1).tolist()
    missing = np.count_nonzero(quality == Quality.MISSING, axis=1).tolist()
    estimated = np.count_nonzero(quality == Quality.ESTIMATED, axis=1).tolist()
    packed, qualities, statuses = pack(energy), pack_codes(quality), pack_codes(status)
    origins = list(_origins(days.sources, source, present))
    for index, row in enumerate(chosen.tolist()):
        point, channel, day = days.keys[row]
        newest, kept = origins[index]
        yield (
            point,
            day,
            channel,
            days.version[row] + 1,
            days.resolution_s,
            newest.known_at,
            newest.meter,
            newest.evidence,
            sums[index],
            missing[index],
            estimated[index],
            base[index],
            closing[index],
            last[index],
            packed[index],
            qualities[index],
            explicit[index],
            statuses[index],
            kept,
        )


def _registers(energy: Matrix, quality: Any, registers: Matrix, present: Mask) -> tuple[list[int], list[bytes | None]]:
    """Per row the base, and the explicit registers where base and energies do not tell them."""
    measured = quality == Quality.MEASURED
    base = registers[:, 0] - energy[:, 0]
    told = (base[:, None] + np.cumsum(energy, axis=1) == registers) | ~present
    implied = (told & (measured == present)).all(axis=1) & present[:, 0]
    explicit: list[bytes | None] = [None] * len(base)
    if implied.all():
        return base.tolist(), explicit
    rows = np.flatnonzero(~implied)
    at = np.where(present[rows], np.arange(present.shape[1]), 0)
    first = present[rows].argmax(axis=1)
    at = np.maximum(np.maximum.accumulate(at, axis=1), first[:, None])
    filled = np.take_along_axis(registers[rows], at, axis=1)
    base[rows] = filled[:, 0]
    steps = pack(np.diff(filled, axis=1, prepend=filled[:, :1]))
    bitmaps = np.packbits(present[rows], axis=1)
    for row, bitmap, block in zip(rows.tolist(), bitmaps, steps, strict=True):
        explicit[row] = bitmap.tobytes() + block
    return base.tolist(), explicit


def _origins(sources: Sources, source: Places, present: Mask) -> Iterator[tuple[Source, bytes | None]]:
    """Per row the newest source, and all of them packed where there are several."""
    highest = source.max(axis=1)
    lowest = np.where(present, source, np.iinfo(np.int32).max).min(axis=1)
    for index, (low, high) in enumerate(zip(lowest.tolist(), highest.tolist(), strict=True)):
        if high == ABSENT:
            raise AssertionError("a channel-day without any snapshot is never stored")
        yield (sources.all[high], None) if low == high else _several(sources, source[index].tolist())


def _several(sources: Sources, numbers: list[int]) -> tuple[Source, bytes]:
    listed = sorted({number for number in numbers if number != ABSENT}, key=sources.all.__getitem__)
    index = {number: at for at, number in enumerate(listed)} | {ABSENT: -1}
    runs = [(index[number], len(list(run))) for number, run in groupby(numbers)]
    told = [(sources.all[n].known_at, sources.all[n].evidence, sources.all[n].meter) for n in listed]
    return sources.all[listed[-1]], msgspec.msgpack.encode((told, runs))
