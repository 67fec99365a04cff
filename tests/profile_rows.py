"""Load profiles in bytes, for the tests of the profile decoder and of what is built on it."""

from __future__ import annotations

from collections.abc import Iterable

from openami.protocols.dlms.data import (
    Data,
    array,
    double_long_unsigned,
    encode_data,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.date_time import CosemDateTime

START = 1_767_222_000  # 2025-12-31 23:00:00Z
PERIOD_S = 900


def row(number: int, deviation: int = -60) -> Data:
    """Clock, status, +A, −A: the usual quarter-hourly row, `number` quarters after START."""
    clock = octet_string(bytes(CosemDateTime.from_utc(START + PERIOD_S * number, deviation)))
    return structure(clock, unsigned(number % 3), double_long_unsigned(123_456 + number), double_long_unsigned(789))


def buffer(rows: Iterable[Data]) -> bytes:
    """The A-XDR bytes of an array of `rows`."""
    return encode_data(array(*rows))


def usual(rows: int) -> bytes:
    """A buffer of `rows` usual rows."""
    return buffer(row(number) for number in range(rows))
