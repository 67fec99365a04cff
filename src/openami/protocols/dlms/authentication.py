"""Authentication mechanisms of an application association and the names they have in AARQ and AARE."""

from __future__ import annotations

from enum import IntEnum

# joint-iso-ccitt(2) country(16) country-name(756) identified-organisation(5) dlms-ua(8), as BER writes it
_DLMS_UA = bytes.fromhex("6085740508")


class Authentication(IntEnum):
    """COSEM authentication mechanisms by their number; the ones that are spoken here."""

    NONE = 0
    LLS = 1
    HLS5 = 5

    @property
    def mechanism_name(self) -> bytes:
        """The object identifier's contents: 2.16.756.5.8.2.n."""
        return _DLMS_UA + bytes((2, self))

    @property
    def high(self) -> bool:
        """Whether both sides prove themselves by challenge and response (four passes)."""
        return self >= 2


class ApplicationContext(IntEnum):
    """Application contexts by their number."""

    LOGICAL_NAME = 1
    SHORT_NAME = 2
    LOGICAL_NAME_WITH_CIPHERING = 3
    SHORT_NAME_WITH_CIPHERING = 4

    @property
    def context_name(self) -> bytes:
        """The object identifier's contents: 2.16.756.5.8.1.n."""
        return _DLMS_UA + bytes((1, self))


def mechanism_of(name: bytes | None) -> int:
    """The number at the end of a mechanism name; 0 (none) if there is no name, -1 if it is not DLMS's."""
    return 0 if name is None else _number(name, 2)


def context_of(name: bytes) -> int:
    """The number at the end of an application context name, -1 if it is not DLMS's."""
    return _number(name, 1)


def _number(name: bytes, arc: int) -> int:
    return name[6] if len(name) == 7 and name[:6] == _DLMS_UA + bytes((arc,)) else -1
