"""What a command on the air may set in a meter, once who says it has proved who he is: its clock, and its valve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from openami.field.meter.pipe_meter import FIRST_YEAR, LAST_YEAR, VALVE_VIF, PipeKind, PipeMeter
from openami.model.quantity import Quantity
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.records import Record, decode_records

VALVES = (PipeKind.WATER, PipeKind.WARM_WATER, PipeKind.GAS)


def apply_settings(meter: PipeMeter, content: bytes, now: float) -> bool:
    """Do what all records say, or nothing; whether it was done. Raises `DecodeError` for what are no records."""
    settings = [_setting(meter, record, now) for record in decode_records(content)]
    for setting in settings:
        if setting is None:
            return False
    for setting in settings:
        if setting is not None:
            setting()
    return bool(settings)


def _setting(meter: PipeMeter, record: Record, now: float) -> Callable[[], None] | None:
    """What a record asks for; None if the meter does not do that."""
    value = record.value
    if record.function is not Function.INSTANTANEOUS or record.storage or record.tariff or record.subunit:
        return None
    if isinstance(value, MeterTime):
        shown = isinstance(value.moment, datetime) and FIRST_YEAR <= value.moment.year < LAST_YEAR
        return partial(_set_clock, meter, value, now) if shown else None
    if record.layout.header[1:] != VALVE_VIF or not isinstance(value, Quantity) or meter.config.kind not in VALVES:
        return None
    ways = {0: meter.flow.close, 1: meter.flow.open}
    way = ways.get(int(value.value))
    return None if way is None else partial(way, now)


def _set_clock(meter: PipeMeter, told: MeterTime, now: float) -> None:
    assert isinstance(told.moment, datetime)
    meter.clock_offset_s = told.moment.replace(tzinfo=UTC).timestamp() - now
