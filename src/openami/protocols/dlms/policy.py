"""Security policies: the least protection of requests and of responses, as SecuritySetup versions 0 and 1 number them.

Version 0: 0 nothing, 1 all APDUs authenticated, 2 encrypted, 3 both. Version 1 is a set of bits: requests 2
authenticated, 3 encrypted, 4 signed; responses 5 authenticated, 6 encrypted, 7 signed; bits 0 and 1 are reserved.
(Facts from open descriptions; the clauses were not at hand.)
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import SettingError
from openami.protocols.dlms.security import SecurityControl

_REQUEST_SHIFT = 2
_RESPONSE_SHIFT = 5
_RESERVED = 0b11


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """The least protection in each direction; more is always accepted."""

    request: SecurityControl = SecurityControl.NONE
    response: SecurityControl = SecurityControl.NONE
    request_signed: bool = False
    response_signed: bool = False

    @property
    def protects(self) -> bool:
        """Whether anything has to be protected."""
        return bool(self.request or self.response or self.signed)

    @property
    def signed(self) -> bool:
        """Whether anything has to be signed."""
        return self.request_signed or self.response_signed


def same_both_ways(protection: SecurityControl) -> SecurityPolicy:
    """Requests and responses are protected alike."""
    return SecurityPolicy(protection, protection)


def policy_version_0(value: int) -> SecurityPolicy:
    """The policy of a SecuritySetup of version 0; raises `SettingError` for a number that it has not."""
    if not 0 <= value <= 3:
        raise SettingError(f"security_policy is {value}, must be 0 to 3 in version 0")
    return same_both_ways(SecurityControl(value << 4))


def policy_version_1(value: int) -> SecurityPolicy:
    """The policy of a SecuritySetup of version 1; raises `SettingError` for reserved bits."""
    if not 0 <= value <= 0xFF or value & _RESERVED:
        raise SettingError(f"security_policy is {value:#04x}; in version 1 bits 0 and 1 are reserved and 7 is the last")
    request, response = value >> _REQUEST_SHIFT, value >> _RESPONSE_SHIFT
    return SecurityPolicy(
        SecurityControl((request & 0b11) << 4),
        SecurityControl((response & 0b11) << 4),
        bool(request & 0b100),
        bool(response & 0b100),
    )
