"""A person's consent: a WebAuthn assertion of a passkey over a hash, verified against a list of keys held here.

The party that relies on it (authority, guard) holds the public keys itself; a web application in between only
carries the assertion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from webauthn import verify_authentication_response
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

from openami.model.errors import SecurityError

ASSERTION_BYTES_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of `person`: its id, and its public key in COSE form as it was registered."""

    person: str
    credential_id: bytes
    public_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For which site passkeys were registered, and from which origins their assertions may come."""

    id: str
    origins: tuple[str, ...]


class Assertion(NamedTuple):
    """What an authenticator answers, undecoded."""

    credential_id: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    @property
    def sign_count(self) -> int:
        """What the authenticator says it has signed so far (0: it counts nothing); read it once it is verified."""
        return int.from_bytes(self.authenticator_data[33:37], "big")


def verify_assertion(
    party: RelyingParty,
    passkeys: Mapping[bytes, Passkey],
    assertion: Assertion,
    challenge: bytes,
    last_sign_count: int = 0,
) -> Passkey:
    """The passkey that has signed `challenge`; raises `SecurityError`. The user must have been verified, not just seen.

    `last_sign_count` is that of the passkey's consent before: a count that does not rise betrays a copy.
    """
    if sum(map(len, assertion)) > ASSERTION_BYTES_MAX:
        raise SecurityError(f"assertion of more than {ASSERTION_BYTES_MAX} bytes: refused")
    passkey = passkeys.get(assertion.credential_id)
    if passkey is None:
        raise SecurityError(f"passkey {assertion.credential_id.hex()} is on no list here: refused")
    credential = AuthenticationCredential(
        id=bytes_to_base64url(assertion.credential_id),
        raw_id=assertion.credential_id,
        response=AuthenticatorAssertionResponse(
            client_data_json=assertion.client_data,
            authenticator_data=assertion.authenticator_data,
            signature=assertion.signature,
        ),
    )
    try:
        verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=last_sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise SecurityError(f"assertion of {passkey.person} does not hold: {error}") from None
    return passkey
