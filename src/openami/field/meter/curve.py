"""What flows through a meter: cumulative energy as a function of time, exact in Wh."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from openami.field.meter.real_curves import Energies, Window
from openami.model.errors import SettingError

Small: TypeAlias = npt.NDArray[np.int32]
Intervals: TypeAlias = Sequence[int] | Energies
SMALL_MAX = 1 << 31
MILLISECONDS = 1000
WH_PER_W_S = 3600


class LoadCurve(Protocol):
    """Energy that has flowed since the curve's own beginning. Never decreases with time.

    `label` says whether the values are real, replayed or synthetic, and where they come from.
    """

    label: str

    def import_wh(self, at_s: float) -> int:
        """Energy drawn from the grid until `at_s` (UTC seconds since 1970), in Wh."""
        ...

    def export_wh(self, at_s: float) -> int:
        """Energy fed into the grid until `at_s`, in Wh."""
        ...

    def power_w(self, at_s: float) -> tuple[int, int]:
        """Active power drawn and fed at `at_s`, in W."""
        ...


class ArrayCurve:
    """Energy per interval from arrays; inside an interval it flows evenly, after the last interval it begins again.

    `import_wh[i]` (and `export_wh[i]`) Wh flow in the interval that starts `start_s + i × interval_s`. A curve may be
    shared by many meters.
    """

    __slots__ = ("_export", "_import", "interval_s", "label", "start_s")

    def __init__(
        self, start_s: int, interval_s: int, import_wh: Intervals, export_wh: Intervals = (), *, label: str
    ) -> None:
        if not len(import_wh) or interval_s <= 0:
            raise SettingError(f"load curve {label!r} has no intervals")
        if len(export_wh) not in {0, len(import_wh)}:
            raise SettingError(f"load curve {label!r}: {len(import_wh)} import and {len(export_wh)} export intervals")
        self.start_s = start_s
        self.interval_s = interval_s
        self.label = label
        self._import = _cumulative(import_wh, label)
        self._export = _cumulative(export_wh, label) if len(export_wh) else None

    @classmethod
    def replay(cls, window: Window, export: Window | None = None) -> ArrayCurve:
        """Replay a window of real (or otherwise labelled) values, and of another one as energy fed in."""
        if export is None:
            return cls(window.start_s, window.interval_s, window.energy_wh, label=window.label)
        if (export.start_s, export.interval_s) != (window.start_s, window.interval_s):
            raise SettingError(f"{window.label} and {export.label} do not have the same intervals")
        label = f"{window.label}; fed in: {export.label}"
        return cls(window.start_s, window.interval_s, window.energy_wh, export.energy_wh, label=label)

    def later(self, seconds: int, label: str) -> ArrayCurve:
        """The same values `seconds` later (earlier if negative) under a label that says so; shares the arrays."""
        other = copy(self)
        other.start_s += seconds
        other.label = label
        return other

    def import_wh(self, at_s: float) -> int:
        return self._energy(self._import, at_s)

    def export_wh(self, at_s: float) -> int:
        return 0 if self._export is None else self._energy(self._export, at_s)

    def power_w(self, at_s: float) -> tuple[int, int]:
        _, index, _ = self._place(at_s)
        drawn, fed = self._import, self._export
        w_per_wh = WH_PER_W_S / self.interval_s
        return (
            round(int(drawn[index + 1] - drawn[index]) * w_per_wh),
            0 if fed is None else round(int(fed[index + 1] - fed[index]) * w_per_wh),
        )

    def _energy(self, cumulative: Energies | Small, at_s: float) -> int:
        round_number, index, rest_ms = self._place(at_s)
        before, after = int(cumulative[index]), int(cumulative[index + 1])
        whole = round_number * int(cumulative[-1]) + before
        return whole + (after - before) * rest_ms // (self.interval_s * MILLISECONDS)

    def _place(self, at_s: float) -> tuple[int, int, int]:
        """How often the curve has begun again, the interval, and the milliseconds into it."""
        elapsed_ms = round((at_s - self.start_s) * MILLISECONDS)
        intervals, rest_ms = divmod(elapsed_ms, self.interval_s * MILLISECONDS)
        round_number, index = divmod(intervals, len(self._import) - 1)
        return round_number, index, rest_ms


class SteadyCurve:
    """Constant power, drawn and fed: synthetic, for laboratories that need to know what a meter must show."""

    __slots__ = ("fed_w", "import_w", "label")

    def __init__(self, import_w: int, export_w: int = 0) -> None:
        self.import_w = import_w
        self.fed_w = export_w
        self.label = f"synthetic: steady {import_w} W drawn, {export_w} W fed in"

    def import_wh(self, at_s: float) -> int:
        return self.import_w * round(at_s * MILLISECONDS) // (WH_PER_W_S * MILLISECONDS)

    def export_wh(self, at_s: float) -> int:
        return self.fed_w * round(at_s * MILLISECONDS) // (WH_PER_W_S * MILLISECONDS)

    def power_w(self, at_s: float) -> tuple[int, int]:  # noqa: ARG002
        return self.import_w, self.fed_w


def _cumulative(energy_wh: Intervals, label: str) -> Energies | Small:
    """What has flowed at the start of each interval and at the end; in half the memory where it fits."""
    energies = np.asarray(energy_wh, np.int64)
    if (energies < 0).any():
        raise SettingError(f"load curve {label!r} has a negative energy; drawn and fed energy are two curves")
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(energies)))
    return total.astype(np.int32) if total[-1] < SMALL_MAX else total
