"""Whose keys a SecuritySetup object holds at the factory: one role of clients, with its title, policy and trust."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from openami.model.errors import SettingError
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.policy import SecurityPolicy, policy_version_0, policy_version_1
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

AUTHENTICATED_AND_ENCRYPTED: Final = {SecuritySuite.SUITE_0: 0x03, SecuritySuite.SUITE_1: 0x6C}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRole:
    """`policy` is numbered as the SecuritySetup of the suite numbers it: version 0 with suite 0, else version 1.

    By default everything is authenticated and encrypted. `client_system_title` pins the client. `asymmetric` has the
    meter's own private keys and the client's public ones, `authorities` the certificates (DER) of those who may issue
    others.
    """

    keys: SecurityKeys = field(repr=False)
    client_system_title: bytes | None = None
    policy: int | None = None
    asymmetric: AsymmetricKeys | None = None
    authorities: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.client_system_title is not None and len(self.client_system_title) != 8:
            raise SettingError(f"client_system_title has {len(self.client_system_title)} bytes, must be 8")
        if self.asymmetric is not None and self.asymmetric.suite is not self.keys.suite:
            raise SettingError(f"asymmetric keys are of suite {int(self.asymmetric.suite)}, the others are not")
        policy_of(self.keys.suite, self.first_policy)

    @property
    def first_policy(self) -> int:
        """The policy that the meter leaves the factory with."""
        default = AUTHENTICATED_AND_ENCRYPTED[min(self.keys.suite, SecuritySuite.SUITE_1)]
        return default if self.policy is None else self.policy


def policy_of(suite: SecuritySuite, number: int) -> SecurityPolicy:
    """What a policy number means; raises `SettingError` for one that there is not."""
    return policy_version_0(number) if suite is SecuritySuite.SUITE_0 else policy_version_1(number)
