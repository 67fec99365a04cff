"""Data: the self-describing values of COSEM, made, read and written (A-XDR)."""

from __future__ import annotations

from typing import Final

from openami.protocols.dlms.data_decoder import take_data
from openami.protocols.dlms.data_encoder import put_data
from openami.protocols.dlms.data_skip import skip_data
from openami.protocols.dlms.data_value import CompactArray, Data, DataType, TypeDescription
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime
from openami.protocols.wire.cursor import DEFAULT_LIMITS, Limits
from openami.protocols.wire.declared import Codec, decode_all

__all__ = [
    "DATA",
    "CompactArray",
    "Data",
    "DataType",
    "TypeDescription",
    "array",
    "bcd",
    "bit_string",
    "boolean",
    "date",
    "date_time",
    "decode_data",
    "dont_care",
    "double_long",
    "double_long_unsigned",
    "encode_data",
    "enum",
    "float32",
    "float64",
    "integer",
    "long",
    "long64",
    "long64_unsigned",
    "long_unsigned",
    "null",
    "octet_string",
    "skip_data",
    "structure",
    "time",
    "unsigned",
    "utf8_string",
    "visible_string",
]

DATA: Final[Codec[Data]] = Codec("data", take_data, put_data)


def decode_data(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Data:
    """The one value in `raw`; raise `DecodeError` if there is none or more."""
    return decode_all(DATA, raw, limits)


def encode_data(data: Data) -> bytes:
    """The octets of `data`; raise `LocalProtocolError` if a value does not fit its type."""
    out = bytearray()
    put_data(data, out)
    return bytes(out)


def null() -> Data:
    return Data(DataType.NULL_DATA, None)


def array(*items: Data) -> Data:
    return Data(DataType.ARRAY, items)


def structure(*items: Data) -> Data:
    return Data(DataType.STRUCTURE, items)


def boolean(value: bool) -> Data:
    return Data(DataType.BOOLEAN, value)


def bit_string(value: str) -> Data:
    return Data(DataType.BIT_STRING, value)


def double_long(value: int) -> Data:
    return Data(DataType.DOUBLE_LONG, value)


def double_long_unsigned(value: int) -> Data:
    return Data(DataType.DOUBLE_LONG_UNSIGNED, value)


def octet_string(value: bytes) -> Data:
    return Data(DataType.OCTET_STRING, value)


def visible_string(value: str) -> Data:
    return Data(DataType.VISIBLE_STRING, value)


def utf8_string(value: str) -> Data:
    return Data(DataType.UTF8_STRING, value)


def bcd(value: int) -> Data:
    return Data(DataType.BCD, value)


def integer(value: int) -> Data:
    return Data(DataType.INTEGER, value)


def long(value: int) -> Data:
    return Data(DataType.LONG, value)


def unsigned(value: int) -> Data:
    return Data(DataType.UNSIGNED, value)


def long_unsigned(value: int) -> Data:
    return Data(DataType.LONG_UNSIGNED, value)


def long64(value: int) -> Data:
    return Data(DataType.LONG64, value)


def long64_unsigned(value: int) -> Data:
    return Data(DataType.LONG64_UNSIGNED, value)


def enum(value: int) -> Data:
    return Data(DataType.ENUM, value)


def float32(value: float) -> Data:
    return Data(DataType.FLOAT32, value)


def float64(value: float) -> Data:
    return Data(DataType.FLOAT64, value)


def date_time(value: CosemDateTime) -> Data:
    return Data(DataType.DATE_TIME, value)


def date(value: CosemDate) -> Data:
    return Data(DataType.DATE, value)


def time(value: CosemTime) -> Data:
    return Data(DataType.TIME, value)


def dont_care() -> Data:
    return Data(DataType.DONT_CARE, None)
