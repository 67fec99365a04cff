"""What a seal needs of a private key, so that the key may live in a file, in an HSM, or anywhere that can do this.

`Signer` and `Agreement` are the two operations. A PKCS#11 token has both: ECDSA over P-256 with SHA-256 (r and s,
32 octets each), and ECDH that derives the x of the common point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from openami.protocols.dlms.asymmetric import AsymmetricKeys, PrivateKey, PublicKey
from openami.protocols.dlms.key_agreement import shared_secret
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.roles import Role


class Signer(Protocol):
    """A private signing key of P-256."""

    def sign(self, octets: bytes) -> bytes:
        """The signature over `octets`: r and s, 64 octets."""
        ...


class Agreement(Protocol):
    """A private key-agreement key of P-256."""

    def shared_secret(self, peer: PublicKey) -> bytes:
        """Z: the x of the point in common with the holder of `peer`, 32 octets."""
        ...


class SoftwareSigner:
    """A signing key in memory."""

    __slots__ = ("_keys", "public_key")

    def __init__(self, key: PrivateKey) -> None:
        self._keys = AsymmetricKeys(SecuritySuite.SUITE_1, signing=key)
        self.public_key = key.public_key()

    def sign(self, octets: bytes) -> bytes:
        """See `Signer`."""
        return self._keys.sign(octets)


class SoftwareAgreement:
    """An agreement key in memory."""

    __slots__ = ("_key", "public_key")

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key()

    def shared_secret(self, peer: PublicKey) -> bytes:
        """See `Agreement`."""
        return shared_secret(self._key, peer)


@dataclass(frozen=True, slots=True)
class Authority:
    """A signer that a meter or the guard trusts: for which role it speaks, and how its signature is checked."""

    system_title: bytes
    role: Role
    public_key: PublicKey = field(repr=False)
