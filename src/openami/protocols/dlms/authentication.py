"""Authentication of an application association: the mechanisms that are spoken here."""

from __future__ import annotations

from enum import IntEnum

from openami.protocols.dlms.acse import MechanismName


class Authentication(IntEnum):
    """COSEM authentication mechanisms by their number.

    NONE: nobody proves anything. LLS: the client sends a password, readable on the way. HLS: both sides prove in
    four passes what they have: a manufacturer's secret function (2), a secret by MD5 (3), SHA-1 (4) or SHA-256 (6),
    the symmetric keys by GMAC (5), a private signing key by ECDSA (7). MD5 and SHA-1 are broken hashes, kept for
    old meters, and have to be allowed.
    """

    NONE = 0
    LLS = 1
    HLS2 = 2
    HLS3 = 3
    HLS4 = 4
    HLS5 = 5
    HLS6 = 6
    HLS7 = 7

    @property
    def mechanism_name(self) -> MechanismName | None:
        """The name in AARQ and AARE; without authentication there is none."""
        return None if self is Authentication.NONE else MechanismName(self)

    @property
    def high(self) -> bool:
        """Whether both sides prove themselves by challenge and response (four passes)."""
        return self >= 2

    @property
    def needs_system_titles(self) -> bool:
        """Whether the proofs name both sides by their system titles."""
        return self >= Authentication.HLS5


def mechanism_number(name: MechanismName | bytes | None) -> int:
    """The number of a mechanism name: 0 (none) if there is no name, -1 if it is not one of DLMS."""
    if name is None:
        return 0
    return -1 if isinstance(name, bytes) else int(name)
