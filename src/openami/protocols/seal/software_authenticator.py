"""An authenticator without hardware: for tests and for the command line. Whoever has its key is the person."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from openami.protocols.dlms.asymmetric import PrivateKey, encode_point
from openami.protocols.seal.passkey import Assertion, Passkey, RelyingParty

_COSE_HEAD: Final = bytes.fromhex("a5010203262001215820")  # {1: EC2, 3: ES256, -1: P-256, -2: x (32 octets)
_COSE_Y: Final = bytes.fromhex("225820")  # -3: y (32 octets)}
_PRESENT_AND_VERIFIED: Final = 0x05
_WITH_CREDENTIAL: Final = 0x45
_NO_MODEL: Final = bytes(16)  # AAGUID of an authenticator that does not say which one it is
_ATTESTATION_HEAD: Final = (
    b"\xa3cfmtdnonegattStmt\xa0hauthData\x58"  # {"fmt": "none", "attStmt": {}, "authData": octets}
)


class SoftwareAuthenticator:
    """One passkey of `person`, with a key of P-256 in memory. It counts its signatures."""

    def __init__(self, person: str, key: PrivateKey, party: RelyingParty) -> None:
        point = encode_point(key.public_key())
        public_key = _COSE_HEAD + point[:32] + _COSE_Y + point[32:]
        self.passkey = Passkey(person, sha256(public_key).digest()[:16], public_key)
        self.signatures = 0
        self._key = key
        self._party = party

    def registration(self, challenge: bytes) -> tuple[bytes, bytes]:
        """Attestation object (format none) and client data over `challenge`, as a browser would hand them on."""
        passkey = self.passkey
        data = (
            sha256(self._party.id.encode()).digest() + bytes((_WITH_CREDENTIAL,)) + self.signatures.to_bytes(4, "big")
        )
        data += _NO_MODEL + len(passkey.credential_id).to_bytes(2, "big") + passkey.credential_id + passkey.public_key
        return _ATTESTATION_HEAD + bytes((len(data),)) + data, self._client_data("webauthn.create", challenge)

    def consent(self, challenge: bytes) -> Assertion:
        """The assertion over `challenge`, as a browser would hand it on."""
        self.signatures += 1
        client_data = self._client_data("webauthn.get", challenge)
        counted = bytes((_PRESENT_AND_VERIFIED,)) + self.signatures.to_bytes(4, "big")
        data = sha256(self._party.id.encode()).digest() + counted
        signature = self._key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(self.passkey.credential_id, data, client_data, signature)

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        return json.dumps(
            {
                "type": kind,
                "challenge": urlsafe_b64encode(challenge).rstrip(b"=").decode(),
                "origin": self._party.origins[0],
                "crossOrigin": False,
            }
        ).encode()
