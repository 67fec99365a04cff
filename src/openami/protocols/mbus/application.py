"""What a frame of the wired bus carries behind its CI field: data, alarms, errors, commands (EN 13757-3).

Facts from public descriptions, lists that follow EN 13757-3 and -7 of 2018, and frames of real meters; the standards'
texts were not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from openami.model.errors import DecodeError
from openami.protocols.mbus.fixed import FixedData, decode_fixed
from openami.protocols.mbus.records import Records, decode_records
from openami.protocols.mbus.selected_application import SelectedApplication, decode_selected
from openami.protocols.mbus.wireless.address import ADDRESS_SIZE, MeterAddress


class Content(Enum):
    """What there is."""

    RECORDS = "records"
    FIXED = "fixed data"
    COMPACT = "compact records"
    ERROR = "application error"
    ALARM = "alarm"
    DATA_SEND = "data for the meter"
    RESET = "application reset"
    SELECTION = "selection"
    APPLICATION_REQUEST = "request of the selected application"
    SELECTED_APPLICATION = "selected application"
    FORMAT = "format of records"
    TIME = "time"
    SYNCHRONISE = "synchronise action"
    BAUD_RATE = "baud rate"
    MANUFACTURER = "manufacturer data"
    SEALED = "encrypted records"


class HeaderSize(Enum):
    """How many bytes of header follow the CI field."""

    NONE = 0
    SHORT = 4
    LONG = ADDRESS_SIZE + 4


_NONE, _SHORT, _LONG = HeaderSize
CI_FIELDS: dict[int, tuple[Content, HeaderSize]] = {
    0x50: (Content.RESET, _NONE),
    0x51: (Content.DATA_SEND, _NONE),
    0x52: (Content.SELECTION, _NONE),
    0x53: (Content.RESET, _LONG),
    0x54: (Content.APPLICATION_REQUEST, _NONE),
    0x55: (Content.APPLICATION_REQUEST, _LONG),
    0x5A: (Content.DATA_SEND, _SHORT),
    0x5B: (Content.DATA_SEND, _LONG),
    0x5C: (Content.SYNCHRONISE, _NONE),
    0x66: (Content.SELECTED_APPLICATION, _NONE),
    0x67: (Content.SELECTED_APPLICATION, _SHORT),
    0x68: (Content.SELECTED_APPLICATION, _LONG),
    0x69: (Content.FORMAT, _NONE),
    0x6A: (Content.FORMAT, _SHORT),
    0x6B: (Content.FORMAT, _LONG),
    0x6C: (Content.TIME, _LONG),
    0x6D: (Content.TIME, _LONG),
    0x6E: (Content.ERROR, _SHORT),
    0x6F: (Content.ERROR, _LONG),
    0x70: (Content.ERROR, _NONE),
    0x71: (Content.ALARM, _NONE),
    0x72: (Content.RECORDS, _LONG),
    0x73: (Content.FIXED, _NONE),
    0x74: (Content.ALARM, _SHORT),
    0x75: (Content.ALARM, _LONG),
    0x78: (Content.RECORDS, _NONE),
    0x79: (Content.COMPACT, _NONE),
    0x7A: (Content.RECORDS, _SHORT),
    0x7B: (Content.COMPACT, _SHORT),
} | {0xB8 + n: (Content.BAUD_RATE, _NONE) for n in range(8)}
MANUFACTURER_CI = range(0xA0, 0xB8)
HIGH_BYTE_FIRST = (0x56, 0x76, 0x77)

BAUD_RATES = {0xB8 + n: 300 << n for n in range(8)}
"""The speed that a CI field asks for; B8 is 300, BF 38400 baud."""

APPLICATION_ERRORS = {
    0x00: "unspecified error",
    0x01: "unimplemented CI field",
    0x02: "buffer too long, truncated",
    0x03: "too many records",
    0x04: "premature end of record",
    0x05: "more than 10 DIFEs",
    0x06: "more than 10 VIFEs",
    0x08: "application too busy",
    0x09: "too many readouts",
    0x11: "no such function",
    0x12: "data error",
    0x13: "routing or relaying error",
    0x14: "access violation",
    0x15: "parameter error",
    0x16: "size error",
    0x20: "security error",
    0x21: "security mechanism not supported",
    0x22: "inadequate security method",
    0xF0: "error that a record tells",
}
ERROR_RECORD = b"\xf0"
"""This application error is followed by a record."""
OF_THE_MANUFACTURER = 0xF1
"""Application errors from here on are the manufacturer's."""
UNIMPLEMENTED_CI, PREMATURE_END, NO_FUNCTION, PARAMETER_ERROR = 0x01, 0x04, 0x11, 0x15
_MODES = frozenset((2, 3, 4, 5, 7, 8, 9, 10, 13))
"""Security modes that seal records; any other number in the old signature field says nothing."""
_FILLERS = b"\x2f\x2f"


@dataclass(frozen=True, slots=True)
class Application:
    """One frame's content. `data` is what follows the header; the other fields are set where `content` has them.

    `code` is the application error, the alarm bits or the speed in baud; `selected` what a reset or selection is for.
    """

    ci: int
    content: Content
    data: bytes
    address: MeterAddress | None = None
    access_number: int | None = None
    status: int = 0
    configuration: int = 0
    records: Records | None = None
    fixed: FixedData | None = None
    code: int | None = None
    selected: SelectedApplication | None = None

    @property
    def meaning(self) -> str:
        """`code` or `selected` in words, where there are any."""
        if self.selected is not None:
            return str(self.selected)
        if self.code is None:
            return ""
        if self.content is Content.ALARM:
            bits = ", ".join(str(bit) for bit in range(8) if self.code >> bit & 1)
            return f"alarm {'bits' if ',' in bits else 'bit'} {bits}, the manufacturer's" if bits else "no alarm"
        return _error_words(self.code) if self.content is Content.ERROR else ""


def decode_application(ci: int, data: bytes) -> Application:
    """Read what stands behind `ci`. Raises `DecodeError`; offsets count from the byte behind the CI field."""
    content, header = _known(ci)
    size = header.value
    if len(data) < size:
        raise DecodeError(f"a header of {size} bytes expected, {len(data)} left", len(data), ("header",))
    address = MeterAddress.from_transport(data[:ADDRESS_SIZE]) if header is _LONG else None
    access_number, status, configuration = None, 0, 0
    if size:
        access_number, status = data[size - 4], data[size - 3]
        configuration = int.from_bytes(data[size - 2 : size], "little")
    rest = data[size:]
    if content is Content.RECORDS and is_sealed(configuration, rest):
        content = Content.SEALED
    records = None
    if content is Content.RECORDS or content is Content.DATA_SEND:  # no set: hashing an enumeration's member is slow
        records = _records(rest, size)
    elif content is Content.ERROR and rest[:1] == ERROR_RECORD:
        records = _records(rest[1:], size + 1)
    fixed = decode_fixed(rest) if content is Content.FIXED else None
    code = BAUD_RATES.get(ci)
    if content is Content.ERROR or content is Content.ALARM:
        code = rest[0] if rest else None
    selecting = content is Content.RESET or content is Content.SELECTED_APPLICATION
    selected = decode_selected(rest) if selecting else None
    return Application(ci, content, rest, address, access_number, status, configuration, records, fixed, code, selected)


def is_sealed(configuration: int, payload: bytes) -> bool:
    """Whether records behind this configuration word are encrypted: those that were opened begin with two fillers."""
    mode = configuration >> 8 & 0x1F
    return mode in _MODES and payload[:2] != _FILLERS


def _known(ci: int) -> tuple[Content, HeaderSize]:
    if ci in HIGH_BYTE_FIRST:
        raise DecodeError(f"CI field {ci:02x}: high byte first (mode 2) is not read", 0, ("CI",))
    if ci in MANUFACTURER_CI:
        return Content.MANUFACTURER, _NONE
    known = CI_FIELDS.get(ci)
    if known is None:
        raise DecodeError(f"CI field {ci:02x} is not known", 0, ("CI",))
    return known


def _records(data: bytes, header: int) -> Records:
    try:
        return decode_records(data)
    except DecodeError as error:
        error.offset += header
        raise


def _error_words(code: int) -> str:
    known = APPLICATION_ERRORS.get(code)
    return known or f"application error {code:02x}{', of the manufacturer' if code >= OF_THE_MANUFACTURER else ''}"
