"""Secondary addresses with wildcards: whom a selection means.

An F in the identification number stands for any digit, FF for any byte elsewhere. Facts from public descriptions of
EN 13757-3; the standard's text was not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.mbus.wireless.address import ADDRESS_SIZE, MeterAddress, manufacturer_code

SELECT = 0x52
DIGITS = "0123456789ABCDE"
"""What a digit of an identification number may be; some meters have letters in it. F is the wildcard."""
ANY = "F"
IDENTIFICATION_DIGITS = 8
ANY_MANUFACTURER = 0xFFFF
ANY_BYTE = 0xFF


@dataclass(frozen=True, slots=True)
class Selection:
    """Meters by identification number, manufacturer, version and device type, each of them whole or in part."""

    identification: str = ANY * IDENTIFICATION_DIGITS
    manufacturer: int = ANY_MANUFACTURER
    version: int = ANY_BYTE
    device_type: int = ANY_BYTE

    def __post_init__(self) -> None:
        digits = self.identification
        if len(digits) != IDENTIFICATION_DIGITS or not set(digits) <= set(DIGITS + ANY):
            raise LocalProtocolError(f"identification {digits!r} is not eight digits of 0 to 9 and A to F")
        for name, number, most in (
            ("manufacturer", self.manufacturer, ANY_MANUFACTURER),
            ("version", self.version, ANY_BYTE),
            ("device type", self.device_type, ANY_BYTE),
        ):
            if not 0 <= number <= most:
                raise LocalProtocolError(f"{name} {number:X} is not 0 to {most:X}")

    def means(self, meter: MeterAddress) -> bool:
        """Whether `meter` is meant."""
        digits = zip(self.identification, meter.identification, strict=True)
        return (
            all(wanted in {ANY, digit} for wanted, digit in digits)
            and _any_or_same(self.manufacturer >> 8, meter.manufacturer >> 8)
            and _any_or_same(self.manufacturer & 0xFF, meter.manufacturer & 0xFF)
            and _any_or_same(self.version, meter.version)
            and _any_or_same(self.device_type, meter.device_type)
        )

    def __bytes__(self) -> bytes:
        number = bytes.fromhex(self.identification)[::-1]
        return number + self.manufacturer.to_bytes(2, "little") + bytes((self.version, self.device_type))

    def __str__(self) -> str:
        return f"{self.identification}.{self.manufacturer:04X}.{self.version:02X}.{self.device_type:02X}"

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Read `12345678`, `12345678.KAM.1B.16` or `12345678.2C2D.1B.16`; raises `ValueError` for anything else."""
        parts = text.strip().upper().split(".")
        if len(parts) not in {1, 4}:
            raise ValueError(f"{text!r} is no secondary address; write 12345678 or 12345678.KAM.1B.16")
        try:
            if len(parts) == 1:
                return cls(parts[0])
            identification, maker, version, device_type = parts
            code = manufacturer_code(maker) if len(maker) == 3 else int(maker, 16)
            return cls(identification, code, int(version, 16), int(device_type, 16))
        except LocalProtocolError as error:
            raise ValueError(str(error)) from error


def decode_selection(data: bytes) -> Selection:
    """The selection behind CI 52. What follows the eight bytes (a fabrication number) is not read."""
    if len(data) < ADDRESS_SIZE:
        raise DecodeError(f"a selection has {ADDRESS_SIZE} bytes, not {len(data)}", len(data), ("selection",))
    number = data[3::-1].hex().upper()
    return Selection(number, data[4] | data[5] << 8, data[6], data[7])


def _any_or_same(wanted: int, byte: int) -> bool:
    return wanted in {ANY_BYTE, byte}
