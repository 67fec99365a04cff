"""The link layer's header: control field and the address of the radio that sent the frame."""

from __future__ import annotations

from typing import NamedTuple

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.frame_format import HEADER_SIZE

CONTROL_NAMES = {
    0x40: "SND-NKE",
    0x43: "SND-UD2",
    0x44: "SND-NR",
    0x46: "SND-IR",
    0x47: "ACC-NR",
    0x48: "ACC-DMD",
    0x53: "SND-UD",
    0x5A: "REQ-UD1",
    0x5B: "REQ-UD2",
    0x73: "SND-UD",
    0x7A: "REQ-UD1",
    0x7B: "REQ-UD2",
    0x00: "ACK",
    0x06: "CNF-IR",
    0x08: "RSP-UD",
    0x10: "ACK",
    0x18: "RSP-UD",
    0x20: "ACK",
    0x28: "RSP-UD",
    0x30: "ACK",
    0x38: "RSP-UD",
}


SND_NKE, SND_UD, REQ_UD2 = 0x40, 0x53, 0x5B
SND_NR, SND_IR, ACC_NR, RSP_UD, ACK = 0x44, 0x46, 0x47, 0x08, 0x00
DOWNLINK = frozenset((0x06, 0x40, 0x43, 0x53, 0x73, 0x5A, 0x7A, 0x5B, 0x7B))
"""What is said to a meter; everything else is said by one."""


class LinkHeader(NamedTuple):
    """`control` is the C field; `address` is that of the radio, which need not be the meter's."""

    control: int
    address: MeterAddress

    @property
    def control_name(self) -> str:
        """The frame's kind, as EN 13757-4 calls it."""
        return CONTROL_NAMES.get(self.control, f"C field {self.control:02X}")

    @property
    def downlink(self) -> bool:
        """Whether the frame is for a meter; the meter's address then stands in a later layer."""
        return self.control in DOWNLINK


def decode_link(data: bytes) -> LinkHeader:
    """Read the first ten bytes of a stripped frame."""
    if len(data) < HEADER_SIZE:
        raise DecodeError(f"a link layer has {HEADER_SIZE} bytes, {len(data)} came", len(data), ("link",))
    return LinkHeader(data[1], MeterAddress.from_link(data[2:HEADER_SIZE]))


def encode_link(header: LinkHeader, payload: bytes) -> bytes:
    """A stripped frame: L, C, address and `payload` (which begins with a CI field)."""
    length = HEADER_SIZE - 1 + len(payload)
    if length > 255:
        raise LocalProtocolError(f"a frame counts 255 bytes, this one has {length}: send it in fragments")
    return bytes((length, header.control)) + header.address.link_order + payload
