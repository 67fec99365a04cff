"""After healing: the meters against what flowed, and the store against the meters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openami.field.meter.electricity import ElectricityMeter
from openami.model.interval import utc
from openami.model.quality import Quality
from openami.protocols.dlms.profile import decode_profile
from openami.simulation.checkers import Checker
from openami.simulation.office import CHANNELS
from openami.simulation.world import World

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Captured:
    """A meter's load profile: stamps in UTC seconds, and both registers at each."""

    stamps: Integers
    registers: tuple[Integers, Integers]


@dataclass(slots=True)
class Audit:
    """What came of a run. Intervals are those of both channels that ended in the audited time."""

    energy: Checker
    readings: Checker
    captured: int = 0
    stored: int = 0
    aside: int = 0


def audit(world: World, until: float) -> Audit:
    """Compare everything that was captured up to `until` (UTC seconds)."""
    result = Audit(Checker("energy conserved"), Checker("no reading lost, doubled or invented"))
    now = world.clock.time()
    for number, meter in enumerate(world.meters):
        meter.advance(now)
        _flowed(world, number, result.energy)
        captured = captured_of(meter)
        _profiled(meter, captured, result.energy)
        for channel in (1, 2):
            _stored(world, number, channel, captured, until, result)
    return result


def captured_of(meter: ElectricityMeter) -> Captured:
    """The whole load profile, as a client would decode it."""
    rows = meter.load_profile
    decoded = decode_profile(rows.encode(range(len(rows)), range(4)))
    if not len(decoded):
        nothing = np.zeros(0, np.int64)
        return Captured(nothing, (nothing, nothing))
    return Captured(decoded.stamps, (decoded.columns[2].values, decoded.columns[3].values))


def _flowed(world: World, number: int, checker: Checker) -> None:
    """The registers hold what the curve says flowed while there was supply, to the Wh."""
    meter = world.meters[number]
    config, outages = meter.config, world.outages[number]
    until = meter.now
    for counted, initial, flow in (
        (meter.energy.import_wh, config.import_wh, meter.curve.import_wh),
        (meter.energy.export_wh, config.export_wh, meter.curve.export_wh),
    ):
        checker.checked += 1
        without = sum(flow(until if end == begin else end) - flow(begin) for begin, end in outages)
        expected = initial + flow(until) - flow(world.start_s) - without
        if counted != expected:
            checker.find(f"{config.serial}: the register shows {counted} Wh, {expected} Wh have flowed")


def _profiled(meter: ElectricityMeter, captured: Captured, checker: Checker) -> None:
    """The profile shows each register on its way from where it began to where it stands now, never back."""
    config, energy = meter.config, meter.energy
    for rows, first, last in zip(
        captured.registers, (config.import_wh, config.export_wh), (energy.import_wh, energy.export_wh), strict=True
    ):
        checker.checked += 1
        way = np.concatenate(([first], rows, [last]))
        if (np.diff(way) < 0).any():
            checker.find(f"{config.serial}: the profile's register runs back between {first} and {last} Wh")


def _stored(world: World, number: int, channel: int, captured: Captured, until: float, result: Audit) -> None:
    """Each interval of the store is the difference of two rows of the profile, and none is missing."""
    meter = world.meters[number]
    serial, period_s = meter.config.serial, meter.config.capture_period_s
    point = world.installation.office.points[meter.config.system_title]
    start = int(world.start_s) - period_s
    series = world.installation.office.mdm.series(point, channel, utc(start), utc(int(until)))
    there = series.quality != Quality.MISSING
    stored = dict(zip(series.stamps[there].tolist(), series.values[there].tolist(), strict=True))
    register = dict(zip(captured.stamps.tolist(), captured.registers[channel - 1].tolist(), strict=True))
    for stamp, value in stored.items():
        result.readings.checked += 1
        if stamp not in register:
            result.readings.find(f"{serial} {CHANNELS[channel - 1]}: {stamp} is in the store, the meter never had it")
        elif value != register[stamp] - register.get(stamp - period_s, register[stamp] - value):
            result.readings.find(f"{serial} {CHANNELS[channel - 1]}: {stamp} says {value} Wh, the meter does not")
    if number in world.set_back:
        result.aside += 1
        return
    wanted = [
        stamp for stamp in register if start < stamp - period_s and stamp <= until and stamp - period_s in register
    ]
    missing = [stamp for stamp in wanted if stamp not in stored]
    result.captured += len(wanted)
    result.stored += len(wanted) - len(missing)
    if missing:
        code = CHANNELS[channel - 1]
        result.readings.find(f"{serial} {code}: {len(missing)} of {len(wanted)} intervals lost, first {missing[0]}")
