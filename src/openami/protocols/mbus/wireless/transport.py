"""The transport layer: CI field, short, long or no header, status and configuration word.

Facts from public implementations, captured telegrams and makers' manuals; EN 13757-7's text was not at hand.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.mbus.wireless.address import ADDRESS_SIZE, MeterAddress


class Content(Enum):
    """What a transport layer carries."""

    RECORDS = "records"
    COMPACT = "compact records"
    FORMAT = "format of records"
    ALARM = "alarm"
    ERROR = "application error"
    COMMAND = "command"
    TIME = "time"
    NOTHING = "nothing"
    IMAGE = "image"
    MANUFACTURER = "manufacturer data"
    OTHER = "other"


class Header(Enum):
    """How much header follows the CI field."""

    NONE = "none"
    SHORT = "short"
    LONG = "long"


_N, _S, _L = Header
CONTENTS: dict[int, tuple[Content, Header]] = {
    0x50: (Content.COMMAND, _N),
    0x51: (Content.RECORDS, _N),
    0x52: (Content.COMMAND, _N),
    0x53: (Content.COMMAND, _L),
    0x54: (Content.COMMAND, _N),
    0x55: (Content.COMMAND, _L),
    0x5A: (Content.COMMAND, _S),
    0x5B: (Content.COMMAND, _L),
    0x5F: (Content.OTHER, _L),
    0x60: (Content.OTHER, _L),
    0x61: (Content.OTHER, _S),
    0x66: (Content.OTHER, _N),
    0x67: (Content.OTHER, _S),
    0x68: (Content.OTHER, _L),
    0x69: (Content.FORMAT, _N),
    0x6A: (Content.FORMAT, _S),
    0x6B: (Content.FORMAT, _L),
    0x6C: (Content.TIME, _L),
    0x6D: (Content.TIME, _L),
    0x6E: (Content.ERROR, _S),
    0x6F: (Content.ERROR, _L),
    0x70: (Content.ERROR, _N),
    0x71: (Content.ALARM, _N),
    0x72: (Content.RECORDS, _L),
    0x73: (Content.COMPACT, _L),
    0x74: (Content.ALARM, _S),
    0x75: (Content.ALARM, _L),
    0x78: (Content.RECORDS, _N),
    0x79: (Content.COMPACT, _N),
    0x7A: (Content.RECORDS, _S),
    0x7B: (Content.COMPACT, _S),
    0x7C: (Content.OTHER, _L),
    0x7D: (Content.OTHER, _S),
    0x80: (Content.NOTHING, _L),
    0x8A: (Content.NOTHING, _S),
    0x8B: (Content.NOTHING, _L),
    0xC0: (Content.IMAGE, _L),
    0xC1: (Content.IMAGE, _S),
    0xC2: (Content.IMAGE, _L),
}
MANUFACTURER_CI = range(0xA0, 0xB8)

_STATUS_APPLICATION = ("", "busy", "application error", "abnormal condition")
_STATUS_BITS = {0x04: "power low", 0x08: "permanent error", 0x10: "temporary error"}
_EXTENSION_SIZES = {7: 1, 8: 1, 9: 1, 10: 2, 13: 1}
"""Bytes of configuration field extension by security mode (7 and 10 from telegrams, the others by analogy)."""


def status_words(status: int) -> tuple[str, ...]:
    """The status byte's standard bits in words; the upper three bits are the manufacturer's."""
    words = [_STATUS_APPLICATION[status & 3]] if status & 3 else []
    words += [word for bit, word in _STATUS_BITS.items() if status & bit]
    if status & 0xE0:
        words.append(f"manufacturer bits {status >> 5:03b}")
    return tuple(words)


class Transport(NamedTuple):
    """The header; `start` and `stop` say where it stands, `address` is the meter's when the header is long."""

    ci: int
    content: Content
    start: int
    stop: int
    address: MeterAddress | None = None
    access_number: int | None = None
    status: int = 0
    configuration: int = 0
    extension: bytes = b""

    @property
    def mode(self) -> int:
        """The security mode that the configuration word names, which is not always the truth."""
        return self.configuration >> 8 & 0x1F

    @property
    def encrypted_blocks(self) -> int:
        """How many blocks of 16 bytes are encrypted (modes 5 and 7)."""
        return self.configuration >> 4 & 0x0F

    @property
    def header(self) -> Header:
        """How much header there is."""
        return CONTENTS.get(self.ci, (self.content, Header.NONE))[1]


def decode_transport(data: bytes, at: int) -> Transport:
    """Read the header whose CI field stands at `data[at]`; raise `DecodeError` for a CI field that is not known."""
    if at >= len(data):
        raise DecodeError("the frame ends before a CI field", at, ("transport",))
    ci = data[at]
    known = CONTENTS.get(ci)
    if known is None:
        if ci in MANUFACTURER_CI:
            return Transport(ci, Content.MANUFACTURER, at, at + 1)
        raise DecodeError(f"CI field {ci:02X} is not known", at, ("transport", "CI"))
    content, header = known
    if header is _N:
        return Transport(ci, content, at, at + 1)
    address = None
    position = at + 1
    if header is _L:
        if len(data) < position + ADDRESS_SIZE:
            raise DecodeError(f"a long header has 12 bytes, {len(data) - position} left", position, ("transport",))
        address = MeterAddress.from_transport(data[position : position + ADDRESS_SIZE])
        position += ADDRESS_SIZE
    stop = position + 4
    if len(data) < stop:
        raise DecodeError(f"a header of 4 bytes expected, {len(data) - position} left", position, ("transport",))
    configuration = data[position + 2] | data[position + 3] << 8
    size = _EXTENSION_SIZES.get(configuration >> 8 & 0x1F, 0)
    extension = data[stop : stop + size]
    return Transport(
        ci, content, at, stop + len(extension), address, data[position], data[position + 1], configuration, extension
    )


def encode_transport(transport: Transport) -> bytes:
    """The header's bytes, CI field first; `start` and `stop` do not matter."""
    header = transport.header
    if (transport.address is not None) != (header is Header.LONG):
        raise LocalProtocolError(f"CI field {transport.ci:02X} has a {header.value} header")
    out = bytes((transport.ci,))
    if header is Header.NONE:
        return out
    if transport.address is not None:
        out += transport.address.transport_order
    out += bytes((transport.access_number or 0, transport.status))
    return out + transport.configuration.to_bytes(2, "little") + transport.extension
