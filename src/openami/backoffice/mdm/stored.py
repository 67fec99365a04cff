"""Channel-days to rows of `interval_block` and back.

Registers are not stored twice: where each is the day's opening register plus the running sum of measured energies,
`base` alone keeps them all, exactly. Otherwise the details hold a bitmap of the snapshots that are there and the packed
differences from one to the next. All that is not usual stands in the details; nearly every row has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, bindparam, func, select

from openami.backoffice.mdm.bit_groups import pack
from openami.backoffice.mdm.blocks import Matrix, pack_codes, unpack, unpack_codes
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Column, Key, Mask, Places, Source, Sources
from openami.backoffice.mdm.close import late
from openami.backoffice.mdm.details import USUAL, Details, pack_details, told
from openami.backoffice.mdm.status import usable
from openami.backoffice.mdm.tables import interval_block
from openami.io.store.among import among
from openami.io.store.bulk import insert_columns
from openami.model.errors import StoreError
from openami.model.quality import Quality

Runs = list[tuple[int, int]]
NAMES = [column.name for column in interval_block.columns]
VERSION = NAMES.index("version")
NO_SOURCE = Source(0, 0, 0)
"""Of a day whose snapshots were all filed elsewhere: its meter had been taken for another one."""


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


HEADS = select(
    interval_block.c.metering_point,
    interval_block.c.channel,
    interval_block.c.day,
    interval_block.c.version,
    interval_block.c.base,
    interval_block.c.energy_sum,
    interval_block.c.meter,
    interval_block.c.details,
).where(
    among(interval_block.c.metering_point, "points"),
    interval_block.c.day.between(bindparam("first"), bindparam("last")),
)

Head = tuple[int, int, int]  # version, closing register, closing meter (0: none)


def heads(connection: Connection, points: Sequence[int], first: int, last: int) -> dict[Key, Head]:
    """Version and closing register of each stored channel-day of `points` from day `first` to `last`."""
    found: dict[Key, Head] = {}
    given = {"points": list(points), "first": first, "last": last}
    for point, channel, day, version, base, energy_sum, meter, details in connection.execute(HEADS, given).all():
        key = point, channel, day
        if key in found and found[key][0] > version:
            continue
        if details:
            unusual = told(details)
            found[key] = version, unusual.closing, unusual.closing_meter
        else:
            found[key] = version, base + energy_sum, meter
    return found


def load(connection: Connection, keys: Sequence[Key], resolution_s: int, sources: Sources) -> ChannelDays:
    """The current channel-days of `keys`, in that order; those that are not stored have version 0."""
    days = ChannelDays.empty(resolution_s, list(keys), sources)
    if not keys:
        return days
    place = {key: row for row, key in enumerate(keys)}
    rows = latest(_rows(connection, keys), lambda row: place.get((row[0], row[2], row[1])))
    days.put(np.array(list(rows), dtype=np.intp), decode(list(rows.values()), resolution_s, sources))
    return days


def last_days(connection: Connection, metering_points: Sequence[int]) -> dict[tuple[int, int], int]:
    """The last stored day of each (point, channel) of `metering_points`."""
    table = interval_block.c
    columns = table.metering_point, table.channel
    query = select(*columns, func.max(table.day)).where(among(table.metering_point, metering_points))
    found = connection.execute(query.group_by(*columns))
    return {(point, channel): day for point, channel, day in found}


def _rows(connection: Connection, keys: Sequence[Key]) -> Sequence[Any]:
    """All versions of `keys`, and of days between them."""
    dates = [key[2] for key in keys]
    between = interval_block.c.day.between(min(dates), max(dates))
    points = among(interval_block.c.metering_point, sorted({key[0] for key in keys}))
    return connection.execute(select(interval_block).where(points, between)).all()


def latest(rows: Iterable[Any], place: Callable[[Any], int | None]) -> dict[int, Any]:
    """Of all versions the last one, by the place that `place` gives a row; rows without one are left out."""
    found: dict[int, Any] = {}
    for row in rows:
        at = place(row)
        if at is not None and (at not in found or found[at][VERSION] < row[VERSION]):
            found[at] = row
    return found


def decode(rows: Sequence[Any], resolution_s: int, sources: Sources) -> ChannelDays:
    """Stored rows of one resolution as columns. A row has all columns of the table."""
    if not rows:
        return ChannelDays.empty(resolution_s, [], sources)
    column = dict(zip(NAMES, zip(*rows, strict=True), strict=True))
    for row, step in zip(rows, column["resolution_s"], strict=True):
        if step != resolution_s:
            raise StoreError(
                f"channel {row.channel} of point {row.metering_point} holds intervals of {step} s on day "
                f"{row.day}, not of {resolution_s} s: give the other resolution a channel of its own"
            )
    keys = list(zip(column["metering_point"], column["channel"], column["day"], strict=True))
    days = ChannelDays.empty(resolution_s, keys, sources)
    count = days.intervals
    days.version = list(column["version"])
    days.energy = unpack(column["energy"], count)
    unusual = [(index, told(details)) for index, details in enumerate(column["details"]) if details]
    rows_of = [index for index, _ in unusual]
    days.quality, days.status = np.zeros((2, len(rows), count), dtype=np.uint8)
    days.quality[rows_of] = unpack_codes([details.quality for _, details in unusual], count)
    days.status[rows_of] = unpack_codes([details.status for _, details in unusual], count)
    base = np.array(column["base"], dtype=np.int64)
    days.registers = base[:, None] + np.cumsum(days.energy, axis=1)
    present = days.quality == Quality.MEASURED
    for index, details in unusual:
        if details.registers is not None:
            present[index], days.registers[index] = _explicit(details.registers, int(base[index]), count)
    origins = zip(column["known_at"], column["evidence"], column["meter"], strict=True)
    days.source = _placed(list(origins), present, sources)
    for index, details in unusual:
        if details.sources is not None:
            days.source[index] = _several_placed(details.sources, sources)
    days.registers[~present] = 0
    return days


def _explicit(block: bytes, base: int, count: int) -> tuple[Mask, Matrix]:
    bitmap = (count + 7) // 8
    present = np.unpackbits(np.frombuffer(block[:bitmap], dtype=np.uint8), count=count).astype(np.bool_)
    return present, base + np.cumsum(unpack([block[bitmap:]], count)[0])


def _placed(origins: Sequence[tuple[int, int, int]], present: Mask, sources: Sources) -> Places:
    """(n, k): the number of each snapshot's source, of days that have one alone."""
    numbers = np.array(sources.numbered([Source(*origin) for origin in origins]), dtype=np.int32)
    return np.where(present, numbers[:, None], np.int32(ABSENT))


def _several_placed(packed: bytes, sources: Sources) -> Places:
    listed, runs = msgspec.msgpack.decode(packed, type=tuple[list[tuple[int, int, int]], Runs])
    numbers = [sources.number(Source(*source)) for source in listed] + [ABSENT]
    return np.repeat(np.array([numbers[index] for index, _ in runs], dtype=np.int32), [length for _, length in runs])


def save(connection: Connection, *found: tuple[ChannelDays, Mask]) -> int:
    """Store the chosen rows of each, every row as the next version of its channel-day. How many were stored."""
    chosen = [(days, np.flatnonzero(rows)) for days, rows in found if rows.any()]
    if chosen:
        insert_columns(connection, interval_block, (tuple(_encoded(days, rows)) for days, rows in chosen))
        new = ((days.keys[row], days.version[row] + 1) for days, rows in chosen for row in rows.tolist())
        late.mark(connection, new)
    return sum(len(rows) for _, rows in chosen)


def _encoded(days: ChannelDays, chosen: npt.NDArray[np.intp]) -> Iterator[Any]:
    """The table's columns, one after another."""
    pick: Any = slice(None) if len(chosen) == len(days) else chosen
    energy, quality, registers = days.energy[pick], days.quality[pick], days.registers[pick]
    status, source = days.status[pick], days.source[pick]
    base, explicit = _registers(energy, quality, registers, source != ABSENT)
    newest, several = _origins(days.sources, source)
    keys = [days.keys[row] for row in chosen.tolist()]
    points, channels, dates = zip(*keys, strict=True)
    total, meter = energy.sum(axis=1), np.array([origin.meter for origin in newest], dtype=np.int64)
    trusted = usable(status[:, -1]) & (source[:, -1] != ABSENT)
    closing = np.where(trusted, registers[:, -1], 0)
    closing_meter = np.where(trusted, days.sources.meters()[source[:, -1]], 0)
    usual = (closing == base + total) & (closing_meter == meter) & ~quality.any(axis=1) & ~status.any(axis=1)
    usual[[*explicit, *several]] = False
    details = [USUAL] * len(chosen)
    rows = np.flatnonzero(~usual)
    codes = zip(rows.tolist(), pack_codes(quality[rows]), pack_codes(status[rows]), strict=True)
    for row, qualities, states in codes:
        last = int(closing[row]), int(closing_meter[row])
        details[row] = pack_details(Details(qualities, explicit.get(row), states, several.get(row), *last))
    yield from (points, dates, channels)
    yield [days.version[row] + 1 for row in chosen.tolist()]
    yield [days.resolution_s] * len(chosen)
    yield np.count_nonzero(quality == Quality.MISSING, axis=1)
    yield np.count_nonzero(quality == Quality.ESTIMATED, axis=1)
    yield [origin.known_at for origin in newest]
    yield meter
    yield [origin.evidence for origin in newest]
    yield total
    yield energy.max(axis=1)
    yield base
    yield pack(energy)
    yield details


def _registers(energy: Matrix, quality: Any, registers: Matrix, present: Mask) -> tuple[Column, dict[int, bytes]]:
    """(n,) the base of each row, and the explicit registers of rows where base and energies do not tell them."""
    base = registers[:, 0] - energy[:, 0]
    follows = np.diff(registers, axis=1) == energy[:, 1:]
    rows = np.flatnonzero(~follows.all(axis=1) | quality.any(axis=1) | ~present.all(axis=1))
    if len(rows):
        measured = quality[rows] == Quality.MEASURED
        told_so = (base[rows, None] + np.cumsum(energy[rows], axis=1) == registers[rows]) | ~present[rows]
        rows = rows[~((told_so & (measured == present[rows])).all(axis=1) & present[rows, 0])]
    if not len(rows):
        return base, {}
    at = np.where(present[rows], np.arange(present.shape[1]), 0)
    first = present[rows].argmax(axis=1)
    at = np.maximum(np.maximum.accumulate(at, axis=1), first[:, None])
    filled = np.take_along_axis(registers[rows], at, axis=1)
    base[rows] = filled[:, 0]
    steps = pack(np.diff(filled, axis=1, prepend=filled[:, :1]))
    bitmaps = np.packbits(present[rows], axis=1)
    explicit = zip(rows.tolist(), bitmaps, steps, strict=True)
    return base, {row: bitmap.tobytes() + block for row, bitmap, block in explicit}


def _origins(sources: Sources, source: Places) -> tuple[list[Source], dict[int, bytes]]:
    """The newest source of each row, and all of them packed of rows that have several."""
    highest = source.max(axis=1)
    lowest = np.where(source == ABSENT, highest[:, None], source).min(axis=1)
    newest = [NO_SOURCE if number == ABSENT else sources.all[number] for number in highest.tolist()]
    several: dict[int, bytes] = {}
    for row in np.flatnonzero(lowest != highest).tolist():
        newest[row], several[row] = _several(sources, source[row].tolist())
    return newest, several


def _several(sources: Sources, numbers: list[int]) -> tuple[Source, bytes]:
    listed = sorted({number for number in numbers if number != ABSENT}, key=sources.all.__getitem__)
    index = {number: at for at, number in enumerate(listed)} | {ABSENT: -1}
    runs = [(index[number], len(list(run))) for number, run in groupby(numbers)]
    told = [(sources.all[n].known_at, sources.all[n].evidence, sources.all[n].meter) for n in listed]
    return sources.all[listed[-1]], msgspec.msgpack.encode((told, runs))
