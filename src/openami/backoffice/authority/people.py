"""The people whom the authority knows, and their passkeys: its own list, which no web application can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from openami.model.errors import SecurityError
from openami.protocols.seal.passkey import Assertion, Passkey, RelyingParty, verify_assertion
from openami.protocols.seal.roles import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may ask for, or approve, commands of some roles."""

    name: str
    requests: frozenset[Role] = frozenset()
    approves: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class People:
    """`passkeys` by credential id; each names a person of `persons`."""

    party: RelyingParty
    persons: Mapping[str, Person]
    passkeys: Mapping[bytes, Passkey]
    sign_counts: dict[bytes, int] = field(default_factory=dict)

    def consent(self, assertion: Assertion, challenge: bytes) -> Person:
        """Who has signed `challenge`; raises `SecurityError`."""
        last = self.sign_counts.get(assertion.credential_id, 0)
        passkey = verify_assertion(self.party, self.passkeys, assertion, challenge, last)
        person = self.persons.get(passkey.person)
        if person is None:
            raise SecurityError(f"{passkey.person} is on no list of people here: refused")
        return person

    def seen(self, assertion: Assertion) -> None:
        """`assertion` was taken: a copy of its authenticator that counts less is refused from now on."""
        self.sign_counts[assertion.credential_id] = assertion.sign_count
