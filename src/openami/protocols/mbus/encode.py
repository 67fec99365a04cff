"""Records and telegrams as a meter writes them, with the lengths checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from openami.model.errors import LocalProtocolError
from openami.protocols.mbus.dif import (
    DATA_SIZE,
    MORE_RECORDS_FOLLOW,
    DataField,
    DataInformation,
    Function,
    encode_data_information,
)
from openami.protocols.mbus.meter_time import encode_date, encode_date_time
from openami.protocols.mbus.value import BCD, INTEGERS
from openami.protocols.mbus.wired.frame import DATA_MAX
from openami.protocols.mbus.wireless.address import MeterAddress

LONG_HEADER_CI = 0x72
DATE_VIF = b"\x6c"
DATE_TIME_VIF = b"\x6d"


def number_record(vif: bytes, number: int, information: DataInformation) -> bytes:
    """A whole number in the unit and scale of `vif`, as integer or BCD; raises `LocalProtocolError` if it is too long.

    `vif` are VIF and VIFEs with their extension bits.
    """
    field = information.data_field
    size = DATA_SIZE[field]
    if size is None or field not in INTEGERS | BCD:
        raise LocalProtocolError(f"{field.name} holds no whole number")
    data = _bcd(number, size) if field in BCD else _integer(number, size)
    return encode_data_information(information) + vif + data


def date_record(day: date, storage: int = 0) -> bytes:
    """A date (type G)."""
    return encode_data_information(DataInformation(DataField.INTEGER_16, storage=storage)) + DATE_VIF + encode_date(day)


def date_time_record(moment: datetime, storage: int = 0, *, summer_time: bool = False) -> bytes:
    """A date with hour and minute (type F)."""
    information = DataInformation(DataField.INTEGER_32, Function.INSTANTANEOUS, storage)
    return encode_data_information(information) + DATE_TIME_VIF + encode_date_time(moment, summer_time=summer_time)


def long_header(meter: MeterAddress, access_number: int, status: int = 0) -> bytes:
    """The twelve bytes behind CI 72, without encryption."""
    return meter.transport_order + bytes((access_number & 0xFF, status, 0, 0))


def telegrams(
    meter: MeterAddress, access_number: int, status: int, records: Sequence[bytes]
) -> list[tuple[int, bytes]]:
    """CI field and data of as many telegrams as the records need; all but the last say that more follow."""
    made: list[tuple[int, bytes]] = []
    data = long_header(meter, access_number, status)
    for record in records:
        if len(data) + len(record) + 1 > DATA_MAX:
            made.append((LONG_HEADER_CI, data + bytes((MORE_RECORDS_FOLLOW,))))
            data = long_header(meter, access_number + len(made), status)
        if len(data) + len(record) + 1 > DATA_MAX:
            raise LocalProtocolError(f"a record of {len(record)} bytes fits into no telegram")
        data += record
    return [*made, (LONG_HEADER_CI, data)]


def _integer(number: int, size: int) -> bytes:
    try:
        data = number.to_bytes(size, "little", signed=True)
    except OverflowError as error:
        raise LocalProtocolError(f"{number} does not fit into {size} bytes") from error
    return data


def _bcd(number: int, size: int) -> bytes:
    digits = f"{number:0{2 * size}d}" if number >= 0 else f"F{-number:0{2 * size - 1}d}"
    if len(digits) > 2 * size:
        raise LocalProtocolError(f"{number} does not fit into {2 * size} digits")
    return bytes.fromhex(digits)[::-1]
