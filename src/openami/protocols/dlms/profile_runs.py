"""The fast ways to a profile's columns: rows of one layout at once, or a few runs of them.

Each answers `None` where the general way has to look; nothing here refuses anything by itself but stamps that cannot
be filled in.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from openami.protocols.dlms.profile_columns import NOTHING, PLAIN, ProfileColumn, ProfileColumns, Reading, dtype_of
from openami.protocols.dlms.profile_layout import Records, RowLayout, read_layout
from openami.protocols.dlms.profile_stamps import Seconds, Statuses, fill_left_out, utc_seconds
from openami.protocols.wire.cursor import Limits

RUNS_MAX: Final = 16


class Run(NamedTuple):
    """Rows of one layout, one after another, the first of them row number `first`."""

    layout: RowLayout
    first: int
    records: Records


def affordable(layout: RowLayout, rows: int, limits: Limits) -> bool:
    """Whether the general decoder would make so many elements."""
    return rows * (1 + len(layout.items)) <= limits.elements


def runs_of(raw: bytes, start: int, rows: int, limits: Limits) -> list[Run] | None:
    """The rows as runs of one layout each; `None` if the general decoder has to look."""
    layout = read_layout(raw, start)
    if layout is None or not affordable(layout, rows, limits):
        return None
    if layout.all_alike(raw, start, rows):
        return [Run(layout, 0, layout.records(raw, start, rows))]
    runs: list[Run] = []
    done = 0
    while done < rows:
        layout = read_layout(raw, start)
        if layout is None or len(runs) == RUNS_MAX or (runs and len(layout.items) != len(runs[0].layout.items)):
            return None
        count = layout.count_alike(raw, start, rows - done)
        runs.append(Run(layout, done, layout.records(raw, start, count)))
        start += count * layout.size
        done += count
    return runs if start == len(raw) else None


def columns_of_runs(runs: list[Run], reading: Reading) -> ProfileColumns | None:
    """The columns of `runs`; `None` if the general way has to look."""
    width = len(runs[0].layout.items)
    if reading.clock >= width or not all(_as_expected(run.layout, reading) for run in runs):
        return None
    stamped = _stamps(runs, reading)
    if stamped is None:
        return None
    columns = [ProfileColumn(stamped[0], _present(runs, reading.clock))]
    columns *= width
    for number in range(width):
        if number != reading.clock:
            column = _column(runs, number)
            if column is None:
                return None
            columns[number] = column
    return ProfileColumns(*stamped, tuple(columns))


def _as_expected(layout: RowLayout, reading: Reading) -> bool:
    clock = layout.items[reading.clock]
    if not clock.is_clock and clock.type not in NOTHING:
        return False
    if reading.columns is None:
        return True
    kinds = [item.type for item in layout.items]
    return len(kinds) == len(reading.columns) and all(
        kind is wanted or kind in NOTHING for kind, wanted in zip(kinds, reading.columns, strict=True)
    )


def _stamps(runs: list[Run], reading: Reading) -> tuple[Seconds, Statuses] | None:
    given = [run for run in runs if run.layout.items[reading.clock].is_clock]
    made: list[tuple[Seconds, Statuses]] = []
    for run in given:
        stamped = utc_seconds(*run.layout.clock_words(run.records, reading.clock), reading.default_deviation)
        if stamped is None:
            return None
        made.append(stamped)
    if len(runs) == 1 and made:
        return made[0]
    if not made or (len(given) < len(runs) and reading.capture_period_s is None):
        return None
    seconds = np.concatenate([seconds for seconds, _ in made])
    statuses = np.concatenate([statuses for _, statuses in made])
    rows = np.concatenate([np.arange(run.first, run.first + len(run.records)) for run in given])
    count = runs[-1].first + len(runs[-1].records)
    if len(rows) == count:
        return seconds, statuses
    return fill_left_out(rows, seconds, statuses, count, reading.clock, reading.capture_period_s)


def _column(runs: list[Run], number: int) -> ProfileColumn | None:
    layout, _, records = runs[0]
    if len(runs) == 1 and layout.items[number].type in PLAIN:
        return ProfileColumn(layout.values(records, number))
    kinds = frozenset([run.layout.items[number].type for run in runs]) - NOTHING
    dtype = dtype_of(kinds)
    if dtype is object:
        return None
    parts = [run.layout.values(run.records, number).astype(dtype, copy=False) for run in runs]
    return ProfileColumn(np.concatenate(parts), _present(runs, number))


def _present(runs: list[Run], number: int) -> npt.NDArray[np.bool_] | None:
    present = [run.layout.items[number].type not in NOTHING for run in runs]
    return None if all(present) else np.repeat(np.array(present), [len(run.records) for run in runs])
