"""The console's page of figures: how complete closed days are, how much of them was estimated, and where it fails.

Drawn is what lacks, not what is there: of a good fleet nothing but the last per cent is worth a look. Widths are per
cent and heights are pixels, as in `chart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from litestar import Request, Response, Router, get
from litestar.params import FromQuery

from openami.backoffice.mdm.close.counts import Kpis
from openami.portal.duties import Duty, opened_by
from openami.portal.identity import operators_only
from openami.portal.rooms import rooms_of

Asking = Request[Any, Any, Any]
DAYS = 28
HEIGHT = 130
GAP = 0.22
CEILINGS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Part(NamedTuple):
    """A piece of a column: what it shows (`measured`, `estimated`, `missing`), and where."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One closed day. `parts` stand on each other; `told` says the shares in words."""

    day: date
    label: str
    slot_x: float
    slot_width: float
    x: float
    width: float
    parts: tuple[Part, ...]
    told: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Columns from the oldest day to the latest, under lines at round shares."""

    columns: tuple[Column, ...]
    grid: tuple[tuple[float, str], ...]
    height: int = HEIGHT


def panel(days: Sequence[tuple[date, Sequence[tuple[str, float]]]]) -> Panel:
    """Draw per day its shares (kind, from 0 to 1), on the scale that just holds the highest day."""
    top = max((sum(share for _, share in parts) for _, parts in days), default=0.0)
    ceiling = next(each for each in CEILINGS if each >= min(top, 1.0))
    slot = 100 / max(1, len(days))
    columns = tuple(_column(number, slot, day, parts, ceiling) for number, (day, parts) in enumerate(days))
    return Panel(columns, tuple((HEIGHT * (1 - step / 2), _percent(ceiling * step / 2)) for step in range(3)))


def _column(number: int, slot: float, day: date, parts: Sequence[tuple[str, float]], ceiling: float) -> Column:
    left, floor, drawn = number * slot, float(HEIGHT), []
    for kind, share in parts:
        height = HEIGHT * share / ceiling
        floor -= height
        if share:
            drawn.append(Part(kind, round(floor, 2), round(height, 2)))
    label = f"{day:%-d %b}" if day.weekday() == 0 else ""
    told = f"{day:%-d %b %Y}: " + ", ".join(f"{_percent(share)} {WORDS[kind]}" for kind, share in parts)
    x, width = round(left + slot * GAP / 2, 4), round(slot * (1 - GAP), 4)
    return Column(day, label, round(left, 4), round(slot, 4), x, width, tuple(drawn), told)


WORDS = {"measured": "came late or not at all", "estimated": "estimated", "missing": "still missing"}


def _percent(share: float) -> str:
    return f"{100 * share:.3g}\u202f%"


def told_share(share: float | None) -> str:
    """A share for people: 100 % and 0 % only where it is so; a dash where there is nothing to take a share of."""
    if share is None:
        return "–"
    return _percent(min(max(share, 0.0001), 0.999)) if 0 < share < 1 else _percent(share)


@get("/", sync_to_thread=True)
def quality_page(request: Asking, day: FromQuery[date | None] = None) -> Response[str]:
    """The last closed days; of one of them the figures by collector and cause."""
    rooms = rooms_of(request)
    found = rooms.mdm.kpis(DAYS)
    whole = [each for each in found if not each.collector]
    chosen = next((each for each in whole if each.day == day), whole[0] if whole else None)
    oldest_first = whole[::-1]
    late = [(each.day, [("measured", 1 - (each.read_by_deadline or 0.0))]) for each in oldest_first if each.channels]
    return rooms.pages.page(
        request,
        "quality",
        whole=whole,
        chosen=chosen,
        parts=[each for each in found if each.collector and chosen is not None and each.day == chosen.day],
        late=panel(late),
        lacking=panel([(each.day, _lacking(each)) for each in oldest_first if each.channels]),
        share=told_share,
    )


def _lacking(figures: Kpis) -> list[tuple[str, float]]:
    estimated = figures.estimated or 0.0
    return [("estimated", estimated), ("missing", max(0.0, 1 - (figures.completeness or 0.0) - estimated))]


QUALITY_PAGES = Router(
    "/operator/quality", route_handlers=[quality_page], guards=[operators_only], opt=opened_by(Duty.READER)
)
