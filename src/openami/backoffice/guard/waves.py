"""A new image goes to a few meters first, and on to more when a day has passed without trouble."""

from __future__ import annotations

from dataclasses import dataclass, field

from openami.backoffice.guard.limits import Limits


@dataclass(slots=True)
class Campaign:
    """One image on its way through the fleet.

    The activations of this wave may begin at `wave_begins`; the last of them may happen at `wave_ends`.
    """

    wave: int = 0
    wave_begins: float = 0.0
    wave_ends: float = 0.0
    meters: set[bytes] = field(default_factory=set)
    failed: set[bytes] = field(default_factory=set)

    def may_go_on(self, start: float, fleet: int, limits: Limits) -> bool:
        """Whether one more meter may be told at `start`."""
        if len(self.meters) < _cap(self.wave, fleet, limits):
            return start >= self.wave_begins
        return self.wave + 1 < len(limits.firmware_waves) and start >= self.wave_ends + limits.wave_s

    def add(self, meter: bytes, end: float, fleet: int, limits: Limits) -> None:
        """`meter` is told, by `end` at the latest."""
        if len(self.meters) >= _cap(self.wave, fleet, limits):
            self.wave += 1
            self.wave_begins = self.wave_ends + limits.wave_s
        self.meters.add(meter)
        self.wave_ends = max(self.wave_ends, end)

    def fails(self, limits: Limits) -> bool:
        """Whether too many of the meters that were told do not run the image."""
        return len(self.failed) * 1000 > len(self.meters) * limits.failures_permille


def _cap(wave: int, fleet: int, limits: Limits) -> int:
    return max(1, fleet * limits.firmware_waves[min(wave, len(limits.firmware_waves) - 1)] // 1000)
