"""IEEE 802.15.4 frames of versions 2003 and 2006, without frame check sequence.

Addresses stand in the frame with their last octet first; here they are EUI-64s in writing order (8 bytes), short
addresses (2 bytes) or `b""`. Field positions are as tshark 4.0 dissects them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openami.model.errors import DecodeError

BEACON, DATA, ACK, COMMAND = range(4)
BROADCAST: Final = b"\xff\xff"
BEACON_REQUEST: Final = b"\x07"
SECURED: Final = 0x0008
ACK_REQUEST: Final = 0x0020
PAN_COMPRESSION: Final = 0x0040
VERSION_2006: Final = 0x1000
_VERSIONS_MAX: Final = 1
_SIZES: Final = (0, None, 2, 8)
_HEAD: Final = 3
_MODES: Final = {0: 0, 2: 2, 8: 3}


class MacFrame(NamedTuple):
    """One frame. `content` begins with the auxiliary security header if `secured`; `header` is all before it."""

    kind: int
    secured: bool
    ack_request: bool
    sequence: int
    pan_id: int
    destination: bytes
    source: bytes
    header: bytes
    content: bytes


def encode_header(
    kind: int, sequence: int, pan_id: int, destination: bytes, source: bytes, *, secured: bool, ack_request: bool
) -> bytes:
    """The MAC header of a 2006 frame; a destination and a source share the PAN."""
    control = kind | _MODES[len(destination)] << 10 | _MODES[len(source)] << 14
    if secured:
        control |= SECURED | VERSION_2006
    if ack_request:
        control |= ACK_REQUEST
    pan = pan_id.to_bytes(2, "little")
    if destination and source:
        return b"".join(
            (
                (control | PAN_COMPRESSION).to_bytes(2, "little"),
                bytes((sequence,)),
                pan,
                destination[::-1],
                source[::-1],
            )
        )
    return control.to_bytes(2, "little") + bytes((sequence,)) + pan + (destination or source)[::-1]


def encode_ack(sequence: int) -> bytes:
    """The immediate acknowledgement of the frame with this sequence number."""
    return bytes((ACK, 0, sequence))


def decode_frame(psdu: bytes) -> MacFrame:
    """Take a PSDU apart; raise `DecodeError` for what is no frame of these versions."""
    if len(psdu) < _HEAD:
        raise DecodeError(f"a frame has at least {_HEAD} octets, {len(psdu)} there", len(psdu))
    control = psdu[0] | psdu[1] << 8
    kind = control & 7
    if kind > COMMAND:
        raise DecodeError(f"frame type {kind} is not known", 0)
    if control >> 12 & 3 > _VERSIONS_MAX:
        raise DecodeError(f"frame version {control >> 12 & 3} is not known", 1)
    destination_size, source_size = _SIZES[control >> 10 & 3], _SIZES[control >> 14]
    if destination_size is None or source_size is None:
        raise DecodeError("address mode 1 is reserved", 1)
    at, pan_id, destination = _HEAD, 0xFFFF, b""
    if destination_size:
        pan_id = int.from_bytes(psdu[at : at + 2], "little")
        at += 2 + destination_size
        destination = psdu[at - destination_size : at][::-1]
    source = b""
    if source_size:
        if not (control & PAN_COMPRESSION and destination):
            if not destination:
                pan_id = int.from_bytes(psdu[at : at + 2], "little")
            at += 2
        at += source_size
        source = psdu[at - source_size : at][::-1]
    if at > len(psdu):
        raise DecodeError("the frame ends inside its addresses", len(psdu))
    return MacFrame(
        kind,
        bool(control & SECURED),
        bool(control & ACK_REQUEST),
        psdu[2],
        pan_id,
        destination,
        source,
        psdu[:at],
        psdu[at:],
    )
