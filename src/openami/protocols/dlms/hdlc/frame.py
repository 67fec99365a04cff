"""HDLC frames of format type 3: flag, format with length, addresses, control, HCS, information, FCS, flag.

The layout and the control bytes are from published frames. The HCS stands only where there is information; it
and the FCS are CRC-16/X-25, low byte first.
"""

from __future__ import annotations

import binascii
from enum import Enum
from typing import NamedTuple

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError
from openami.protocols.dlms.hdlc.address import HdlcAddress, address_size, decode_address
from openami.protocols.wire.crc import MIRRORED, X25_GOOD, crc16_x25

FLAG = 0x7E
FORMAT_TYPE = 0xA0
LENGTH_MIN = 7
LENGTH_MAX = 0x7FF
_SEGMENTED = 0x08
_FINAL = 0x10
_REMEMBERED = 4096
_WHERE = ("HdlcFrame",)


class FrameKind(Enum):
    """What a frame is for. `UNKNOWN` is a control byte that means nothing in normal response mode."""

    I = "I"  # noqa: E741 - the standard's name
    RR = "RR"
    RNR = "RNR"
    SNRM = "SNRM"
    UA = "UA"
    DISC = "DISC"
    DM = "DM"
    UI = "UI"
    FRMR = "FRMR"
    UNKNOWN = "unknown"


class Frame(NamedTuple):
    """`final` is the P/F bit. The sequence numbers are 0 to 7, and 0 in kinds that have none."""

    destination: HdlcAddress
    source: HdlcAddress
    kind: FrameKind
    final: bool = True
    segmented: bool = False
    send_sequence: int = 0
    receive_sequence: int = 0
    information: bytes = b""
    control: int = 0
    """The control byte as it came; given for encoding only with `FrameKind.UNKNOWN`."""


_UNNUMBERED = {
    0x83: FrameKind.SNRM,
    0x63: FrameKind.UA,
    0x43: FrameKind.DISC,
    0x0F: FrameKind.DM,
    0x03: FrameKind.UI,
    0x87: FrameKind.FRMR,
}
_CONTROL_OF = {kind: control for control, kind in _UNNUMBERED.items()} | {
    FrameKind.I: 0x00,
    FrameKind.RR: 0x01,
    FrameKind.RNR: 0x05,
}


def _meaning(control: int) -> tuple[FrameKind, bool, int, int]:
    final = bool(control & _FINAL)
    if not control & 1:
        return FrameKind.I, final, control >> 1 & 7, control >> 5
    if control & 0x0F in {0x01, 0x05}:
        return (FrameKind.RR if control & 0x0F == 0x01 else FrameKind.RNR), final, 0, control >> 5
    return _UNNUMBERED.get(control & ~_FINAL, FrameKind.UNKNOWN), final, 0, 0


MEANINGS = tuple(_meaning(control) for control in range(256))
"""Kind, P/F bit, send and receive sequence number of every control byte."""


def control_byte(frame: Frame) -> int:
    """The control byte of `frame`."""
    if frame.kind is FrameKind.UNKNOWN:
        return frame.control
    control = _CONTROL_OF[frame.kind] | (_FINAL if frame.final else 0)
    if frame.kind is FrameKind.I:
        control |= frame.send_sequence << 1
    if frame.kind in {FrameKind.I, FrameKind.RR, FrameKind.RNR}:
        control |= frame.receive_sequence << 5
    return control


def encode_frame(frame: Frame) -> bytes:
    """The bytes of `frame`, flags included; raise `LocalProtocolError` if it is too long."""
    addresses = bytes(frame.destination) + bytes(frame.source)
    information = frame.information
    length = 2 + len(addresses) + 1 + (len(information) + 2 if information else 0) + 2
    if length > LENGTH_MAX:
        raise LocalProtocolError(f"{len(information)} bytes of information do not fit one HDLC frame")
    first = FORMAT_TYPE | (_SEGMENTED if frame.segmented else 0) | length >> 8
    body = bytes((first, length & 0xFF)) + addresses + bytes((control_byte(frame),))
    if information:
        body += crc16_x25(body).to_bytes(2, "little") + information
    return b"\x7e" + body + crc16_x25(body).to_bytes(2, "little") + b"\x7e"


def header_size(data: bytes, start: int, stop: int) -> int:
    """Bytes from the format field at `start` to the control byte, both included; 0 if there is no such header.

    Looks at no byte behind `stop`.
    """
    to = address_size(data, start + 2, stop)
    by = address_size(data, start + 2 + to, stop) if to else 0
    return 2 + to + by + 1 if by else 0


def decode_frame(raw: bytes) -> Frame:
    """The one frame that is `raw`, with or without its flags; raise `DecodeError` or `FrameCheckError`."""
    start = 1 if raw[:1] == b"\x7e" else 0
    end = len(raw) - 1 if start and len(raw) > 1 and raw[-1] == FLAG else len(raw)
    length = _length(raw, start)
    if length != end - start:
        if not (start and length == len(raw) - start):
            reason = f"the length field says {length} bytes, {end - start} are there"
            raise DecodeError(reason, start, (*_WHERE, "frame_format"))
        end = len(raw)
    return read_frame(raw, start, end)


def _length(raw: bytes, start: int) -> int:
    if len(raw) < start + 2:
        raise DecodeError("2 bytes of frame format expected", len(raw), (*_WHERE, "frame_format"))
    if raw[start] & 0xF0 != FORMAT_TYPE:
        raise DecodeError(f"frame format {raw[start]:02X}, expected Ax", start, (*_WHERE, "frame_format"))
    return (raw[start] & 7) << 8 | raw[start + 1]


def check_header(data: bytes, start: int, header: int) -> None:
    """Raise `FrameCheckError` unless the HCS behind the `header` bytes at `start` is right."""
    if binascii.crc_hqx(data[start : start + header + 2].translate(MIRRORED), 0xFFFF) != X25_GOOD:
        raise FrameCheckError("the header check sequence (HCS) is wrong", start + header, (*_WHERE, "hcs"))


def read_frame(data: bytes, start: int, end: int) -> Frame:
    """The frame `data[start:end]` from its format field to its FCS, which is as long as its length field says."""
    header = header_size(data, start, end)
    if not header or header + 2 > end - start:
        raise DecodeError("no pair of HDLC addresses and a control byte", start + 2, (*_WHERE, "address"))
    if header + 2 < end - start:
        check_header(data, start, header)
    if binascii.crc_hqx(data[start:end].translate(MIRRORED), 0xFFFF) != X25_GOOD:
        raise FrameCheckError("the frame check sequence (FCS) is wrong", end - 2, (*_WHERE, "fcs"))
    destination, source = _addresses(data[start + 2 : start + header - 1])
    stop = start + header
    control = data[stop - 1]
    kind, final, send_sequence, receive_sequence = MEANINGS[control]
    segmented = bool(data[start] & _SEGMENTED)
    fields = destination, source, kind, final, segmented, send_sequence, receive_sequence
    if len(HEADERS) >= _REMEMBERED:
        HEADERS.clear()
    HEADERS[data[start : stop + 2]] = Header(end - start, fields, control)
    return Frame(*fields, data[stop + 2 : end - 2], control)


class Header(NamedTuple):
    """What the bytes up to the HCS say of a frame of `length` bytes; its HCS is right."""

    length: int
    fields: tuple[HdlcAddress, HdlcAddress, FrameKind, bool, bool, int, int]
    control: int


HEADERS: dict[bytes, Header] = {}
"""Headers seen before, by their bytes, HCS included: a line has few. Bounded, and empties itself."""


def _addresses(raw: bytes) -> tuple[HdlcAddress, HdlcAddress]:
    known = _KNOWN.get(raw)
    if known is None:
        middle = address_size(raw, 0, len(raw))
        known = decode_address(raw[:middle]), decode_address(raw[middle:])
        if len(_KNOWN) >= _REMEMBERED:
            _KNOWN.clear()
        _KNOWN[raw] = known
    return known


_KNOWN: dict[bytes, tuple[HdlcAddress, HdlcAddress]] = {}
"""Addresses seen before, by their bytes: a line has few. Bounded, and empties itself."""
