"""Which meters a text speaks of: the numbers that stand among its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity

IN_HEXADECIMAL: Final = (ObisCode(0, 0, 96, 1, 1), ObisCode(0, 0, 96, 1, 0), ObisCode(0, 0, 42, 0, 0))
"""Where P1 puts it, each character as two digits."""
AS_IT_IS: Final = (ObisCode(1, 0, 96, 1, 0), ObisCode(1, 0, 0, 0, 0), "0.0.0", "0.0")
"""Where read-outs put it."""
_DEVICE_TYPE: Final = (24, 1, 0)
_SUB_NUMBERS: Final = ((96, 1, 0), (96, 1, 1), (96, 1, 2))
_SUB_REGISTERS: Final = ((24, 2, 1), (24, 2, 3))
"""In published telegrams: 24.2.3 is Belgian gas that is not corrected for temperature."""


class SubMeter(NamedTuple):
    """A meter on the M-Bus of the one that tells it; `device_type` is M-Bus's."""

    number: str
    device_type: int
    register: Measurement


def sub_meters_of(values: Iterable[Measurement]) -> list[SubMeter]:
    """The sub-meters of a P1 telegram that tell number, type and register, by channel."""
    channels: dict[int, dict[tuple[int, int, int], Measurement]] = {}
    for value in values:
        if isinstance(value.name, ObisCode) and value.name.a == 0 and value.name.b:
            code = value.name
            channels.setdefault(code.b, {})[code.c, code.d, code.e] = value
    told = (_sub_meter(channel) for _, channel in sorted(channels.items()))
    return [one for one in told if one is not None]


def _sub_meter(channel: Mapping[tuple[int, int, int], Measurement]) -> SubMeter | None:
    number = next((one.value for code in _SUB_NUMBERS if (one := channel.get(code)) and one.value), None)
    register = next((one for code in _SUB_REGISTERS if (one := channel.get(code))), None)
    device = channel.get(_DEVICE_TYPE)
    if not isinstance(number, str) or register is None or device is None or not isinstance(device.value, Quantity):
        return None
    return SubMeter(_characters(number), device.value.mantissa, register)


def equipment_of(values: Iterable[Measurement]) -> str:
    """The meter's number, as people read it. Empty if there is none."""
    for value in values:
        if isinstance(value.value, str) and value.value:
            if value.name in IN_HEXADECIMAL:
                return _characters(value.value)
            if value.name in AS_IT_IS:
                return value.value
    return ""


def _characters(text: str) -> str:
    try:
        characters = bytes.fromhex(text).decode("ascii")
    except ValueError:
        return text
    return characters if characters.isalnum() else text
