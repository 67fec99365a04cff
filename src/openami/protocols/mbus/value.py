"""The data of an M-Bus record as an exact value: one converter per kind of data, chosen once per layout."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.dif import DataField
from openami.protocols.mbus.meter_time import MeterTime, decode_time
from openami.protocols.mbus.vif import Kind, Offset

Value: TypeAlias = Quantity | MeterTime | str | bytes | None
"""`None`: no data, or data that the meter itself marks as not valid; the record keeps the bytes."""
Convert: TypeAlias = Callable[[bytes], Value]
Number: TypeAlias = Callable[[bytes], tuple[int, int] | None]
"""Bytes to mantissa and power of ten."""

INTEGERS = frozenset((
    DataField.INTEGER_8, DataField.INTEGER_16, DataField.INTEGER_24, DataField.INTEGER_32, DataField.INTEGER_48,
    DataField.INTEGER_64,
))  # fmt: skip
BCD = frozenset((DataField.BCD_2, DataField.BCD_4, DataField.BCD_6, DataField.BCD_8, DataField.BCD_12))
_IS_INTEGER, _IS_BCD = (tuple(field in kinds for field in DataField) for kinds in (INTEGERS, BCD))
"""By data field: asking a set is slower."""
_new = tuple.__new__
"""A named tuple's own constructor costs a call more."""
FLOAT_DIGITS = 9
"""So many decimal digits tell any two 32-bit floats apart."""


def converter(field: DataField, kind: Kind, unit: Unit, exponent: int, factor: int) -> Convert:
    """How to read the data of `field` under a VIF of `kind`."""
    if field is DataField.NO_DATA or field is DataField.SELECTION:
        return _nothing
    if kind is Kind.BYTES:
        return _octets
    if kind is Kind.TIME and _IS_INTEGER[field]:
        return _time
    if kind is Kind.IDENTIFICATION and _IS_BCD[field]:
        return _digits
    if kind is Kind.IDENTIFICATION and field is not DataField.REAL_32:
        return _whole_number_text
    return _scaled(field, kind, unit, exponent, factor)


def _scaled(field: DataField, kind: Kind, unit: Unit, exponent: int, factor: int) -> Convert:
    if _IS_BCD[field]:
        return _bcd_quantity(unit, exponent, factor)
    return _quantity(_number(field, kind), unit, exponent, factor)


def _number(field: DataField, kind: Kind) -> Number:
    if field is DataField.REAL_32:
        return real_number
    return _unsigned if kind is Kind.UNSIGNED else _signed


def shifted(value: Value, offset: Offset) -> Value:
    """`value` with `offset` added, exactly; what is no number stays as it is."""
    if not isinstance(value, Quantity):
        return value
    mantissa, scaler = added((value.mantissa, value.scaler), offset)
    return Quantity(mantissa, scaler, value.unit)


def added(one: Offset, other: Offset) -> Offset:
    """The sum of two numbers, each a mantissa and a power of ten."""
    scaler = min(one[1], other[1])
    return sum(mantissa * 10 ** (power - scaler) for mantissa, power in (one, other)), scaler


def convert_variable(length_field: int, raw: bytes, kind: Kind, unit: Unit, exponent: int, factor: int) -> Value:
    """The value of data of variable length, whose LVAR byte was `length_field`."""
    if length_field < 0xC0:
        return raw[::-1].decode("latin-1")
    if length_field < 0xE0:
        if kind is Kind.IDENTIFICATION:
            return _digits(raw)
        number = bcd_number(raw)
        sign = -1 if length_field >= 0xD0 else 1
        return None if number is None else Quantity(sign * number[0] * factor, exponent, unit)
    return raw


def variable_size(length_field: int) -> int | None:
    """How many bytes follow an LVAR byte; `None` for the reserved ones."""
    if length_field < 0xC0:
        return length_field
    if length_field < 0xF0:
        low = length_field & 0x0F
        return low if low <= 9 or length_field >= 0xE0 else None
    return {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}.get(length_field)


def bcd_number(raw: bytes) -> tuple[int, int] | None:
    """Little-endian BCD; the digit F in front is a minus; any other hexadecimal digit makes it invalid."""
    text = raw[::-1].hex()
    if text[:1] == "f":
        return (-int(text[1:]), 0) if text[1:].isdecimal() else None
    return (int(text), 0) if text.isdecimal() else None


def real_number(raw: bytes) -> tuple[int, int] | None:
    """A 32-bit float as the shortest decimal that no other 32-bit float is nearer to; `None` for no number."""
    (real,) = struct.unpack("<f", raw)
    if not math.isfinite(real):
        return None
    for digits in range(6, FLOAT_DIGITS + 1):
        text = f"{real:.{digits}g}"
        if digits == FLOAT_DIGITS or float(text) == real or _same_float(text, raw):
            break
    sign, mantissa, exponent = Decimal(text).normalize().as_tuple()
    number = int("".join(map(str, mantissa)))
    return (-number if sign else number), int(exponent)


def _same_float(text: str, raw: bytes) -> bool:
    try:
        return struct.pack("<f", float(text)) == raw
    except OverflowError:
        return False


def _signed(raw: bytes) -> tuple[int, int] | None:
    number = int.from_bytes(raw, "little", signed=True)
    return None if number == -(1 << 8 * len(raw) - 1) else (number, 0)


def _unsigned(raw: bytes) -> tuple[int, int]:
    return int.from_bytes(raw, "little"), 0


def _quantity(number: Number, unit: Unit, exponent: int, factor: int) -> Convert:
    def convert(raw: bytes) -> Quantity | None:
        read = number(raw)
        return None if read is None else _new(Quantity, (read[0] * factor, read[1] + exponent, unit))

    return convert


def _bcd_quantity(unit: Unit, exponent: int, factor: int) -> Convert:
    general = _quantity(bcd_number, unit, exponent, factor)

    def convert(raw: bytes) -> Value:
        text = raw[::-1].hex()
        return _new(Quantity, (int(text) * factor, exponent, unit)) if text.isdecimal() else general(raw)

    return convert


def _nothing(raw: bytes) -> None:  # noqa: ARG001
    return None


def _octets(raw: bytes) -> bytes:
    return raw


def _time(raw: bytes) -> Value:
    moment = decode_time(raw)
    return raw if moment is None else moment


def _digits(raw: bytes) -> str:
    return raw[::-1].hex().upper()


def _whole_number_text(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little"))
