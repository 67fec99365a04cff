"""A synthetic photovoltaic plant: not measured anywhere, and labelled so wherever its values go.

The sun's elevation follows from latitude, longitude and time (declination by Cooper's formula, no equation of time:
up to a quarter of an hour off). Clouds are chance, but the same chance for the same seed, day and interval: any part
of a curve can be made again without the rest, on any machine.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from openami.field.meter.real_curves import DAY_S, Origin, Window
from openami.model.errors import SettingError

YEAR_DAYS = 365.2425
MODEL = "model of sun and chance clouds, measured nowhere"

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def synthetic_pv(
    seed: int,
    start_s: int,
    interval_s: int,
    intervals: int,
    *,
    peak_w: int = 4_000,
    latitude_deg: float = 52.0,
    longitude_deg: float = -1.0,
) -> Window:
    """What a plant of `peak_w` generates from `start_s` (UTC) on: whole Wh per interval of `interval_s`.

    `start_s` has to lie on the grid of `interval_s`, which has to divide a day. Same arguments, same values; a part
    made alone equals the same part of the whole.
    """
    if interval_s <= 0 or DAY_S % interval_s or start_s % interval_s:
        raise SettingError(f"a curve of {interval_s} s intervals from {start_s} does not lie on the grid of a day")
    slots = start_s // interval_s + np.arange(intervals, dtype=np.int64)
    middle_s: Floats = (slots * interval_s + interval_s / 2).astype(np.float64)
    clearness = _chance(seed, slots * interval_s // DAY_S, 0.15, 1.0)
    passing = _chance(seed + 1, slots, 0.75, 1.0)
    power_w = peak_w * 0.9 * _sine_of_elevation(middle_s, latitude_deg, longitude_deg) ** 1.15 * clearness * passing
    energy_wh = np.rint(power_w * interval_s / 3600).astype(np.int64)
    return Window(f"pv-{seed}", start_s, interval_s, energy_wh, Origin.SYNTHETIC, (f"{peak_w} W peak", MODEL))


def netted(load: Window, generation: Window) -> tuple[Window, Window]:
    """What a meter at the house's connection sees of both: import and export, never both in one interval.

    The two windows must have the same start, intervals and length. What comes out is synthetic: half of it is.
    """
    same = (load.start_s, load.interval_s, len(load.energy_wh))
    other = (generation.start_s, generation.interval_s, len(generation.energy_wh))
    if same != other:
        raise SettingError(
            f"{load.source} and {generation.source} differ in start, interval or length: {same}, {other}"
        )
    net_wh = load.energy_wh - generation.energy_wh
    changes = (*load.changes, f"less {generation.source} ({', '.join(generation.changes)})")
    seen = replace(load, origin=Origin.SYNTHETIC, changes=changes)
    return replace(seen, energy_wh=np.maximum(net_wh, 0)), replace(seen, energy_wh=np.maximum(-net_wh, 0))


def _sine_of_elevation(at_s: Floats, latitude_deg: float, longitude_deg: float) -> Floats:
    """Of the sun above the horizon, 0 at night."""
    day_of_year = at_s / DAY_S % YEAR_DAYS
    declination = np.radians(23.45) * np.sin(2 * np.pi * (day_of_year + 284) / YEAR_DAYS)
    hour_angle = 2 * np.pi * (at_s % DAY_S / DAY_S - 0.5) + np.radians(longitude_deg)
    latitude = np.radians(latitude_deg)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    above: Floats = np.maximum(sine, 0.0)
    return above


def _chance(seed: int, numbers: Numbers, low: float, high: float) -> Floats:
    """A number in [low, high) for each of `numbers`, evenly spread (splitmix64)."""
    mixed = numbers.astype(np.uint64) + np.uint64(seed * 0x9E37_79B9_7F4A_7C15 % (1 << 64))
    for shift, factor in ((30, 0xBF58_476D_1CE4_E5B9), (27, 0x94D0_49BB_1331_11EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    share: Floats = (mixed >> np.uint64(11)).astype(np.float64) / (1 << 53)
    return low + (high - low) * share
