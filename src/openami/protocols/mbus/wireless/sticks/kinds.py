"""Sticks by name: how each one's stream is read, and how a played one writes what it heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from openami.protocols.mbus.wireless.frame_format import decode_frame
from openami.protocols.mbus.wireless.sticks import amber, imst
from openami.protocols.mbus.wireless.sticks.heard import Event
from openami.protocols.mbus.wireless.sticks.lines import LineParser


class StickParser(Protocol):
    """Takes bytes as they come and gives what they complete."""

    def feed(self, data: bytes) -> list[Event]: ...


class StickKind(NamedTuple):
    """`write` takes a frame with or without checksums; `send` asks the stick to send one without: None if it cannot."""

    parser: Callable[[], StickParser]
    write: Callable[[bytes], bytes]
    baudrate: int
    send: Callable[[bytes], bytes] | None = None


def _imst(frame: bytes) -> bytes:
    return imst.encode_heard(decode_frame(frame).data)


def _amber(frame: bytes) -> bytes:
    return amber.encode_heard(decode_frame(frame).data)


def _cul(frame: bytes) -> bytes:
    return b"b" + frame.hex().upper().encode() + b"\r\n"


def _hexadecimal(frame: bytes) -> bytes:
    return frame.hex().encode() + b"\n"


def _rtl(frame: bytes) -> bytes:
    return b"T1;1;1;;0;0;;0x" + decode_frame(frame).data.hex().encode() + b"\n"


STICKS = {
    "imst": StickKind(imst.ImstParser, _imst, 57_600, imst.encode_send),
    "amber": StickKind(amber.AmberParser, _amber, 9_600, amber.encode_send),
    "cul": StickKind(LineParser, _cul, 38_400),
    "rtl": StickKind(LineParser, _rtl, 115_200),
    "hex": StickKind(LineParser, _hexadecimal, 115_200, _hexadecimal),
}
"""Baud rates are the ones that the makers' manuals give for delivery."""
