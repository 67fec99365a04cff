"""What SML's tag-length coding can hold: octets, truth values, integers of 1 to 8 octets, lists, and nothing.

Integers keep the width they came with: `Unsigned16(5)` equals 5, and encodes to two octets. Widths without a name in
the standard (3, 5, 6 and 7 octets) are what meters make by leaving out leading zeros.
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias, Union

from openami.model.errors import LocalProtocolError


class Integer(int):
    """A signed integer; `SIZE` is its width in octets."""

    SIZE: ClassVar[int] = 8


class Unsigned(int):
    """An unsigned integer; `SIZE` is its width in octets."""

    SIZE: ClassVar[int] = 8


Element: TypeAlias = Union[bytes, bool, Integer, Unsigned, "list[Element]", None]

INTEGERS: Final[tuple[type[Integer], ...]] = (
    Integer,
    *(type(f"Integer{8 * size}", (Integer,), {"SIZE": size}) for size in range(1, 9)),
)
"""The signed type by its width in octets; the first is a stand-in."""
UNSIGNEDS: Final[tuple[type[Unsigned], ...]] = (
    Unsigned,
    *(type(f"Unsigned{8 * size}", (Unsigned,), {"SIZE": size}) for size in range(1, 9)),
)
"""The unsigned type by its width in octets; the first is a stand-in."""


def unsigned(value: int, size: int = 0) -> Unsigned:
    """`value` in `size` octets, or in the fewest of 1, 2, 4 and 8; `LocalProtocolError` if it does not fit."""
    width = size or next((each for each in (1, 2, 4, 8) if 0 <= value < 1 << 8 * each), 0)
    if not 0 <= value < 1 << 8 * width:
        raise LocalProtocolError(f"{value} is no unsigned integer of {width or 8} octets")
    return UNSIGNEDS[width](value)


def integer(value: int, size: int = 0) -> Integer:
    """`value` in `size` octets, or in the fewest of 1, 2, 4 and 8; `LocalProtocolError` if it does not fit."""
    width = size or next((each for each in (1, 2, 4, 8) if _fits(value, each)), 0)
    if not width or not _fits(value, width):
        raise LocalProtocolError(f"{value} is no signed integer of {width or 8} octets")
    return INTEGERS[width](value)


def _fits(value: int, size: int) -> bool:
    return -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1
