"""The electricity meter as master of a wired M-Bus: it turns to its sub-meters one after the other."""

from __future__ import annotations

from datetime import UTC, datetime

from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.sub_meter import BusTask, Pending, SubMeter
from openami.io.clock import Clock
from openami.io.links.mbus import MbusMaster
from openami.model.errors import DecodeError, LinkTimeout
from openami.protocols.mbus.wired.procedures import (
    MbusRefusal,
    Procedure,
    read_alarms,
    refusal,
    send_records,
    set_clock,
    set_primary_address,
)


async def attend_sub_meters(meter: ElectricityMeter, bus: MbusMaster, clock: Clock) -> int:
    """Do what is pending at each sub-meter, read those that are due; how many were read.

    One that is silent or says nothing readable keeps its last value and its time; what it refuses is dropped.
    """
    read = 0
    for sub_meter in meter.sub_meters:
        try:
            await _do_pending(sub_meter, bus, clock)
            if sub_meter.due(clock.time()):
                await _read(meter, sub_meter, bus, clock)
                read += 1
        except (LinkTimeout, MbusRefusal, DecodeError):
            continue
    return read


async def _read(meter: ElectricityMeter, sub_meter: SubMeter, bus: MbusMaster, clock: Clock) -> None:
    applications = await bus.read(sub_meter.primary_address)
    now = clock.time()
    if sub_meter.take(applications, now):
        meter.sub_meter_objects[sub_meter.channel].captured(now)
    alarm = await bus.perform(read_alarms(sub_meter.primary_address))
    sub_meter.alarm |= 0 if alarm is None else alarm.code or 0


async def _do_pending(sub_meter: SubMeter, bus: MbusMaster, clock: Clock) -> None:
    """One after the other; one that nobody answers stays for the next time."""
    while sub_meter.pending:
        pending = sub_meter.pending[0]
        await bus.perform(_procedure(pending, clock))
        sub_meter.pending.popleft()
        if pending.task is not BusTask.SET_ADDRESS:
            refused = await bus.perform(refusal(pending.at))
            if pending.task is BusTask.TRANSFER_KEY and not refused:
                sub_meter.key_transferred()


def _procedure(pending: Pending, clock: Clock) -> Procedure[None]:
    if pending.task is BusTask.SET_ADDRESS:
        return set_primary_address(pending.at, pending.data[0])
    if pending.task is BusTask.SET_CLOCK:
        return set_clock(pending.at, datetime.fromtimestamp(clock.time(), UTC))
    return send_records(pending.at, pending.data)
