"""Who a telegram speaks of: manufacturer letters, identification number, version and device type.

Facts: the three letters are 5 bits each (`A` is 1), the identification number is eight BCD digits, low byte first
(EN 13757-3 and -7 as described by public implementations; the texts were not at hand).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from openami.model.errors import DecodeError, LocalProtocolError

ADDRESS_SIZE = 8
LETTERS = 0x7FFF
"""The part of a manufacturer number that its letters are; bit 15 says that the address is not unique world-wide."""

DEVICE_TYPES = {
    0x00: "other",
    0x01: "oil",
    0x02: "electricity",
    0x03: "gas",
    0x04: "heat",
    0x05: "steam",
    0x06: "warm water",
    0x07: "water",
    0x08: "heat cost allocator",
    0x09: "compressed air",
    0x0A: "cooling, outlet",
    0x0B: "cooling, inlet",
    0x0C: "heat, inlet",
    0x0D: "heat and cooling",
    0x0E: "bus or system",
    0x0F: "unknown",
    0x14: "calorific value",
    0x15: "hot water",
    0x16: "cold water",
    0x17: "hot and cold water",
    0x18: "pressure",
    0x19: "analogue-digital converter",
    0x1A: "smoke alarm",
    0x1B: "room sensor",
    0x1C: "gas detector",
    0x20: "breaker",
    0x21: "valve",
    0x25: "customer unit",
    0x28: "waste water",
    0x29: "garbage",
    0x31: "communication controller",
    0x32: "unidirectional repeater",
    0x33: "bidirectional repeater",
    0x36: "radio converter, system side",
    0x37: "radio converter, meter side",
    0x38: "wired adapter",
}


def manufacturer_letters(code: int) -> str:
    """The three letters of a manufacturer number; bit 15 (address not unique world-wide) is left out."""
    return "".join(chr(64 + (code >> shift & 31)) for shift in (10, 5, 0))


def manufacturer_code(letters: str) -> int:
    """The number of three letters A..Z; raises `LocalProtocolError` for anything else."""
    if len(letters) != 3 or not all("A" <= letter <= "Z" for letter in letters):
        raise LocalProtocolError(f"manufacturer {letters!r} is not three letters A to Z")
    first, second, third = (ord(letter) - 64 for letter in letters)
    return first << 10 | second << 5 | third


@dataclass(frozen=True, slots=True)
class MeterAddress:
    """The address of a meter: `identification` is the number's eight digits as printed, the rest are bytes' values."""

    manufacturer: int
    identification: str
    version: int
    device_type: int

    @property
    def letters(self) -> str:
        """The manufacturer's three letters."""
        return manufacturer_letters(self.manufacturer)

    @property
    def device(self) -> str:
        """The device type in words."""
        return DEVICE_TYPES.get(self.device_type, f"device type {self.device_type:02X}")

    @property
    def number(self) -> bytes:
        """The identification number as it stands in telegrams, low byte first."""
        return bytes.fromhex(self.identification)[::-1]

    @property
    def link_order(self) -> bytes:
        """Manufacturer, number, version, type: as the link layer and initial vectors have it."""
        return self.manufacturer.to_bytes(2, "little") + self.number + bytes((self.version, self.device_type))

    @property
    def transport_order(self) -> bytes:
        """Number, manufacturer, version, type: as the long header has it."""
        return self.number + self.manufacturer.to_bytes(2, "little") + bytes((self.version, self.device_type))

    def __str__(self) -> str:
        return f"{self.letters}.{self.identification}.{self.version:02X}.{self.device_type:02X}"

    @staticmethod
    @lru_cache(maxsize=1 << 17)
    def from_link(raw: bytes) -> MeterAddress:
        """Read the eight bytes of the link layer's M and A fields."""
        if len(raw) != ADDRESS_SIZE:
            raise DecodeError(f"an address has {ADDRESS_SIZE} bytes, {len(raw)} left", 0, ("address",))
        return MeterAddress(raw[0] | raw[1] << 8, raw[5:1:-1].hex().upper(), raw[6], raw[7])

    @staticmethod
    def from_transport(raw: bytes) -> MeterAddress:
        """Read the eight bytes of a long header."""
        return MeterAddress.from_link(raw[4:6] + raw[:4] + raw[6:])

    @classmethod
    def parse(cls, text: str) -> MeterAddress:
        """Read the text form `KAM.12345678.1B.16`; raises `ValueError` for any other."""
        letters, identification, version, device_type = text.strip().upper().split(".")
        if len(bytes.fromhex(identification)) != 4:
            raise ValueError(f"{identification} is not an identification number of eight digits")
        code = manufacturer_code(letters)
        made = cls(code, identification, int(version, 16), int(device_type, 16))
        if made.version > 255 or made.device_type > 255:
            raise ValueError(f"{text} has a version or type beyond FF")
        return made
