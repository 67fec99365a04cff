"""A meter's envelope keys on the test bench: authority, guard and meter, the same in every run; for nothing real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dlms_curves import key
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.closing import GuardSeal, Recipient, seal_command, sign_command
from openami.protocols.seal.command import Command
from openami.protocols.seal.keys import Authority, SoftwareAgreement, SoftwareSigner
from openami.protocols.seal.opening import MeterMoment, MeterSeal
from openami.protocols.seal.roles import Role

AUTHORITY, GUARD, METER, OTHER = (
    bytes.fromhex(text) for text in ("4f414d0000000101", "4f414d0000000201", "4f414d100000002a", "4f414d100000002b")
)
NOW = 1_767_225_600
SIGNER = SoftwareSigner(key(11, SecuritySuite.SUITE_1))
GUARD_AGREEMENT = SoftwareAgreement(key(12, SecuritySuite.SUITE_1))
METER_AGREEMENT = SoftwareAgreement(key(13, SecuritySuite.SUITE_1))
STRANGER = SoftwareSigner(key(14, SecuritySuite.SUITE_1))
STRANGER_AGREEMENT = SoftwareAgreement(key(15, SecuritySuite.SUITE_1))
AUTHENTICATION_KEY = bytes(range(0x30, 0x40))
GUARD_SEAL = GuardSeal(GUARD, GUARD_AGREEMENT)
RECIPIENT = Recipient(METER, METER_AGREEMENT.public_key, AUTHENTICATION_KEY)
TRUSTED = {AUTHORITY: Authority(AUTHORITY, Role.NETWORK_OPERATOR, SIGNER.public_key)}
METER_SEAL = MeterSeal(METER, METER_AGREEMENT, AUTHENTICATION_KEY, GUARD, GUARD_AGREEMENT.public_key, TRUSTED)
DISCONNECT = bytes.fromhex("c301c10046000060030aff01010f00")
RECONNECT = bytes.fromhex("c301c10046000060030aff02010f00")
ACTIVATE = bytes.fromhex("c301c1001200002c0000ff04010f00")
READ_IMPORT = bytes.fromhex("c001c100030100010800ff0200")
COMMAND = Command(METER, DISCONNECT, NOW, 3600, bytes(range(32)))
MOMENT = MeterMoment(NOW + 60)


def trusting(role: Role) -> MeterSeal:
    """The meter, trusting the authority's key for another role."""
    return replace(METER_SEAL, authorities={AUTHORITY: Authority(AUTHORITY, role, SIGNER.public_key)})


def signed(counter: int = 1, *, signer: SoftwareSigner = SIGNER, **changes: Any) -> bytes:
    """The authority's layer of a disconnect, unless told otherwise."""
    return sign_command(replace(COMMAND, **changes), AUTHORITY, counter, signer)


def envelope(counter: int = 1, *, transaction: int = 1, signer: SoftwareSigner = SIGNER, **changes: Any) -> bytes:
    """The whole envelope."""
    return seal_command(signed(counter, signer=signer, **changes), GUARD_SEAL, RECIPIENT, transaction)


def never(_authority: bytes) -> int:
    """No command was accepted before."""
    return 0
