"""Elliptic-curve keys of suites 1 and 2: signatures, points on the wire, ephemeral keys.

Suite 1 is P-256 with SHA-256, suite 2 P-384 with SHA-384. On the wire a public key is x and y, a signature r and s,
each as long as the curve's field and without DER (facts from open descriptions of the Green Book; the clauses were
not at hand). Signatures are deterministic (RFC 6979), so that no randomness is needed to sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.security import SecuritySuite

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


class CurveParameters(NamedTuple):
    """The curve of a suite, its hash, and the octets of a coordinate."""

    curve: ec.EllipticCurve
    hash: hashes.SHA256 | hashes.SHA384
    size: int
    order: int


_P256: Final = CurveParameters(
    ec.SECP256R1(), hashes.SHA256(), 32, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
)
_P384: Final = CurveParameters(
    ec.SECP384R1(),
    hashes.SHA384(),
    48,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
)
EXTRA: Final = 8
"""More random octets than the curve's order has, so that an ephemeral key is as good as evenly distributed."""


def parameters_of(suite: SecuritySuite) -> CurveParameters:
    """The curve of `suite`; raises `SettingError` for suite 0, which has none."""
    if suite is SecuritySuite.SUITE_0:
        raise SettingError("security suite 0 has no elliptic curve; signatures and key agreement need suite 1 or 2")
    return _P256 if suite is SecuritySuite.SUITE_1 else _P384


@dataclass(frozen=True, slots=True)
class AsymmetricKeys:
    """What one side has: its own private keys, and the public keys of its peer that it trusts."""

    suite: SecuritySuite
    signing: PrivateKey | None = field(default=None, repr=False)
    peer_signing: PublicKey | None = None
    agreement: PrivateKey | None = field(default=None, repr=False)
    peer_agreement: PublicKey | None = None

    def __post_init__(self) -> None:
        curve = parameters_of(self.suite).curve
        for name in ("signing", "peer_signing", "agreement", "peer_agreement"):
            key = getattr(self, name)
            if key is not None and key.curve.name != curve.name:
                raise SettingError(f"{name} is a key of {key.curve.name}; suite {int(self.suite)} needs {curve.name}")

    def sign(self, octets: bytes) -> bytes:
        """Our signature over `octets`: r and s, 64 or 96 octets."""
        if self.signing is None:
            raise SettingError("signing is not set: a signature needs the private signing key")
        parameters = parameters_of(self.suite)
        signature = self.signing.sign(octets, ec.ECDSA(parameters.hash, deterministic_signing=True))
        return b"".join(part.to_bytes(parameters.size, "big") for part in decode_dss_signature(signature))

    def verify(self, octets: bytes, signature: bytes) -> None:
        """Raise `SecurityError` unless `signature` is the peer's over `octets`."""
        if self.peer_signing is None:
            raise SecurityError("a signature came, and the public signing key of the peer is not set: refused")
        verify_signature(self.peer_signing, self.suite, octets, signature)


def verify_signature(key: PublicKey, suite: SecuritySuite, octets: bytes, signature: bytes) -> None:
    """Raise `SecurityError` unless `signature` (r and s) over `octets` was made with the private half of `key`."""
    parameters = parameters_of(suite)
    size = parameters.size
    if len(signature) != 2 * size:
        raise SecurityError(f"signature has {len(signature)} bytes; suite {int(suite)} needs {2 * size}")
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(parameters.hash))
    except InvalidSignature:
        raise SecurityError("signature does not match: another signer, or altered bytes") from None


def encode_point(key: PublicKey) -> bytes:
    """The coordinates x and y of a public key, one after the other."""
    numbers = key.public_numbers()
    size = (key.curve.key_size + 7) // 8
    return numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")


def decode_point(octets: bytes, suite: SecuritySuite) -> PublicKey:
    """The public key with these x and y; raises `SecurityError` if they are no point of the curve."""
    parameters = parameters_of(suite)
    if len(octets) != 2 * parameters.size:
        raise SecurityError(f"public key has {len(octets)} bytes; suite {int(suite)} needs {2 * parameters.size}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(parameters.curve, b"\x04" + octets)
    except ValueError:
        raise SecurityError("public key is no point of the curve: refused") from None


def private_key(random: bytes, suite: SecuritySuite) -> PrivateKey:
    """A fresh private key from `random`, which has `EXTRA` octets more than a coordinate and is used once."""
    parameters = parameters_of(suite)
    if len(random) != parameters.size + EXTRA:
        raise SettingError(f"{len(random)} random bytes for a key, must be {parameters.size + EXTRA}")
    secret = int.from_bytes(random, "big") % (parameters.order - 1) + 1
    return ec.derive_private_key(secret, parameters.curve)
