"""How known meters deviate from SML, as data: which meters, which values, what is done about it.

Facts from public reports: the ranges of DZG's DVS74 were stated by the maker (libsml pull request 136), its fault is
described in libsml issue 59, that of Holley's DTZ541 in libsml issue 75.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from openami.protocols.sml.element import Element, Integer

MANUFACTURER: Final = slice(2, 5)
SERIAL: Final = slice(6, 10)
"""Where the identification of a meter (0a, medium, three letters, block, number) holds its maker and number."""


@dataclass(frozen=True, slots=True)
class UnsignedTaggedSigned:
    """These meters tag unsigned values of `size` octets as signed: 356.24 W arrives as -299.12 W."""

    name: str
    manufacturer: bytes
    serials: tuple[tuple[int, int], ...]
    obj_names: frozenset[bytes]
    size: int

    def applies(self, server_id: bytes, obj_name: bytes, value: Element) -> bool:
        """Whether `value` of the object was meant unsigned."""
        if not isinstance(value, Integer) or value >= 0 or self.size != value.SIZE or obj_name not in self.obj_names:
            return False
        if server_id[MANUFACTURER] != self.manufacturer or len(server_id) != 10:
            return False
        serial = int.from_bytes(server_id[SERIAL], "big")
        return any(first <= serial <= last for first, last in self.serials)


UNSIGNED_TAGGED_SIGNED: Final = (
    UnsignedTaggedSigned(
        name="DZG DVS74: power above 327.67 W is tagged as signed",
        manufacturer=b"DZG",
        serials=((42_000_000, 48_999_999), (55_000_000, 58_999_999)),
        obj_names=frozenset({bytes.fromhex("0100100700ff")}),
        size=2,
    ),
)
BARE_TIME: Final = "time without its choice, as Holley DTZ541 sends it"


def corrected(
    server_id: bytes, obj_name: bytes, value: Element, quirks: Sequence[UnsignedTaggedSigned] = UNSIGNED_TAGGED_SIGNED
) -> tuple[Element, str]:
    """`value` as the meter meant it, and the name of the quirk that was applied."""
    for quirk in quirks:
        if quirk.applies(server_id, obj_name, value):
            assert isinstance(value, Integer)
            return Integer(value + (1 << 8 * quirk.size)), quirk.name
    return value, ""
