"""The load profile as the port of IEC 62056-21 tells it: P.01, energies of each period in kWh."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from typing import NamedTuple

from openami.field.meter.electricity import ElectricityMeter
from openami.protocols.iec62056_21.load_profile import moment_of

NAME = "P.01"
ROWS_MAX = 31 * 96
"""Periods in one answer, the oldest first: what is behind them is asked for anew."""
CHANNELS = "(1.29.0)(kWh)(2.29.0)(kWh)"


class Period(NamedTuple):
    """What was drawn and fed in during the period that ended at `second`."""

    second: int
    status: int
    import_wh: int
    export_wh: int


def load_profile(meter: ElectricityMeter, wanted: str, winter_s: int) -> str | None:
    """The answer to a read of `wanted`, `begin;end` as the meter writes times; None for what is no time."""
    begin, _, end = wanted.partition(";")
    low, high = moment_of(begin, winter_s), moment_of(end, winter_s)
    if (begin and low is None) or (end and high is None):
        return None
    first, last = low.timestamp() if low else 0, high.timestamp() if high else inf
    found = [one for one in _periods(meter) if first <= one.second <= last][:ROWS_MAX]
    lines: list[str] = []
    for before, one in pairwise([None, *found]):
        assert one is not None
        if before is None or before.second + meter.capture_period_s != one.second or before.status != one.status:
            lines.append(_head(one, meter.capture_period_s, winter_s))
        lines.append(f"({_kwh(one.import_wh)})({_kwh(one.export_wh)})")
    return "".join(f"{line}\r\n" for line in lines)


def _periods(meter: ElectricityMeter) -> list[Period]:
    """The periods of which both ends were captured."""
    rows = meter.load_profile.records()[["second", "c1", "c2", "c3"]].tolist()
    return [
        Period(second, status, drawn - drawn_before, fed - fed_before)
        for (before, _, drawn_before, fed_before), (second, status, drawn, fed) in pairwise(rows)
        if second - before == meter.capture_period_s
    ]


def _head(one: Period, period_s: int, winter_s: int) -> str:
    local = datetime.fromtimestamp(one.second + winter_s, UTC)
    return f"{NAME}(0{local:%y%m%d%H%M%S})({one.status:02X})({period_s // 60})(2){CHANNELS}"


def _kwh(watt_hours: int) -> str:
    return f"{watt_hours // 1000}.{watt_hours % 1000:03d}"
