"""The values that hold, of many channels at once: as measured, over them as judged, over both as edited by a person.

Bills, series and sums rest on these. Which versions they are is told with them, so that the same can be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, or_, select

from openami.backoffice.mdm.blocks import unpack, unpack_codes
from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.details import quality_of
from openami.backoffice.mdm.series import Span
from openami.backoffice.mdm.tables import edited_block, interval_block, judged_block
from openami.io.store.among import among
from openami.model.errors import StoreError
from openami.model.interval import DAY_S
from openami.model.point import Channel
from openami.model.quality import Quality

Pair = tuple[int, int]
"""Metering point and channel."""
RAW, JUDGED, EDITED = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """`energy`, `quality`, `edited` (m, D × k): the intervals of m channels over D days from UTC day `first` on.

    `versions` (m, D, 3): of the measured, judged and edited day that the values are from; 0 for none.
    """

    first: int
    resolution_s: int
    energy: npt.NDArray[np.int64]
    quality: npt.NDArray[np.uint8]
    edited: Mask
    versions: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """Where rows of the store belong."""

    place: dict[Pair, int]
    first: int
    days: int
    versions: npt.NDArray[np.int32]
    fixed: bool

    def chosen(self, rows: Sequence[Any], layer: int) -> dict[int, Any]:
        """Of each channel-day (numbered) the row that counts: the latest, or the version asked for."""
        found: dict[int, Any] = {}
        wanted = self.versions.reshape(-1, 3)[:, layer] if self.fixed else None
        place, first, days = self.place, self.first, self.days
        for row in rows:
            channel = place.get((row[0], row[1]))
            if channel is None:
                continue
            at = channel * days + row[2] - first
            if wanted is not None:
                if row[3] == wanted[at]:
                    found[at] = row
            elif at not in found or found[at][3] < row[3]:
                found[at] = row
        return found


def held_days(
    connection: Connection,
    pairs: Sequence[Pair],
    days: tuple[int, int],
    resolution_s: int,
    versions: npt.NDArray[np.int32] | None = None,
) -> Held:
    """The values of channels of one resolution from UTC day `days[0]` to `days[1]`, both included.

    With `versions` (m, D, 3) those very versions, whatever came since. Raises `StoreError` where a channel holds
    intervals of another length.
    """
    first, count = days[0], days[1] - days[0] + 1
    shape = len(pairs) * count, DAY_S // resolution_s
    taken = np.zeros((len(pairs), count, 3), dtype=np.int32) if versions is None else versions
    index = _Days({pair: at for at, pair in enumerate(pairs)}, first, count, taken, versions is not None)
    energy, quality = np.zeros(shape, dtype=np.int64), np.full(shape, Quality.MISSING, dtype=np.uint8)
    edited = np.zeros(shape, dtype=np.bool_)
    flat = taken.reshape(-1, 3)
    points = sorted({point for point, _ in pairs})
    raw = index.chosen(_rows(connection, interval_block, points, days, ("energy", "details")), RAW)
    for at, values, codes in _unpacked(raw, resolution_s, lambda row: quality_of(row[6])):
        energy[at], quality[at] = values, codes
    _note(flat, raw, RAW)
    table = judged_block.c
    told = or_(table.version > 1, table.estimated > 0)  # a first judgement without estimates changes nothing
    judged = index.chosen(
        _rows(connection, judged_block, points, days, ("energy", "quality", "raw_version"), told), JUDGED
    )
    standing = {at: row for at, row in judged.items() if row[5] is not None and row[7] == flat[at, RAW]}
    for at, values, codes in _unpacked(standing, resolution_s, itemgetter(6)):
        energy[at], quality[at] = values, codes
    _note(flat, standing, JUDGED)
    by_hand = index.chosen(_rows(connection, edited_block, points, days, ("energy", "marked")), EDITED)
    for at, values, codes in _unpacked(by_hand, resolution_s, itemgetter(6)):
        marked = codes.astype(np.bool_)
        energy[at] = np.where(marked, values, energy[at])
        quality[at] = np.where(marked, np.uint8(Quality.ESTIMATED), quality[at])
        edited[at] = marked
    _note(flat, by_hand, EDITED)
    wide = len(pairs), -1
    return Held(first, resolution_s, energy.reshape(wide), quality.reshape(wide), edited.reshape(wide), taken)


def held_span(connection: Connection, channel: Channel, span: Span) -> tuple[Span, Mask]:
    """`span` with the values that hold, its registers as they are; and where a person set them."""
    if not len(span.stamps):
        return span, np.zeros(0, dtype=np.bool_)
    days = int(span.stamps[0] - 1) // DAY_S, int(span.stamps[-1] - 1) // DAY_S
    held = held_days(connection, [(channel.metering_point, channel.number)], days, channel.resolution_s)
    at = (span.stamps - days[0] * DAY_S) // channel.resolution_s - 1
    return replace(span, energy=held.energy[0, at], quality=held.quality[0, at]), held.edited[0, at]


def _rows(
    connection: Connection,
    table: Table,
    points: Sequence[int],
    days: tuple[int, int],
    columns: tuple[str, ...],
    told: Any = True,
) -> Sequence[Any]:
    """Point, channel, day, version, resolution, then `columns`."""
    key = [table.c[name] for name in ("metering_point", "channel", "day", "version", "resolution_s")]
    query = select(*key, *(table.c[name] for name in columns))
    chosen = query.where(among(table.c.metering_point, points), table.c.day.between(*days))
    return connection.execute(chosen if told is True else chosen.where(told)).all()


def _unpacked(
    chosen: dict[int, Any], resolution_s: int, packed_codes: Callable[[Any], bytes | None]
) -> Iterator[tuple[Any, Any, Any]]:
    """Rows, their energies and their codes: all at once."""
    if not chosen:
        return
    for row in chosen.values():
        if row[4] != resolution_s:
            raise StoreError(
                f"channel {row[1]} of point {row[0]} holds intervals of {row[4]} s on day {row[2]}, not of "
                f"{resolution_s} s: give the other resolution a channel of its own"
            )
    count, rows = DAY_S // resolution_s, chosen.values()
    at = np.fromiter(chosen, dtype=np.intp, count=len(chosen))
    codes = unpack_codes([packed_codes(row) for row in rows], count)
    yield at, unpack([row[5] for row in rows], count), codes


def _note(versions: npt.NDArray[np.int32], chosen: dict[int, Any], layer: int) -> None:
    if chosen:
        at = np.fromiter(chosen, dtype=np.intp, count=len(chosen))
        versions[at, layer] = [row[3] for row in chosen.values()]
