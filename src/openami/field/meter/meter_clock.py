"""The meter's own clock: it drifts, is set and shifted, and knows local time.

Times without a word are true UTC seconds; *meter time* is what this clock believes UTC to be.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from openami.field.meter.daylight_saving import DaylightSaving
from openami.protocols.dlms.cosem.packed_buffer import Stamp
from openami.protocols.dlms.date_time import ClockStatus, CosemDateTime

EPOCH = datetime(1970, 1, 1)
PPM = 1e-6
_NORMAL = ClockStatus(0)
CENTURY_START_S = 946_684_800
CENTURY_END_S = 4_102_444_800


class MeterClock:
    """Runs `1 + drift_ppm × 10⁻⁶` times as fast as true time, from `error_s` ahead of it at `start`.

    `time_zone` is the deviation of normal local time in minutes (UTC = local + deviation; CET is −60).
    """

    __slots__ = ("_meter", "_rate", "_true", "daylight_saving", "invalid", "time_zone")

    def __init__(
        self,
        start: float,
        *,
        drift_ppm: float = 0.0,
        error_s: float = 0.0,
        time_zone: int = 0,
        daylight_saving: DaylightSaving | None = None,
    ) -> None:
        self._true = start
        self._meter = start + error_s
        self._rate = 1 + drift_ppm * PPM
        self.time_zone = time_zone
        self.daylight_saving = daylight_saving
        self.invalid = False

    def reading(self, now: float) -> float:
        """Meter time at the true time `now`."""
        return self._meter + (now - self._true) * self._rate

    def true_time(self, meter_time: float) -> float:
        """When this clock shows `meter_time`, if nobody sets it before."""
        return self._true + (meter_time - self._meter) / self._rate

    def set(self, meter_time: float, now: float) -> None:
        """Show `meter_time` at the true time `now`; drift goes on from there."""
        self._true, self._meter = now, meter_time
        self.invalid = False

    def deviation(self, meter_time: float) -> int:
        """Minutes from local time to UTC at `meter_time`, daylight saving included."""
        return self.time_zone - self._saved(meter_time)

    def status(self, meter_time: float) -> ClockStatus:
        """The clock status at `meter_time`."""
        return self._status(self._saved(meter_time))

    def date_time(self, now: float) -> CosemDateTime:
        """What the clock shows at the true time `now`."""
        meter_time = self.reading(now)
        return CosemDateTime.from_utc(meter_time, self.deviation(meter_time), self.status(meter_time))

    def stamp(self, meter_second: int) -> Stamp:
        """The stamp of a row that is captured at `meter_second`."""
        saved = self._saved(meter_second)
        return Stamp(meter_second, self.time_zone - saved, int(self._status(saved)))

    def utc_seconds(self, stamp: CosemDateTime) -> float | None:
        """The meter time that `stamp` means; without a deviation it is local time here. `None` for wildcards."""
        at = stamp.to_utc()
        if at is not None:
            return at.timestamp()
        if stamp.deviation is not None:
            return None
        normal = _with_deviation(stamp, self.time_zone).to_utc()
        if normal is None:
            return None
        saved = self._saved(normal.timestamp() - 60 * self._saving_minutes)
        return normal.timestamp() - 60 * saved

    def local(self, meter_time: float) -> datetime:
        """Local time at `meter_time`, daylight saving included, as a wall shows it (naive)."""
        return EPOCH + timedelta(seconds=meter_time - 60 * self.deviation(meter_time))

    def second_of(self, local: datetime) -> float:
        """The meter time of a local time: of one that comes twice the first, of one that is skipped an hour later."""
        normal = (local - EPOCH).total_seconds() + 60 * self.time_zone
        return normal - 60 * self._saved(normal - 60 * self._saving_minutes)

    def fits(self, meter_time: float) -> bool:
        """Whether the clock can show this time: years 2000 to 2099."""
        return CENTURY_START_S <= meter_time < CENTURY_END_S

    @property
    def _saving_minutes(self) -> int:
        return self.daylight_saving.minutes if self.daylight_saving else 0

    def _status(self, saved: int) -> ClockStatus:
        saving = ClockStatus.DAYLIGHT_SAVING if saved else _NORMAL
        return saving | ClockStatus.INVALID if self.invalid else saving

    def _saved(self, meter_time: float) -> int:
        saving = self.daylight_saving
        if saving is None or not saving.applies(int(meter_time), self.time_zone):
            return 0
        return saving.minutes


@lru_cache(maxsize=1024)
def _with_deviation(stamp: CosemDateTime, deviation: int) -> CosemDateTime:
    return CosemDateTime.from_bytes(bytes(stamp)[:9] + deviation.to_bytes(2, "big", signed=True) + bytes(stamp)[11:])
