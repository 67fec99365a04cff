"""What limiter and register monitors share: a value that is looked at again and again, as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openami.model.errors import DecodeError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.cosem.register_monitor import ValueDefinition
from openami.protocols.dlms.data import Data, decode_data

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def number_of(data: Data) -> int:
    """The value of a threshold or of a watched attribute; raises `Refused` where it is no integer."""
    if not isinstance(data.value, int) or isinstance(data.value, bool):
        raise Refused(DataAccessResult.TYPE_UNMATCHED)
    return data.value


def watched_number(meter: ElectricityMeter, what: ValueDefinition) -> int | None:
    """What the watched attribute reads now; `None` where there is no such attribute or it is no integer."""
    try:
        item = meter.device.object(InterfaceClass, what.logical_name)
        if item.class_id != what.class_id:
            return None
        return number_of(decode_data(item.read(what.attribute_index, None, meter.now)))
    except (KeyError, Refused, DecodeError):
        return None


def check_watched(meter: ElectricityMeter, what: ValueDefinition) -> None:
    """Raise `Refused` unless the attribute can be watched."""
    if watched_number(meter, what) is None:
        raise Refused(DataAccessResult.OTHER_REASON)


def next_look(meter: ElectricityMeter, second: float) -> float:
    """When the values are looked at next: at multiples of the meter's watching period."""
    period = meter.config.watching_period_s
    return (second // period + 1) * period
