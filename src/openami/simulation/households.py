"""The meters of a district: real objects, each with a replayed household and, where one has it, plant and heat pump."""

from __future__ import annotations

import numpy as np

from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.real_curves import DAY_S, WEEK_S, Origin, Window, replayed
from openami.field.meter.synthetic_pv import netted, synthetic_pv
from openami.protocols.dlms.counters import Counters
from openami.protocols.dlms.security import SecurityKeys
from openami.simulation.deliveries import WatchedMeter
from openami.simulation.district import District, House
from openami.simulation.streams import Streams, mixed

HEATING_SHARE = (55, 55, 55, 60, 65, 75, 80, 70, 60, 50, 45, 40, 40, 40, 45, 50, 60, 65, 65, 60, 60, 55, 55, 55)
"""Percent of its power that a heat pump draws in each hour (UTC) of a cold day: assumed, measured nowhere."""


def make_meter(
    district: District, number: int, streams: Streams, start: float, days: float, counters: Counters
) -> WatchedMeter:
    """The meter of the house `number`. Its keys and its clock's drift follow from its name."""
    house, reading = district.houses[number], district.reading
    chance = streams.random(f"meter/{house.name}")
    random = streams.bytes(f"keys/{house.name}")
    config = MeterConfig(
        serial=house.name,
        system_title=b"OAM" + (number + 1).to_bytes(5, "big"),
        keys=SecurityKeys(random(16), random(16)),
        capture_period_s=reading.capture_period_s,
        profile_entries=max(96, round((days + 2) * DAY_S / max(60, reading.capture_period_s))),
        drift_ppm=float(chance.randint(-reading.drift_ppm_max, reading.drift_ppm_max)),
        import_wh=chance.randint(100_000, 9_000_000),
        phases=1 if house.phase else 3,
        push_rows=reading.push_rows,
        push_spread_s=reading.push_spread_s,
        push_retries=reading.push_retries,
        push_repetition_s=reading.push_repetition_s,
    )
    curve = _curve(house, int(start), reading.capture_period_s, days)
    return WatchedMeter(config, curve, start, counters, streams.bytes(f"delays/{house.name}"))


def _curve(house: House, start: int, interval_s: int, days: float) -> ArrayCurve:
    load = _cut(house, start, days).split(min(interval_s, 1800))
    if house.heat_pump_w:
        load = _heated(load, house)
    if not house.pv_w:
        return ArrayCurve.replay(load)
    plant = synthetic_pv(house.weeks_back, load.start_s, load.interval_s, len(load.energy_wh), peak_w=house.pv_w)
    return ArrayCurve.replay(*netted(load, plant))


def _cut(house: House, start: int, days: float) -> Window:
    """The days that are needed, so that a thousand meters do not keep a thousand years; all of it if they cross its
    end.
    """
    window = replayed(house.load, start, weeks_back=house.weeks_back)
    weeks = len(window.energy_wh) * window.interval_s // WEEK_S
    window = window.moved((start - window.start_s) // (weeks * WEEK_S) * weeks)
    first = start - start % DAY_S
    last = first + (int(days) + 2) * DAY_S
    return window.cut(first, last) if last <= window.end_s else window


def _heated(load: Window, house: House) -> Window:
    """With a heat pump: its share of the hour, 30 percent more or less by chance of the interval."""
    starts = load.start_s + load.interval_s * np.arange(len(load.energy_wh), dtype=np.int64)
    share = np.array(HEATING_SHARE, dtype=np.int64)[starts // 3600 % 24]
    chance = np.array([mixed(house.weeks_back * 1_000_003 + int(at)) % 61 + 70 for at in starts], dtype=np.int64)
    more = house.heat_pump_w * share * chance * load.interval_s // (3600 * 10_000)
    changes = (*load.changes, f"with a heat pump of {house.heat_pump_w} W by assumed hours")
    return Window(load.source, load.start_s, load.interval_s, load.energy_wh + more, Origin.SYNTHETIC, changes)
