"""The interval in which a meter begins to measure: an exchange, or the first one after installation.

Its energy is what the old meter counted from the interval's start to its closing read, plus what the new one counted
from its opening read to the interval's end. Both reads must be there, at the very times of the exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openami.backoffice.mdm.ratios import Ratios, Reads
from openami.io.store.columns import microseconds
from openami.model.point import Installation
from openami.model.quality import Quality

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Meter `meter` stood at `register` at `stamp` (seconds since 1970-01-01)."""

    stamp: int
    meter: int
    register: int

    @property
    def told(self) -> tuple[int, int]:
        return self.stamp, self.register


def bridge(
    installations: Sequence[Installation],
    opening: Snapshot | None,
    closing: Snapshot,
    start: int,
    reads: Reads,
    ratios: Ratios,
) -> tuple[int, Quality] | None:
    """Energy of the interval from `start` to `closing.stamp`, at whose end `closing.meter` hung and at whose start
    there was `opening`, another meter's snapshot, or none. None if the registers do not tell it.
    """
    if opening is not None and opening.meter == closing.meter:  # the same meter behind other transformers
        same = ratios.energy(closing.meter, opening.told, closing.told, reads)
        return None if same is None else (same, Quality.CALCULATED)
    began = [i for i in installations if i.meter == closing.meter and start <= _whole(i) < closing.stamp]
    if len(began) != 1:
        return None
    others = [i for i in installations if i is not began[0] and _overlaps(i, start, closing.stamp)]
    at = _whole(began[0])
    first = reads.get((closing.meter, at))
    new = None if first is None else ratios.energy(closing.meter, (at, first), closing.told, reads)
    if new is None:
        return None
    quality = Quality.MEASURED if at == start else Quality.CALCULATED
    if not others:
        return new, quality
    old = _old_part(others, opening, reads, ratios)
    return None if old is None else (old + new, quality)


def _old_part(others: list[Installation], opening: Snapshot | None, reads: Reads, ratios: Ratios) -> int | None:
    if len(others) != 1 or opening is None or others[0].meter != opening.meter or others[0].end is None:
        return None
    end = microseconds(others[0].end)
    if end == opening.stamp * SECOND:
        return 0
    last = reads.get((opening.meter, end // SECOND)) if end % SECOND == 0 else None
    return None if last is None else ratios.energy(opening.meter, opening.told, (end // SECOND, last), reads)


def _overlaps(installation: Installation, start: int, end: int) -> bool:
    begins_before = microseconds(installation.start) < end * SECOND
    return begins_before and (installation.end is None or microseconds(installation.end) > start * SECOND)


def _whole(installation: Installation) -> int:
    """The installation's first second, or a time in no interval if it did not begin at a whole one."""
    begin = microseconds(installation.start)
    return begin // SECOND if begin % SECOND == 0 else -1
