"""A valve in a pipe: what flows is what would have flowed while it was open."""

from __future__ import annotations

from openami.field.meter.daily_flow import DailyFlow

CLOSURES_MAX = 100


class ValvedFlow:
    """`flow` behind a valve, which is open at first. Of closures the last hundred are known moment by moment."""

    def __init__(self, flow: DailyFlow) -> None:
        self.label = flow.label
        self._flow = flow
        self._closures: list[tuple[float, float | None]] = []
        self._forgotten_ml = 0

    @property
    def closed(self) -> bool:
        """Whether nothing flows now."""
        return bool(self._closures) and self._closures[-1][1] is None

    def close(self, at_s: float) -> None:
        """Let nothing flow from now on."""
        if self.closed:
            return
        self._closures.append((at_s, None))
        if len(self._closures) > CLOSURES_MAX:
            start, end = self._closures.pop(0)
            self._forgotten_ml += self._held_ml(start, end, at_s)

    def open(self, at_s: float) -> None:
        """Let it flow again."""
        if self.closed:
            self._closures[-1] = self._closures[-1][0], at_s

    def volume_ml(self, at_s: float) -> int:
        """What has flowed since the start."""
        held = sum(self._held_ml(start, end, at_s) for start, end in self._closures if start < at_s)
        return max(0, self._flow.volume_ml(at_s) - held - self._forgotten_ml)

    def flow_ml_per_h(self, at_s: float) -> int:
        """What flows at `at_s`."""
        shut = any(start <= at_s and (end is None or at_s < end) for start, end in self._closures)
        return 0 if shut else self._flow.flow_ml_per_h(at_s)

    def _held_ml(self, start: float, end: float | None, at_s: float) -> int:
        """What a closure had held back by `at_s`."""
        return self._flow.volume_ml(at_s if end is None else min(end, at_s)) - self._flow.volume_ml(start)
