"""Tokens that are worth something only with a key: DPoP (RFC 9449). A program signs each request; a thief of the token
cannot.

The proof is a JWT in the header `DPoP`, type `dpop+jwt`, ES256, its public key as `jwk` in the head; it names the
method (`htm`), the address without query (`htu`), the token's SHA-256 (`ath`), the time (`iat`) and itself (`jti`).
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from openami.model.errors import SecurityError, SettingError

PROOF_BYTES_MAX = 4096
FRESH_S = 60.0
"""How far the proof's time may lie from ours; for so long each is remembered."""
_ALGORITHM = ec.ECDSA(hashes.SHA256())


class Proofs:
    """The proofs that were shown lately: each is good once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}

    def check(self, proof: str, method: str, address: str, secret: str, now: float) -> str:
        """The thumbprint of the key that has signed this request with this token; raises `SecurityError`."""
        head, claims = _verified(proof)
        if (claims.get("htm"), claims.get("htu")) != (method, address):
            raise SecurityError(f"the proof is for {claims.get('htm')} {claims.get('htu')}, not {method} {address}")
        if claims.get("ath") != _text(hashlib.sha256(secret.encode()).digest()):
            raise SecurityError("the proof is for another token")
        made, name = claims.get("iat"), claims.get("jti")
        if not isinstance(made, int | float) or not abs(now - made) <= FRESH_S:
            raise SecurityError(f"the proof is of {made}, and it is {now:.0f}: sign each request anew")
        if not isinstance(name, str) or not name:
            raise SecurityError("the proof has no jti")
        thumbprint = _thumbprint(head["jwk"])
        self._once(thumbprint, name, now)
        return thumbprint

    def _once(self, thumbprint: str, name: str, now: float) -> None:
        self._seen = {known: until for known, until in self._seen.items() if until >= now}
        if (thumbprint, name) in self._seen:
            raise SecurityError("this proof was shown before")
        self._seen[thumbprint, name] = now + 2 * FRESH_S


def thumbprint_of(pem: bytes) -> str:
    """The thumbprint (RFC 7638, SHA-256) of a public key of P-256 in PEM; raises `SettingError`."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as error:
        raise SettingError(f"this is no public key in PEM: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingError("a program's key must be of P-256: openssl ecparam -name prime256v1 -genkey")
    numbers = key.public_numbers()
    x, y = (_text(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return _thumbprint({"kty": "EC", "crv": "P-256", "x": x, "y": y})


def _verified(proof: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Head and claims of a JWT whose signature holds under the key in its head."""
    parts = proof.split(".") if len(proof) <= PROOF_BYTES_MAX else []
    if len(parts) != 3:
        raise SecurityError("a bound token needs the header DPoP with one signed JWT")
    try:
        head, claims = (json.loads(_octets(part)) for part in parts[:2])
        signature, key = _octets(parts[2]), _key(head)
        if len(signature) != 64:
            raise SecurityError("the proof's signature has not 64 bytes")
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        key.verify(encode_dss_signature(r, s), f"{parts[0]}.{parts[1]}".encode(), _ALGORITHM)
    except InvalidSignature:
        raise SecurityError("the proof's signature does not hold") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SecurityError(f"the proof cannot be read: {type(error).__name__}") from None
    if not isinstance(claims, dict):
        raise SecurityError("the proof cannot be read: its claims are no object")
    return head, claims


def _key(head: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    jwk = head["jwk"]
    if (head["typ"], head["alg"], jwk["kty"], jwk["crv"]) != ("dpop+jwt", "ES256", "EC", "P-256") or "d" in jwk:
        raise SecurityError("the proof must be of type dpop+jwt, ES256, with a public key of P-256")
    x, y = (int.from_bytes(_octets(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return _text(hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest())


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
