"""Keys that two sides compute or send wrapped: key derivation, the two agreement schemes, AES key wrap.

Derivation is the one-step function of NIST SP 800-56A with a hash: H(00000001, Z, AlgorithmID, PartyUInfo, PartyVInfo),
cut to the size of the key. AlgorithmID is 2.16.756.5.8.3.x as its seven octets; U is the side that sends. One pass:
PartyUInfo is U's system title. Static: a nonce follows it, the transaction-id with its length, because Z never
changes. Ephemeral, for keys that are to stay, C(2e, 0s): as one pass, with the AlgorithmID of what the key is for; each
side signs its ephemeral key behind the octet of the key's number. (Facts from open implementations and descriptions;
the clauses were not at hand.)
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric import ec

from openami.model.errors import SecurityError
from openami.protocols.dlms.asymmetric import PrivateKey, PublicKey
from openami.protocols.dlms.security import SecuritySuite

_ALGORITHM: Final = bytes.fromhex("608574050803")
_AES_GCM: Final = {SecuritySuite.SUITE_1: 0, SecuritySuite.SUITE_2: 1}
_AES_WRAP: Final = {SecuritySuite.SUITE_1: 2, SecuritySuite.SUITE_2: 3}


def algorithm_id(suite: SecuritySuite, *, wrapping: bool = False) -> bytes:
    """AlgorithmID of the key that is derived: AES-GCM, or AES key wrap for a master key."""
    return _ALGORITHM + bytes(((_AES_WRAP if wrapping else _AES_GCM)[suite],))


def shared_secret(private: PrivateKey, public: PublicKey) -> bytes:
    """Z: the x of the common point."""
    return private.exchange(ec.ECDH(), public)


def derive_key(suite: SecuritySuite, z: bytes, other_info: bytes) -> bytes:
    """The key of 16 or 32 octets that `z` and `other_info` give."""
    digest = hashlib.sha256 if suite is SecuritySuite.SUITE_1 else hashlib.sha384
    return digest(b"\x00\x00\x00\x01" + z + other_info).digest()[: suite.key_size]


def one_pass_key(suite: SecuritySuite, z: bytes, originator: bytes, recipient: bytes) -> bytes:
    """The encryption key of C(1e, 1s) between these system titles."""
    return derive_key(suite, z, algorithm_id(suite) + originator + recipient)


def static_key(suite: SecuritySuite, z: bytes, originator: bytes, transaction_id: bytes, recipient: bytes) -> bytes:
    """The encryption key of C(0e, 2s) for one transaction."""
    nonce = len(transaction_id).to_bytes(1, "big") + transaction_id
    return derive_key(suite, z, algorithm_id(suite) + originator + nonce + recipient)


def ephemeral_key(suite: SecuritySuite, z: bytes, originator: bytes, recipient: bytes, *, wrapping: bool) -> bytes:
    """The key that C(2e, 0s) gives; `wrapping` for a master key, which wraps other keys."""
    return derive_key(suite, z, algorithm_id(suite, wrapping=wrapping) + originator + recipient)


def signed_point(key_id: int, point: bytes) -> bytes:
    """What the signature of an ephemeral public key covers in C(2e, 0s)."""
    return bytes((key_id,)) + point


def wrap_key(wrapping_key: bytes, key: bytes) -> bytes:
    """`key` under AES key wrap (RFC 3394)."""
    return keywrap.aes_key_wrap(wrapping_key, key)


def unwrap_key(wrapping_key: bytes, wrapped: bytes) -> bytes:
    """The key in `wrapped`; raises `SecurityError` if it was not wrapped under this key."""
    try:
        return keywrap.aes_key_unwrap(wrapping_key, wrapped)
    except (keywrap.InvalidUnwrap, ValueError):
        raise SecurityError("wrapped key does not open: wrong master key or altered bytes") from None
