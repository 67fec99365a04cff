"""Secondary addresses with wildcards: whom a selection means.

An F in the identification number stands for any digit, FF for any byte elsewhere. A selection may be enhanced by the
fabrication number, as the record that tells it (0C 78), for meters that share all else. Facts from public descriptions
of EN 13757-3; the standard's text was not at hand.
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
FABRICATION_HEADER = b"\x0c\x78"
ANY_MANUFACTURER = 0xFFFF
ANY_BYTE = 0xFF


@dataclass(frozen=True, slots=True)
class Selection:
    """Meters by identification number, manufacturer, version and device type, each of them whole or in part.

    `fabrication` is empty, or a fabrication number of eight digits that has to fit too, F standing for any digit.
    """

    identification: str = ANY * IDENTIFICATION_DIGITS
    manufacturer: int = ANY_MANUFACTURER
    version: int = ANY_BYTE
    device_type: int = ANY_BYTE
    fabrication: str = ""

    def __post_init__(self) -> None:
        for name, digits in (("identification", self.identification), ("fabrication", self.fabrication or 8 * ANY)):
            if len(digits) != IDENTIFICATION_DIGITS or not set(digits) <= set(DIGITS + ANY):
                raise LocalProtocolError(f"{name} {digits!r} is not eight digits of 0 to 9 and A to F")
        for name, number, most in (
            ("manufacturer", self.manufacturer, ANY_MANUFACTURER),
            ("version", self.version, ANY_BYTE),
            ("device type", self.device_type, ANY_BYTE),
        ):
            if not 0 <= number <= most:
                raise LocalProtocolError(f"{name} {number:X} is not 0 to {most:X}")

    def means(self, meter: MeterAddress, fabrication: str = "") -> bool:
        """Whether `meter` is meant, whose fabrication number is `fabrication` (empty: it has none)."""
        return (
            _fits(self.identification, meter.identification)
            and (not self.fabrication or _fits(self.fabrication, fabrication))
            and _any_or_same(self.manufacturer >> 8, meter.manufacturer >> 8)
            and _any_or_same(self.manufacturer & 0xFF, meter.manufacturer & 0xFF)
            and _any_or_same(self.version, meter.version)
            and _any_or_same(self.device_type, meter.device_type)
        )

    def __bytes__(self) -> bytes:
        number = bytes.fromhex(self.identification)[::-1]
        enhanced = FABRICATION_HEADER + bytes.fromhex(self.fabrication)[::-1] if self.fabrication else b""
        return number + self.manufacturer.to_bytes(2, "little") + bytes((self.version, self.device_type)) + enhanced

    def __str__(self) -> str:
        text = f"{self.identification}.{self.manufacturer:04X}.{self.version:02X}.{self.device_type:02X}"
        return f"{text}.{self.fabrication}" if self.fabrication else text

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Read `12345678`, `12345678.KAM.1B.16` or `12345678.2C2D.1B.16`, perhaps with `.` and a fabrication number;
        raises `ValueError` for anything else.
        """
        parts = text.strip().upper().split(".")
        if len(parts) not in {1, 4, 5}:
            raise ValueError(f"{text!r} is no secondary address; write 12345678 or 12345678.KAM.1B.16")
        try:
            if len(parts) == 1:
                return cls(parts[0])
            identification, maker, version, device_type, *fabrication = parts
            code = manufacturer_code(maker) if len(maker) == 3 else int(maker, 16)
            return cls(identification, code, int(version, 16), int(device_type, 16), *fabrication)
        except LocalProtocolError as error:
            raise ValueError(str(error)) from error


def decode_selection(data: bytes) -> Selection:
    """The selection behind CI 52; what follows it and is no fabrication number is not read."""
    if len(data) < ADDRESS_SIZE:
        raise DecodeError(f"a selection has {ADDRESS_SIZE} bytes, not {len(data)}", len(data), ("selection",))
    number = data[3::-1].hex().upper()
    enhanced = data[ADDRESS_SIZE : ADDRESS_SIZE + 6]
    fabrication = enhanced[:1:-1].hex().upper() if len(enhanced) == 6 and enhanced[:2] == FABRICATION_HEADER else ""
    return Selection(number, data[4] | data[5] << 8, data[6], data[7], fabrication)


def _fits(wanted: str, digits: str) -> bool:
    return len(wanted) == len(digits) and all(each in {ANY, digit} for each, digit in zip(wanted, digits, strict=True))


def _any_or_same(wanted: int, byte: int) -> bool:
    return wanted in {ANY_BYTE, byte}
