"""Whose word counts for the guard: its own list of passkeys, apart from that of whoever asks and approves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from openami.model.errors import SecurityError
from openami.protocols.seal.passkey import Assertion, Passkey, RelyingParty, verify_assertion


@dataclass(frozen=True, slots=True)
class GuardPeople:
    """`planners` (five) prepare plans and change limits, three together; `releasers` judge quarantined commands."""

    party: RelyingParty
    planners: Mapping[bytes, Passkey]
    releasers: Mapping[bytes, Passkey]


class TooFew(SecurityError):
    """What was signed is right, but more persons have to sign: `persons` have, `needed` must."""

    def __init__(self, persons: tuple[str, ...], needed: int) -> None:
        super().__init__(f"{len(persons)} persons have signed, {needed} are needed")
        self.persons = persons
        self.needed = needed


def agree(
    party: RelyingParty,
    passkeys: Mapping[bytes, Passkey],
    assertions: Sequence[Assertion],
    statement: bytes,
    *,
    needed: int,
    but_not: Collection[str] = (),
) -> tuple[str, ...]:
    """The persons who signed `statement`: at least `needed` different ones, none of `but_not`.

    Raises `TooFew` or another `SecurityError`.
    """
    challenge = statement_challenge(statement)
    signers = {verify_assertion(party, passkeys, one, challenge).person for one in assertions}
    if barred := sorted(signers & set(but_not)):
        raise SecurityError(f"{', '.join(barred)} took part in what is to be judged: another person has to")
    if len(signers) < needed:
        raise TooFew(tuple(sorted(signers)), needed)
    return tuple(sorted(signers))


def statement_challenge(statement: bytes) -> bytes:
    """What a passkey signs to agree to `statement`."""
    return sha256(b"OpenAMI guard statement 1\n" + statement).digest()
