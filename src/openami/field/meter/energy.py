"""Energy registers: what has flowed, counted by tariff, exact in Wh."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from openami.field.meter.curve import LoadCurve

PERMILLE = 1000


class EnergyRegisters:
    """Counts what flows by `curve`: `import_wh` is all that was drawn, `tariff_wh[i]` that of tariff i + 1."""

    __slots__ = ("_drawn_wh", "_fed_wh", "_reactive_permille", "export_wh", "import_wh", "tariff_wh")

    def __init__(self, curve: LoadCurve, at_s: float, import_wh: int, export_wh: int, power_factor: int) -> None:
        """Begin with the given totals at `at_s`; `power_factor` in permille."""
        self.import_wh = import_wh
        self.tariff_wh = [import_wh, 0]
        self.export_wh = export_wh
        self._reactive_permille = isqrt(PERMILLE**2 - power_factor**2) * PERMILLE // power_factor
        self._drawn_wh, self._fed_wh = curve.import_wh(at_s), curve.export_wh(at_s)

    @property
    def reactive_varh(self) -> int:
        """Reactive energy in quadrant I, from the energy drawn at a constant power factor."""
        return self.import_wh * self._reactive_permille // PERMILLE

    def count(self, curve: LoadCurve, until_s: float, tariffs: Sequence[int]) -> None:
        """Count what has flowed since the last call, in the registers `tariffs` (from 0) and in the total."""
        drawn_wh, fed_wh = curve.import_wh(until_s), curve.export_wh(until_s)
        drawn_now_wh = drawn_wh - self._drawn_wh
        self.import_wh += drawn_now_wh
        for tariff in tariffs:
            self.tariff_wh[tariff] += drawn_now_wh
        self.export_wh += fed_wh - self._fed_wh
        self._drawn_wh, self._fed_wh = drawn_wh, fed_wh

    def skip(self, curve: LoadCurve, until_s: float) -> None:
        """What the curve says since the last call has not flowed: the supply was interrupted."""
        self._drawn_wh, self._fed_wh = curve.import_wh(until_s), curve.export_wh(until_s)
