"""Days, months and years as people live them: in the zone of the metering point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

EARLIEST = date(1970, 1, 2)
LATEST = date(9000, 1, 1)


class View(StrEnum):
    """What one chart shows."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Window:
    """A day, month or year of the calendar of `zone`. `first` is its first date."""

    view: View
    first: date
    zone: ZoneInfo

    @classmethod
    def holding(cls, view: View, day: date, zone: ZoneInfo) -> Window:
        """The window of kind `view` that holds `day`; days outside 1970–9000 are moved to the border."""
        day = min(max(day, EARLIEST), LATEST)
        first = {View.DAY: day, View.MONTH: day.replace(day=1), View.YEAR: day.replace(month=1, day=1)}[view]
        return cls(view, first, zone)

    @property
    def next(self) -> Window:
        """The window right after this one."""
        return Window.holding(self.view, self._after, self.zone)

    @property
    def previous(self) -> Window:
        """The window right before this one."""
        return Window.holding(self.view, self.first - timedelta(days=1), self.zone)

    def zoomed(self, view: View) -> Window:
        """The window of another kind that holds this one's first day."""
        return Window.holding(view, self.first, self.zone)

    @property
    def _after(self) -> date:
        if self.view is View.DAY:
            return self.first + timedelta(days=1)
        if self.view is View.MONTH:
            return (self.first + timedelta(days=31)).replace(day=1)
        return self.first.replace(year=self.first.year + 1)

    @property
    def start(self) -> datetime:
        """When it begins, UTC."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """When the next one begins, UTC. A day has 23 or 25 hours when the clocks change."""
        return midnight(self._after, self.zone)

    @property
    def title(self) -> str:
        """The window in words, for headings."""
        form = {View.DAY: "%A, %-d %B %Y", View.MONTH: "%B %Y", View.YEAR: "%Y"}[self.view]
        return self.first.strftime(form)

    @property
    def hours(self) -> int:
        """How many hours the window has."""
        return round((self.end - self.start).total_seconds() / 3600)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which `day` begins in `zone`."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def today(now: float, zone: ZoneInfo) -> date:
    """The date in `zone` at `now` (UTC seconds)."""
    return datetime.fromtimestamp(now, zone).date()
