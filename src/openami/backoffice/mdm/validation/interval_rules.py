"""Rules that look at intervals: their sign, their size, their neighbours, and what the meter itself says of them."""

from __future__ import annotations

import numpy as np

from openami.backoffice.mdm.status import CLOCK_INVALID, CRITICAL_ERROR, DATA_NOT_VALID
from openami.backoffice.mdm.validation.columns import Columns, Found, runs_of
from openami.backoffice.mdm.validation.rule import Catalogue, Parameters

INTERVALS = Catalogue()
HOUR_S = 3_600


@INTERVALS.rule(allowed=(0, "1 where the channel may run backwards"))
def negative(columns: Columns, given: Parameters) -> Found:
    """A value below 0 on a channel that cannot run backwards. (Oracle; Energinet E86)"""
    if given["allowed"]:
        return np.zeros(len(columns), dtype=np.bool_)
    return np.asarray(columns.energy < 0)


@INTERVALS.rule(power_max=(50_000, "mean power that the connection allows, in the channel's unit per hour (W for Wh)"))
def demand_limits(columns: Columns, given: Parameters) -> Found:
    """The interval's mean power is above what the connection can carry. (Itron)"""
    return np.asarray(np.abs(columns.energy) > given["power_max"] * columns.resolution_s // HOUR_S)


@INTERVALS.rule(
    percent=(2_000, "percent of the last valid interval that the change may reach"),
    floor_power=(5_000, "mean power below which no change is judged (W for Wh)"),
)
def consecutive_change(columns: Columns, given: Parameters) -> Found:
    """The value rose by more than a percentage of the interval before it, where that is there. (Itron)"""
    energy, found = columns.energy, np.zeros_like(columns.missing)
    floor = given["floor_power"] * columns.resolution_s // HOUR_S
    rows = np.flatnonzero(energy.max(axis=1) > floor)
    if len(rows):
        before, after = energy[rows, :-1], energy[rows, 1:]
        jump = (after > floor) & ((after - before) * 100 > np.abs(before) * given["percent"])
        found[rows, 1:] = jump & ~columns.missing[rows, :-1]
    return found


@INTERVALS.rule("status", mask=(CRITICAL_ERROR | CLOCK_INVALID | DATA_NOT_VALID, "status bits that condemn a value"))
def meter_flags(columns: Columns, given: Parameters) -> Found:
    """The meter itself says that the value cannot be trusted. (flags as in the Ontario IMO course; bits as in
    `mdm.status`)
    """
    return np.asarray((columns.column("status") & np.uint8(given["mask"])) != 0)


@INTERVALS.rule("outage")
def outage(columns: Columns, _: Parameters) -> Found:
    """There was no supply in the interval: a low value is explained, and a poor end point for interpolation.
    (Ontario IMO)
    """
    return columns.column("outage")


@INTERVALS.rule("loss")
def voltage_current_loss(columns: Columns, _: Parameters) -> Found:
    """Voltage or current of the instrument transformers was lost, or somebody tampered with them. (Ontario IMO)"""
    return columns.column("loss")


@INTERVALS.rule("dip")
def register_dip(columns: Columns, _: Parameters) -> Found:
    """The interval begins with one register that is below the registers before and after it: that register is wrong,
    and the rise from it is no energy. (ours, against the false spikes that users of open systems report)
    """
    return columns.column("dip")


@INTERVALS.rule("installed", threshold=(0, "energy that a disconnected meter may show"))
def inactive_usage(columns: Columns, given: Parameters) -> Found:
    """Energy where no meter is installed or its supply is disconnected. (Oracle; Energinet D16)"""
    return np.asarray(~columns.column("installed") & (columns.energy > given["threshold"]))


@INTERVALS.rule(
    percent=(400, "percent of the third-highest interval by which the highest may exceed it"),
    floor_power=(3_000, "mean power below which nothing is a spike (W for Wh)"),
)
def spike(columns: Columns, given: Parameters) -> Found:
    """The highest interval of the day exceeds the third-highest by more than a percentage of the third-highest.
    (Oracle D2-IntervalSpikeCheck; its denominator could not be verified: this one is our reading)
    """
    found = np.zeros_like(columns.missing)
    floor = given["floor_power"] * columns.resolution_s // HOUR_S
    rows = np.flatnonzero(columns.energy.max(axis=1) > floor)
    if len(rows) and columns.energy.shape[1] >= 3:
        energy = columns.energy[rows]
        third, highest = np.partition(energy, (-3, -1), axis=1)[:, [-3, -1]].T
        high = (highest - third) * 100 > np.maximum(third, 0) * given["percent"]
        found[rows[high]] = energy[high] == highest[high, None]
    return found


@INTERVALS.rule(intervals_h=(24, "hours in a row with no consumption"))
def zero_run(columns: Columns, given: Parameters) -> Found:
    """A run of zeros as long as the limit or longer, without an outage. (Oracle D2-CONSINTRV)"""
    zero = (columns.energy == 0) & ~columns.missing
    if columns.outage is not None:
        zero &= ~columns.outage
    return runs_of(zero, given["intervals_h"] * HOUR_S // columns.resolution_s)


@INTERVALS.rule(intervals=(6, "equal values in a row"), floor_power=(50, "mean power below which values repeat (W)"))
def stuck_run(columns: Columns, given: Parameters) -> Found:
    """The same value again and again, to the last digit, above the standby of a house: a counter or a link that hangs.
    (after Oracle D2-CONSINTRV)
    """
    energy = columns.energy
    floor = given["floor_power"] * columns.resolution_s // HOUR_S
    same = np.zeros_like(columns.missing)
    np.equal(energy[:, 1:], energy[:, :-1], out=same[:, 1:])
    same &= energy > floor
    stuck = runs_of(same, given["intervals"] - 1)
    stuck[:, :-1] |= stuck[:, 1:]
    return stuck


@INTERVALS.rule(intervals=(4, "intervals below 0 in a row"))
def negative_run(columns: Columns, given: Parameters) -> Found:
    """A run of negative values: crossed wires, or generation on a channel of consumption. (Oracle D2-CONSINTRV)"""
    return runs_of(columns.energy < 0, given["intervals"])


@INTERVALS.rule("outage", hours=(4, "hours in a row without supply"))
def outage_run(columns: Columns, given: Parameters) -> Found:
    """A run of intervals without supply. (Oracle D2-CONSINTRV)"""
    return runs_of(columns.column("outage"), given["hours"] * HOUR_S // columns.resolution_s)
