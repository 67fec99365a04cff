"""What the energy pages show: a day, month or year of one metering point as bars, rows and totals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from openami.backoffice.mdm.calendar import Period
from openami.backoffice.mdm.consumption import Consumption
from openami.backoffice.mdm.mdm import Mdm
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.portal.calendar import View, Window
from openami.portal.chart import Chart, Entry, State, chart
from openami.portal.ownership import Sight

DEFAULT_RESOLUTION_S = 900
PERIODS = {View.DAY: Period.INTERVAL, View.MONTH: Period.DAY, View.YEAR: Period.MONTH}
Link = Callable[[View, datetime, datetime], str]


class Flow(StrEnum):
    """The direction of energy."""

    IMPORT = "import"
    EXPORT = "export"

    @property
    def obis(self) -> ObisCode:
        """Active energy, all tariffs."""
        return ObisCode(1, 0, 1 if self is Flow.IMPORT else 2, 8, 0)

    @property
    def words(self) -> str:
        """How people call it."""
        return "from the grid" if self is Flow.IMPORT else "into the grid"


@dataclass(frozen=True, slots=True)
class Picture:
    """The window as it can be shown. `known` sums up what has been read so far.

    `last` is the end of the last interval that was read, `None` if there is none.
    """

    window: Window
    flow: Flow
    chart: Chart
    entries: tuple[Entry, ...]
    known: Known
    last: datetime | None
    resolution_s: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known about the window."""
        return all(entry.energy_wh is None for entry in self.entries)


def interval_channel(channels: Sequence[Channel], flow: Flow) -> Channel | None:
    """The channel whose intervals tell the energy of `flow`: its energies, or else the snapshots they come from."""
    mine = [each for each in channels if each.obis == flow.obis]
    kinds = (ChannelKind.INTERVAL_ENERGY, ChannelKind.REGISTER_SNAPSHOT)
    return next((each for kind in kinds for each in mine if each.kind is kind), None)


def picture(
    mdm: Mdm, sight: Sight, channel: Channel | None, window: Window, flow: Flow, now: float, link: Link
) -> Picture:
    """Look up and lay out `window`. Intervals after the last reading count as not read yet, not as missing."""
    last = mdm.last_stamp(sight.point.id, channel.number) if channel else None
    resolution_s = channel.resolution_s if channel else DEFAULT_RESOLUTION_S
    slots = _slots(window, resolution_s)
    found = _lookup(mdm, sight, window, flow, last)
    horizon = datetime.fromtimestamp(now, UTC)
    entries = [
        _entry(window, start, end, summed(parts), _Edges(last, horizon, bool(sight.within(start, end))), link)
        for (start, end), parts in zip(slots, _sorted_in(slots, found), strict=True)
    ]
    return Picture(
        window,
        flow,
        chart(entries),
        tuple(entry for entry in entries if entry.state is not State.OUTSIDE),
        summed(found) or Known(0, 0, 0, 0),
        last,
        resolution_s,
    )


def _lookup(mdm: Mdm, sight: Sight, window: Window, flow: Flow, last: datetime | None) -> list[Consumption]:
    if last is None:
        return []
    found: list[Consumption] = []
    for start, end in sight.within(window.start, min(window.end, last)):
        found += mdm.consumption(sight.point.id, start, end, PERIODS[window.view], flow.obis)
    return found


def _slots(window: Window, resolution_s: int) -> list[tuple[datetime, datetime]]:
    """The bars' times: intervals of a day (92, 96 or 100 at 15 minutes), days of a month, months of a year."""
    if window.view is View.DAY:
        step = timedelta(seconds=resolution_s)
        count = round((window.end - window.start) / step)
        return [(window.start + index * step, window.start + (index + 1) * step) for index in range(count)]
    inner = window.zoomed(View.DAY if window.view is View.MONTH else View.MONTH)
    slots = []
    while inner.start < window.end:
        slots.append((inner.start, inner.end))
        inner = inner.next
    return slots


def _sorted_in(slots: Sequence[tuple[datetime, datetime]], found: Sequence[Consumption]) -> list[list[Consumption]]:
    """The parts of each slot; supplies may cut one in two."""
    starts = [start for start, _ in slots]
    parts: list[list[Consumption]] = [[] for _ in slots]
    for each in found:
        parts[max(0, bisect_right(starts, each.start) - 1)].append(each)
    return parts


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about some time: the sum of its known intervals, and how many are what."""

    energy_wh: int
    intervals: int
    missing: int
    estimated: int


def summed(parts: Sequence[Consumption]) -> Known | None:
    """All parts as one; `None` if there are none."""
    if not parts:
        return None
    return Known(
        sum(part.energy_wh for part in parts),
        sum(part.intervals for part in parts),
        sum(part.missing for part in parts),
        sum(part.estimated for part in parts),
    )


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where knowledge ends: at the last reading, at the present, at the reader's sight."""

    last: datetime | None
    now: datetime
    visible: bool


def _entry(window: Window, start: datetime, end: datetime, known: Known | None, edges: _Edges, link: Link) -> Entry:
    when, label, minor = _words(window, start, end)
    blank = Entry(start, end, None, State.OUTSIDE, when, label, minor)
    if not edges.visible or (known is None and start >= edges.now):
        return blank
    if known is None or known.missing == known.intervals:
        unread = edges.last is None or end > edges.last
        return replace(blank, state=State.PENDING if unread else State.MISSING, missing=known.missing if known else 0)
    state = State.PARTIAL if known.missing else State.ESTIMATED if known.estimated else State.MEASURED
    if edges.last is not None and window.view is not View.DAY and start < edges.last < end:
        when = f"{when}, so far"
    return replace(
        blank,
        energy_wh=known.energy_wh,
        state=state,
        when=when,
        link=link(window.view, start, end),
        missing=known.missing,
        estimated=known.estimated,
        intervals=known.intervals,
    )


def _words(window: Window, start: datetime, end: datetime) -> tuple[str, str, bool]:
    """Name, label under the axis and whether the label gives way on narrow screens."""
    local = start.astimezone(window.zone)
    if window.view is View.DAY:
        return _interval_words(start, end, window.zone)
    if window.view is View.MONTH:
        return local.strftime("%A, %-d %B"), str(local.day), local.day % 7 != 1
    return local.strftime("%B %Y"), local.strftime("%b"), local.month % 2 == 0


def _interval_words(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[str, str, bool]:
    local = start.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    name = f" {local.tzname()}" if twice else ""
    when = f"{local:%H:%M}–{end.astimezone(zone):%H:%M}{name}"
    label = f"{local:%H:%M}" if local.minute == 0 and local.hour % 3 == 0 else ""
    return when, label, local.hour % 6 != 0
