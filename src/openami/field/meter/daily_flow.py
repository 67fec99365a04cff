"""What flows through a pipe: the same day again and again, exact in millilitres. Synthetic, and labelled so."""

from __future__ import annotations

from collections.abc import Sequence

from openami.model.errors import SettingError

HOUR_MS = 3_600_000
HOURS = 24
HOUSEHOLD_ML = (
    2_000, 1_000, 0, 0, 1_000, 9_000, 34_000, 41_000, 22_000, 12_000, 9_000, 11_000,
    14_000, 9_000, 7_000, 8_000, 12_000, 20_000, 27_000, 24_000, 18_000, 14_000, 9_000, 4_000,
)  # fmt: skip
"""A household's water by hour of the day (UTC): made up, in the proportions that people know from themselves."""


class DailyFlow:
    """`hourly_ml` flow in each hour of every day, evenly within the hour, since `start_s` (UTC seconds since 1970)."""

    def __init__(self, start_s: int, hourly_ml: Sequence[int] = HOUSEHOLD_ML) -> None:
        if len(hourly_ml) != HOURS or min(hourly_ml) < 0:
            raise SettingError("a daily flow has 24 hours of at least 0 ml")
        self.label = f"synthetic: {sum(hourly_ml) / 1000:g} l every day in the same hours"
        self._hourly = tuple(hourly_ml)
        self._before = tuple(sum(self._hourly[:hour]) for hour in range(HOURS))
        self._day = sum(self._hourly)
        self._start_ml = self._since_1970(start_s)

    def volume_ml(self, at_s: float) -> int:
        """What has flowed since the start; before it nothing has."""
        return max(0, self._since_1970(at_s) - self._start_ml)

    def flow_ml_per_h(self, at_s: float) -> int:
        """What flows at `at_s`."""
        return self._hourly[int(at_s // 3600) % HOURS]

    def _since_1970(self, at_s: float) -> int:
        hours, rest_ms = divmod(round(at_s * 1000), HOUR_MS)
        days, hour = divmod(hours, HOURS)
        return days * self._day + self._before[hour] + self._hourly[hour] * rest_ms // HOUR_MS
