"""Bar charts as numbers: where each bar stands and what it says. The template draws them as SVG.

Widths are percentages and heights are pixels, so that a chart fills any screen and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import floor, log10

PLOT_HEIGHT = 220
GAP = 0.22
STEPS = (1, 2, 2.5, 5, 10)


class State(StrEnum):
    """What is known about a bar's time."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    PARTIAL = "partial"
    MISSING = "missing"
    PENDING = "pending"
    OUTSIDE = "outside"

    @property
    def words(self) -> str:
        """What people read in the legend and the table."""
        return WORDS[self]


WORDS = {
    State.MEASURED: "measured",
    State.ESTIMATED: "partly or wholly estimated",
    State.PARTIAL: "incomplete",
    State.MISSING: "missing",
    State.PENDING: "not read yet",
    State.OUTSIDE: "not in this period",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One bar's content: energy from `start` to `end` (UTC). `energy_wh` is `None` when nothing is known.

    `label` stands under the axis (empty: no tick), `when` names the time in words, `link` is where a click goes.
    """

    start: datetime
    end: datetime
    energy_wh: int | None
    state: State
    when: str
    label: str = ""
    minor: bool = False
    link: str | None = None
    missing: int = 0
    estimated: int = 0
    intervals: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """An entry with its place: `slot_x`, `slot_width`, `x` and `width` in percent, `y` and `height` in pixels."""

    entry: Entry
    slot_x: float
    slot_width: float
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class GridLine:
    """A horizontal line at `y` pixels that stands for `label` kWh."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart. `states` holds the kinds of bars that occur, in the order of the legend."""

    bars: tuple[Bar, ...]
    grid: tuple[GridLine, ...]
    states: tuple[State, ...]
    height: int = PLOT_HEIGHT


def chart(entries: Sequence[Entry]) -> Chart:
    """Place the bars of `entries`, all of the same width."""
    top = max((entry.energy_wh or 0 for entry in entries), default=0)
    step = grid_step(top)
    ceiling = max(step, -(-top // step) * step) if step else 1
    slot = 100 / max(1, len(entries))
    bars = tuple(_bar(entry, index, slot, ceiling) for index, entry in enumerate(entries))
    present = {entry.state for entry in entries}
    states = tuple(state for state in State if state in present and state is not State.OUTSIDE)
    return Chart(bars, _grid(step, ceiling), states)


def _bar(entry: Entry, index: int, slot: float, ceiling: int) -> Bar:
    height = PLOT_HEIGHT * max(0, entry.energy_wh or 0) / ceiling
    if entry.energy_wh:
        height = max(1.5, height)
    left = index * slot
    return Bar(
        entry,
        round(left, 4),
        round(slot, 4),
        round(left + slot * GAP / 2, 4),
        round(slot * (1 - GAP), 4),
        round(PLOT_HEIGHT - height, 2),
        round(height, 2),
    )


def _grid(step: int, ceiling: int) -> tuple[GridLine, ...]:
    return tuple(
        GridLine(round(PLOT_HEIGHT - PLOT_HEIGHT * value / ceiling, 2), grid_label(value))
        for value in range(0, ceiling + 1, step)
    )


def grid_step(top_wh: int) -> int:
    """A round number of Wh so that three to six lines reach `top_wh`; at least 1."""
    if top_wh <= 0:
        return 250
    rough = top_wh / 4
    magnitude = 10 ** floor(log10(rough)) if rough >= 1 else 1
    return max(1, int(next(step * magnitude for step in STEPS if step * magnitude >= rough or step == STEPS[-1])))


def grid_label(energy_wh: int) -> str:
    """Wh as kWh without needless zeros: `0`, `0.25`, `1.5`, `1 000`."""
    whole, rest = divmod(energy_wh, 1000)
    fraction = f"{rest:03d}".rstrip("0")
    return f"{whole:,}".replace(",", "\u202f") + (f".{fraction}" if fraction else "")
