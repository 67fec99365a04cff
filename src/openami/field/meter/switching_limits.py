"""The meter's own limits on remote switching: it keeps them whoever asks, and nobody can change them remotely.

They bind sealed commands. The limiter and prepayment switch by themselves and are not counted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from openami.field.meter.security_record import Records

DWELL_S: Final = 900
PER_DAY: Final = 4
DAY_S: Final = 86_400
DELAY_MAX_S: Final = 600
RECORD: Final = "switchings"
_TIME: Final = struct.Struct(">d")


class SwitchingLimits:
    """Times of switchings, done and planned, in seconds of the meter's running time, which no clock command moves.

    They are kept in `records`: whoever takes the meter's supply away does not give it another four switchings.
    """

    __slots__ = ("_planned", "_records")

    def __init__(self, records: Records) -> None:
        self._records = records
        self._planned: list[float] = [at for (at,) in _TIME.iter_unpack(records.load(RECORD) or b"")]

    def allow(self, at: float) -> bool:
        """Whether one more switching at `at` keeps the dwell and the number per day."""
        near = [abs(at - other) for other in self._planned]
        return min(near, default=DWELL_S) >= DWELL_S and self._most_in_a_day(at) < PER_DAY

    def plan(self, at: float) -> None:
        """A switching will be done at `at`, durably; what is more than a day older is forgotten."""
        planned = [*(other for other in self._planned if other > at - DAY_S), at]
        self._records.save(RECORD, b"".join(map(_TIME.pack, planned)))
        self._planned = planned

    def _most_in_a_day(self, at: float) -> int:
        """The most that are planned in any day that holds `at`."""
        starts = [other for other in self._planned if at - DAY_S < other <= at] or [at]
        return max(sum(start <= other < start + DAY_S for other in self._planned) for start in starts)


def random_delay_s(random: Callable[[int], bytes]) -> int:
    """0 to 600 s, evenly distributed as far as 32 random bits go."""
    return int.from_bytes(random(4), "big") % (DELAY_MAX_S + 1)
