"""Opening the envelope in the meter. The order of the checks is fixed, and nothing is written while they are made:

1. outer MAC: the guard has sealed these octets for this meter
2. inner signature: an authority that this meter trusts has signed them
3. the role of that authority may use this verb, and the verb is on the closed list
4. the recipient under the signature is this meter
5. not after its time to live; with an invalid clock the live challenge stands in for it
6. the counter is above the last one that was accepted from this authority

What follows (persist the counter, own limits, "scheduled", delay, act) is the caller's; `CommandGate` keeps the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from hmac import compare_digest
from typing import Final, NamedTuple

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.asymmetric import PublicKey
from openami.protocols.dlms.general import GeneralCiphering, header_octets
from openami.protocols.dlms.security import unprotect
from openami.protocols.seal.closing import CONTROL, STATIC, envelope_keys
from openami.protocols.seal.command import COUNTER_SIZE, Command
from openami.protocols.seal.keys import Agreement, Authority
from openami.protocols.seal.roles import ROLE_VERBS
from openami.protocols.seal.signed import SignedCommand, read_command, verify_signed

ENVELOPE_BYTES_MAX: Final = 4096
CLOCK_TOLERANCE_S: Final = 300
"""How far the time of issue may lie ahead of the meter's clock."""
_SECURITY_HEADER: Final = bytes((CONTROL, 0, 0, 0, 0))


class Check(IntEnum):
    """The checks, in their order."""

    OUTER_MAC = 1
    INNER_SIGNATURE = 2
    ROLE_AND_VERB = 3
    RECIPIENT = 4
    FRESHNESS = 5
    COUNTER = 6


class CommandRefused(SecurityError):
    """An envelope failed at `check`; nothing was changed. The reason is for the meter's log, not for the sender."""

    def __init__(self, check: Check, reason: str) -> None:
        super().__init__(f"{check.name.replace('_', ' ').lower()}: {reason}")
        self.check = check


@dataclass(frozen=True, slots=True)
class MeterSeal:
    """What a meter holds to open envelopes: its own keys, the guard, and the authorities by system title."""

    system_title: bytes
    agreement: Agreement = field(repr=False)
    authentication_key: bytes = field(repr=False)
    guard_title: bytes
    guard_agreement: PublicKey = field(repr=False)
    authorities: Mapping[bytes, Authority]


class MeterMoment(NamedTuple):
    """The meter's clock (UTC seconds), whether it is valid, and the challenge of the live association (or empty)."""

    clock: float
    clock_valid: bool = True
    challenge: bytes = b""


def open_command(raw: bytes, seal: MeterSeal, moment: MeterMoment, last: Callable[[bytes], int]) -> SignedCommand:
    """The command in the envelope `raw`, which may be carried out once its counter is durable.

    Raises `CommandRefused`. `last` gives the last accepted counter of an authority, 0 if there was none.
    """
    with _check(Check.OUTER_MAC):
        inner = _outer(raw, seal)
    with _check(Check.INNER_SIGNATURE):
        signature = verify_signed(inner, seal.authorities)
    with _check(Check.ROLE_AND_VERB):
        signed = read_command(signature)
        _check_role(signed)
    with _check(Check.RECIPIENT):
        _check_recipient(signed, seal)
    with _check(Check.FRESHNESS):
        _check_freshness(signed.command, moment)
    with _check(Check.COUNTER):
        _check_counter(signed, last(signed.authority.system_title))
    return signed


@contextmanager
def _check(check: Check) -> Iterator[None]:
    try:
        yield
    except (SecurityError, DecodeError) as error:
        raise CommandRefused(check, str(error)) from None


def _outer(raw: bytes, seal: MeterSeal) -> bytes:
    """What the guard has sealed for this meter. Only one form of the octets is taken."""
    if len(raw) > ENVELOPE_BYTES_MAX:
        raise SecurityError(f"envelope of {len(raw)} bytes, at most {ENVELOPE_BYTES_MAX} are taken")
    apdu = decode_apdu(raw)
    if not isinstance(apdu, GeneralCiphering) or apdu.key_info != STATIC or encode_apdu(apdu) != raw:
        raise SecurityError("this is no general-ciphering APDU with a static agreed key in its only form: refused")
    header = apdu.header
    if header.originator_system_title != seal.guard_title or header.recipient_system_title != seal.system_title:
        raise SecurityError("the envelope does not go from the guard to this meter: refused")
    if len(header.transaction_id) != COUNTER_SIZE or apdu.ciphered_content[:5] != _SECURITY_HEADER:
        raise SecurityError("the envelope has another transaction-id or security header than agreed: refused")
    z = seal.agreement.shared_secret(seal.guard_agreement)
    keys = envelope_keys(z, header, seal.authentication_key)
    return unprotect(keys, seal.guard_title, apdu.ciphered_content, additional=header_octets(header))


def _check_role(signed: SignedCommand) -> None:
    role = signed.authority.role
    if signed.verb not in ROLE_VERBS[role]:
        raise SecurityError(f"role {role.name.replace('_', ' ').lower()} may not {signed.verb.text}: refused")


def _check_recipient(signed: SignedCommand, seal: MeterSeal) -> None:
    if signed.command.recipient != seal.system_title:
        raise SecurityError(f"signed for {signed.command.recipient.hex()}, this is {seal.system_title.hex()}: refused")


def _check_freshness(command: Command, moment: MeterMoment) -> None:
    challenge = command.challenge
    if challenge and not compare_digest(challenge, moment.challenge):
        raise SecurityError("the challenge is not that of a live association: refused")
    if not moment.clock_valid:
        if not challenge:
            raise SecurityError("the clock is invalid, and the command names no live challenge: refused")
        return
    if moment.clock > command.not_after:
        raise SecurityError(f"not after {command.not_after}, and the clock shows {moment.clock:.0f}: refused")
    if command.issued_at > moment.clock + CLOCK_TOLERANCE_S:
        raise SecurityError(f"issued at {command.issued_at}, and the clock shows {moment.clock:.0f}: refused")


def _check_counter(signed: SignedCommand, last: int) -> None:
    if signed.counter <= last:
        raise SecurityError(f"counter {signed.counter} is not above the last accepted {last}: refused")
