"""A new passkey for the list: whoever has the person's invitation registers it, once.

The invitation reaches the person on another way than the web application. Its hash is the challenge of the
registration, so that what a browser made for one invitation is worth nothing for another. A web application that
lies could still put in a key of its own: the person compares the credential's id with the authority's list.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from webauthn import verify_registration_response
from webauthn.helpers import bytes_to_base64url, parse_attestation_object
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential

from openami.model.errors import SecurityError
from openami.protocols.seal.passkey import Passkey, RelyingParty

REGISTRATION_BYTES_MAX: Final = 16_384
_LABEL: Final = b"OpenAMI passkey registration 1\n"


def registration_challenge(invitation: str) -> bytes:
    """What a browser puts into its registration for this invitation."""
    return sha256(_LABEL + invitation.encode()).digest()


def verify_registration(
    party: RelyingParty, person: str, invitation: str, attestation: bytes, client_data: bytes
) -> Passkey:
    """The passkey that an authenticator has made for `person`; raises `SecurityError`."""
    if len(attestation) + len(client_data) > REGISTRATION_BYTES_MAX:
        raise SecurityError(f"registration of more than {REGISTRATION_BYTES_MAX} bytes: refused")
    credential = RegistrationCredential(
        id="",
        raw_id=b"",
        response=AuthenticatorAttestationResponse(client_data_json=client_data, attestation_object=attestation),
    )
    try:
        data = parse_attestation_object(attestation).auth_data.attested_credential_data
        if data is None:
            raise SecurityError(f"the registration of {person} holds no credential: refused")
        credential.raw_id, credential.id = data.credential_id, bytes_to_base64url(data.credential_id)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=registration_challenge(invitation),
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise SecurityError(f"the registration of {person} does not hold: {error}") from None
    return Passkey(person, verified.credential_id, verified.credential_public_key)
