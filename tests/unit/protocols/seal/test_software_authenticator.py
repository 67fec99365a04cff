"""A software passkey registers and consents as a browser's would."""

from __future__ import annotations

import json

import pytest

from openami.backoffice.authority.registration import registration_challenge, verify_registration
from openami.model.errors import SecurityError
from two_seals import PARTY, authenticator


def test_it_registers_with_an_invitation_of_its_person():
    anna = authenticator("anna")
    attestation, client_data = anna.registration(registration_challenge("welcome"))
    assert verify_registration(PARTY, "anna", "welcome", attestation, client_data) == anna.passkey
    assert json.loads(client_data)["type"] == "webauthn.create"
    with pytest.raises(SecurityError):
        verify_registration(PARTY, "anna", "another", attestation, client_data)


def test_each_consent_is_counted():
    anna = authenticator("anna")
    first, second = anna.consent(b"challenge"), anna.consent(b"challenge")
    assert first.authenticator_data != second.authenticator_data
    assert anna.signatures == 2
