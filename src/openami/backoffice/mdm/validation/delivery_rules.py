"""Rules about what was delivered: is it the right device, unit, size, sender, and in time?"""

from __future__ import annotations

import numpy as np

from openami.backoffice.mdm.validation.columns import Columns, Found
from openami.backoffice.mdm.validation.rule import Catalogue, Parameters

DELIVERY = Catalogue()
DAY_S = 86_400


@DELIVERY.rule()
def missing_interval(columns: Columns, _: Parameters) -> Found:
    """An interval that is expected has no value. UTC days have 86 400 / resolution intervals, on days of summer time
    as well. (MV-90 course of the Ontario IMO; Elhub 2.2; Energinet E87)
    """
    return columns.missing if columns.installed is None else columns.missing & columns.installed


@DELIVERY.rule("doubled")
def duplicate(columns: Columns, _: Parameters) -> Found:
    """One stamp came with two different values in one delivery. (Oracle; Energinet E87)"""
    return np.asarray(columns.column("doubled") > 0)


@DELIVERY.rule("size_s")
def interval_size(columns: Columns, _: Parameters) -> Found:
    """The intervals that arrived are not as long as the channel's. (Oracle; Energinet D23)"""
    return np.asarray(columns.column("size_s") != columns.resolution_s)


@DELIVERY.rule("unit", "registry_unit")
def unit(columns: Columns, _: Parameters) -> Found:
    """The unit that arrived is not the channel's. (Oracle; Energinet E73)"""
    return np.asarray(columns.column("unit") != columns.column("registry_unit"))


@DELIVERY.rule("multiplier", "registry_multiplier")
def multiplier(columns: Columns, _: Parameters) -> Found:
    """The multiplier that arrived is not the registry's. (Oracle; Ontario IMO)"""
    return np.asarray(columns.column("multiplier") != columns.column("registry_multiplier"))


@DELIVERY.rule("device", "registry_device")
def device_identity(columns: Columns, _: Parameters) -> Found:
    """The device that the data name is not the one that hangs at the point. (Ontario IMO)"""
    return np.asarray(columns.column("device") != columns.column("registry_device"))


@DELIVERY.rule("sender", "registry_sender")
def ownership(columns: Columns, _: Parameters) -> Found:
    """The sender does not answer for this metering point. (Energinet D50)"""
    return np.asarray(columns.column("sender") != columns.column("registry_sender"))


@DELIVERY.rule("sibling")
def sibling_channels(columns: Columns, _: Parameters) -> Found:
    """Another channel of the meter has the interval, this one has not. (Oracle)"""
    return np.asarray(columns.missing & columns.column("sibling"))


@DELIVERY.rule("clock_offset_s", tolerance_s=(60, "seconds that the meter's clock may be wrong"))
def clock_tolerance(columns: Columns, given: Parameters) -> Found:
    """The meter's clock is further from standard time than allowed. (Ontario IMO; California 3.1; the tolerance itself
    is our default: the sources' figures were not at hand)
    """
    return np.asarray(np.abs(columns.column("clock_offset_s")) > given["tolerance_s"])


@DELIVERY.rule("age_s", days=(1_096, "days after which data are refused"))
def age(columns: Columns, given: Parameters) -> Found:
    """The data are older than three years when they arrive. (Energinet E17)"""
    return np.asarray(columns.column("age_s") > given["days"] * DAY_S)


@DELIVERY.rule(integer_digits=(10, "digits that a value may have"))
def digits(columns: Columns, given: Parameters) -> Found:
    """A value has more digits than the market's messages carry. (Energinet E89: 10 before and 3 after the point)"""
    limit = 10 ** given["integer_digits"]
    return np.asarray((columns.energy >= limit) | (columns.energy <= -limit))


@DELIVERY.rule("current", "delivered", percent=(10, "percent of the delivered value that late data may change"))
def replacement_of_final(columns: Columns, given: Parameters) -> Found:
    """A value that was delivered already would change by more than a limit. (Oracle)"""
    before = columns.column("current")
    changed = (columns.energy != before) & columns.column("delivered") & ~columns.missing
    rows = np.flatnonzero(changed.any(axis=1))
    if len(rows):
        change = np.abs(columns.energy[rows] - before[rows]) * 100
        changed[rows] &= change > np.abs(before[rows]) * given["percent"]
    return np.asarray(changed)


@DELIVERY.rule("estimated_days", days=(5, "days in a row that may rest on estimates"))
def prolonged_estimation(columns: Columns, given: Parameters) -> Found:
    """Too many days in a row have not one good interval. (Oracle)"""
    return np.asarray(columns.column("estimated_days") > given["days"])
