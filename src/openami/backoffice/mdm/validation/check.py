"""A rule set over many channel-days, a chunk at a time: the columns of a chunk stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.validation.columns import Columns
from openami.backoffice.mdm.validation.rule_set import Use

ROWS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What one rule found: `rows` and, side by side, `intervals`; an interval of -1 means the whole day."""

    use: Use
    rows: npt.NDArray[np.int64]
    intervals: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


WHOLE_DAY = -1


def check(columns: Columns, uses: Sequence[Use], rows_at_once: int = ROWS_AT_ONCE) -> Iterator[Finding]:
    """What the rules found, chunk after chunk; a rule whose columns are not known is not run (`not_run` tells)."""
    able = [use for use in uses if columns.known(use.rule.needs)]
    for first in range(0, len(columns), rows_at_once):
        chunk = columns.rows(first, first + rows_at_once)
        for use in able:
            found = use.rule.judge(chunk, use.parameters)
            if found.any():
                yield _finding(use, found, first)


def not_run(columns: Columns, uses: Sequence[Use]) -> list[tuple[str, list[str]]]:
    """The rules that lack something, each with the columns that are not known."""
    lacking = [(use.rule.name, [name for name in use.rule.needs if not columns.known((name,))]) for use in uses]
    return [(name, unknown) for name, unknown in lacking if unknown]


def _finding(use: Use, found: npt.NDArray[np.bool_], first: int) -> Finding:
    if found.ndim == 1:
        rows = np.flatnonzero(found)
        return Finding(use, rows + first, np.full(len(rows), WHOLE_DAY, dtype=np.int64))
    rows, intervals = np.divmod(np.flatnonzero(found), found.shape[1])
    return Finding(use, rows + first, intervals)
