"""OBIS codes: the names of metering quantities (IEC 62056-6-1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TEXT = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})\*(\d{1,3})")


@dataclass(frozen=True, slots=True, order=True)
class ObisCode:
    """Six value groups a..f, each 0..255; written `a-b:c.d.e*f`, for example `1-0:1.8.0*255`.

    Raises `ValueError` if a group is out of range.
    """

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int = 255

    def __post_init__(self) -> None:
        for name in ("a", "b", "c", "d", "e", "f"):
            if not 0 <= getattr(self, name) <= 255:
                raise ValueError(f"OBIS group {name} is {getattr(self, name)}, must be 0..255")

    def __str__(self) -> str:
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}*{self.f}"

    def __bytes__(self) -> bytes:
        return bytes((self.a, self.b, self.c, self.d, self.e, self.f))

    @classmethod
    def parse(cls, text: str) -> ObisCode:
        """Read the strict text form `a-b:c.d.e*f`; raise `ValueError` for any other."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not an OBIS code; write it as 1-0:1.8.0*255")
        return cls(*(int(group) for group in match.groups()))

    @staticmethod
    @lru_cache(maxsize=4096)
    def from_bytes(raw: bytes) -> ObisCode:
        """Read the six bytes of a logical name; raise `ValueError` if there are not six."""
        if len(raw) != 6:
            raise ValueError(f"a logical name has 6 bytes, not {len(raw)}")
        return ObisCode(*raw)
