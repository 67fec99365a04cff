"""Authentication of an application association: the mechanisms that are spoken here."""

from __future__ import annotations

from enum import IntEnum

from openami.protocols.dlms.acse import MechanismName


class Authentication(IntEnum):
    """COSEM authentication mechanisms by their number.

    NONE: nobody proves anything. LLS: the client sends a password, readable on the way. HLS5: both sides prove
    by challenge and GMAC that they have the keys, in four passes.
    """

    NONE = 0
    LLS = 1
    HLS5 = 5

    @property
    def mechanism_name(self) -> MechanismName | None:
        """The name in AARQ and AARE; without authentication there is none."""
        return None if self is Authentication.NONE else MechanismName(self)

    @property
    def high(self) -> bool:
        """Whether both sides prove themselves by challenge and response (four passes)."""
        return self >= 2


def mechanism_number(name: MechanismName | bytes | None) -> int:
    """The number of a mechanism name: 0 (none) if there is no name, -1 if it is not one of DLMS."""
    if name is None:
        return 0
    return -1 if isinstance(name, bytes) else int(name)
