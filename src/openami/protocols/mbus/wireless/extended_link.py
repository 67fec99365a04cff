"""The extended link layer (ELL): communication control, access number, a second address, a session with AES-CTR.

CI 8C: control and access number (I). 8D: and session number with payload CRC (II). 8E: and an address (III).
8F: both (IV). 86: a variable header (V), which is recognised and not read.
Facts from public implementations and captured telegrams; the standard's text was not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.mbus.wireless.address import ADDRESS_SIZE, MeterAddress
from openami.protocols.mbus.wireless.crc import crc16_en13757

ELL_NAMES = {0x8C: "I", 0x8D: "II", 0x8E: "III", 0x8F: "IV", 0x86: "V"}
ELL_VARIABLE = 0x86
ELL_FIXED = frozenset((0x8C, 0x8D, 0x8E, 0x8F))
"""Those whose communication control stands right behind the CI field."""
_WITH_ADDRESS = {0x8E, 0x8F}
_WITH_SESSION = {0x8D, 0x8F}
HOP, REPEATED_ACCESS = 0x10, 0x02
"""Bits of the communication control that repeaters set."""
ENCRYPTION_CTR = 1


@dataclass(frozen=True, slots=True)
class ExtendedLink:
    """The header of `kind` (its CI field); `session` is the session number's four bytes, `check` the payload CRC."""

    kind: int
    communication_control: int
    access_number: int
    address: MeterAddress | None = None
    session: bytes = b""
    check: bytes = b""

    @property
    def encryption(self) -> int:
        """0 is none, 1 is AES-128 counter mode: the upper three bits of the session number."""
        return self.session[3] >> 5 if self.session else 0

    @property
    def repeated(self) -> bool:
        """Whether the frame came over a repeater, which sets this bit."""
        return bool(self.communication_control & HOP)

    def initial_counter(self, address: MeterAddress) -> bytes:
        """The first counter block: address, control without what repeaters set, session, frame and block number zero.

        That the repeater's bit is left out was found with a repeated telegram whose payload CRC then is right.
        """
        return address.link_order + bytes((self.communication_control & ~HOP,)) + self.session + bytes(3)


def decode_extended_link(data: bytes, at: int) -> tuple[ExtendedLink, int]:
    """Read the header whose CI field stands at `data[at]`; give it and where its payload begins."""
    kind = data[at]
    if kind == ELL_VARIABLE:
        raise DecodeError("the variable extended link layer (CI 86) is recognised but not read", at, ("ELL",))
    size = 2 + (ADDRESS_SIZE if kind in _WITH_ADDRESS else 0) + (6 if kind in _WITH_SESSION else 0)
    header = data[at + 1 : at + 1 + size]
    if len(header) < size:
        raise DecodeError(f"extended link layer {ELL_NAMES[kind]} has {size} bytes, {len(header)} left", at, ("ELL",))
    address = MeterAddress.from_link(header[2:10]) if kind in _WITH_ADDRESS else None
    session = header[-6:] if kind in _WITH_SESSION else b""
    return ExtendedLink(kind, header[0], header[1], address, session[:4], session[4:]), at + 1 + size


def encode_extended_link(header: ExtendedLink) -> bytes:
    """The header's bytes, CI field first."""
    if (header.address is not None) != (header.kind in _WITH_ADDRESS) or bool(header.session) != (
        header.kind in _WITH_SESSION
    ):
        raise LocalProtocolError(f"extended link layer {header.kind:02X} does not carry these fields")
    address = b"" if header.address is None else header.address.link_order
    start = bytes((header.kind, header.communication_control, header.access_number))
    return start + address + header.session + header.check


def payload_check(payload: bytes) -> bytes:
    """The payload CRC as it stands in the header, low byte first."""
    return crc16_en13757(payload).to_bytes(2, "little")
