"""Energy registers: what has flowed, counted by tariff, exact in Wh."""

from __future__ import annotations

from math import isqrt

from openami.field.meter.curve import LoadCurve

PERMILLE = 1000


class EnergyRegisters:
    """Counts the energy of `curve` while it flows. `tariff_wh[i]` is energy drawn in tariff i + 1."""

    __slots__ = ("_drawn_wh", "_fed_wh", "_reactive_permille", "export_wh", "tariff_wh")

    def __init__(self, curve: LoadCurve, at_s: float, import_wh: int, export_wh: int, power_factor: int) -> None:
        """Begin with the given totals at `at_s`; `power_factor` in permille."""
        self.tariff_wh = [import_wh, 0]
        self.export_wh = export_wh
        self._reactive_permille = isqrt(PERMILLE**2 - power_factor**2) * PERMILLE // power_factor
        self._drawn_wh, self._fed_wh = curve.import_wh(at_s), curve.export_wh(at_s)

    @property
    def import_wh(self) -> int:
        """Active energy drawn in all tariffs."""
        return self.tariff_wh[0] + self.tariff_wh[1]

    @property
    def reactive_varh(self) -> int:
        """Reactive energy in quadrant I, from the energy drawn at a constant power factor."""
        return self.import_wh * self._reactive_permille // PERMILLE

    def count(self, curve: LoadCurve, until_s: float, tariff: int) -> None:
        """Count what has flowed since the last call, in `tariff` (0 or 1)."""
        drawn_wh, fed_wh = curve.import_wh(until_s), curve.export_wh(until_s)
        self.tariff_wh[tariff] += drawn_wh - self._drawn_wh
        self.export_wh += fed_wh - self._fed_wh
        self._drawn_wh, self._fed_wh = drawn_wh, fed_wh

    def skip(self, curve: LoadCurve, until_s: float) -> None:
        """What the curve says since the last call has not flowed: the supply was interrupted."""
        self._drawn_wh, self._fed_wh = curve.import_wh(until_s), curve.export_wh(until_s)
