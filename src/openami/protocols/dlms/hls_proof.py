"""Passes 3 and 4 of every high level security mechanism: what is proven, and how the other side judges it.

Pass 3 is the client's proof over the server's challenge, pass 4 the server's over the client's. With C the prover
and V the verifier, f(challenge of V) is

* HLS 2: a function of the manufacturer
* HLS 3: MD5(challenge of V, secret), HLS 4: SHA-1 of the same
* HLS 5: security control, counter, GMAC (see `openami.protocols.dlms.hls`)
* HLS 6: SHA-256(secret, title of C, title of V, challenge of V, challenge of C)
* HLS 7: ECDSA signature over title of C, title of V, challenge of V, challenge of C

(Facts from open descriptions and implementations; the clauses were not at hand.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms import hls
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.security import Secret, SecurityKeys, verify_tag

HlsFunction = Callable[[bytes], bytes]
"""HLS 2: f(challenge), which both sides know and nobody else."""
_BLOCK = 16
_WEAK = (Authentication.HLS3, Authentication.HLS4)
_SECRET = (*_WEAK, Authentication.HLS6)


@dataclass(frozen=True, slots=True)
class HlsCredentials:
    """What a side needs for one mechanism; the other fields may be None. Raises `SettingError` if it is missing."""

    authentication: Authentication
    keys: SecurityKeys | None = None
    secret: Secret | None = None
    function: HlsFunction | None = field(default=None, repr=False)
    asymmetric: AsymmetricKeys | None = None
    weak_hashes_allowed: bool = False

    def __post_init__(self) -> None:
        name = self.authentication.name
        if self.authentication in _WEAK and not self.weak_hashes_allowed:
            what = "MD5" if self.authentication is Authentication.HLS3 else "SHA-1"
            raise SettingError(f"authentication {name} proves by {what}, which is broken; set weak_hashes_allowed")
        if self.authentication is Authentication.HLS2 and self.function is None:
            raise SettingError(f"hls_function is not set, and authentication {name} needs it")
        if self.authentication in _SECRET and not self.secret:
            raise SettingError(f"hls_secret is not set, and authentication {name} needs it")
        if self.authentication is Authentication.HLS5 and self.keys is None:
            raise SettingError(f"keys are not set, and authentication {name} needs them")
        if self.authentication is Authentication.HLS7:
            pair = self.asymmetric
            if pair is None or pair.signing is None or pair.peer_signing is None:
                raise SettingError(f"asymmetric.signing or peer_signing is not set; authentication {name} needs both")


class Passes(NamedTuple):
    """One proof: who proves, who verifies, and the challenge that each of them has sent."""

    prover: bytes
    verifier: bytes
    verifier_challenge: bytes
    prover_challenge: bytes

    @property
    def named(self) -> bytes:
        """The octets that HLS 6 hashes and HLS 7 signs."""
        return b"".join(self)


def prove(credentials: HlsCredentials, passes: Passes, take_counter: Callable[[], int]) -> bytes:
    """Our proof; HLS 5 takes one number of the send counter for it."""
    match credentials.authentication:
        case Authentication.HLS5:
            assert credentials.keys is not None
            return hls.response(credentials.keys, passes.prover, take_counter(), passes.verifier_challenge)
        case Authentication.HLS7:
            assert credentials.asymmetric is not None
            return credentials.asymmetric.sign(passes.named)
        case _:
            return _recomputable(credentials, passes)


def verify(credentials: HlsCredentials, passes: Passes, proof: bytes) -> None:
    """Raise `SecurityError` unless `proof` is the prover's."""
    match credentials.authentication:
        case Authentication.HLS5:
            assert credentials.keys is not None
            hls.verify(credentials.keys, passes.prover, passes.verifier_challenge, proof)
        case Authentication.HLS7:
            assert credentials.asymmetric is not None
            credentials.asymmetric.verify(passes.named, proof)
        case _:
            _compare(_recomputable(credentials, passes), proof, credentials.authentication)


def _recomputable(credentials: HlsCredentials, passes: Passes) -> bytes:
    """The proofs that the verifier makes itself and compares."""
    challenge = passes.verifier_challenge
    if credentials.authentication is Authentication.HLS2:
        assert credentials.function is not None
        return credentials.function(challenge)
    assert credentials.secret is not None
    secret = credentials.secret.reveal()
    match credentials.authentication:
        case Authentication.HLS3:
            return hashlib.md5(challenge + secret, usedforsecurity=False).digest()
        case Authentication.HLS4:
            return hashlib.sha1(challenge + secret, usedforsecurity=False).digest()
        case Authentication.HLS6:
            return hashlib.sha256(secret + passes.named).digest()
        case other:
            raise SettingError(f"{other.name} is no high level security")


def _compare(expected: bytes, proof: bytes, authentication: Authentication) -> None:
    try:
        verify_tag(expected, proof)
    except SecurityError:
        what = "function" if authentication is Authentication.HLS2 else "secret"
        raise SecurityError(f"proof of {authentication.name} does not match: wrong {what} or altered bytes") from None


def aes_function(secret: Secret) -> HlsFunction:
    """The function that several makers use for HLS 2: AES-128 (ECB) of the challenge under the secret.

    Both are filled up with zeros to whole blocks (fact from open implementations; the standard leaves it open).
    """
    key = secret.reveal().ljust(_BLOCK, b"\0")
    if len(key) != _BLOCK:
        raise SettingError(f"the secret of HLS 2 has {len(secret)} bytes, at most {_BLOCK} fit AES-128")

    def function(challenge: bytes) -> bytes:
        filled = challenge + bytes(-len(challenge) % _BLOCK)
        encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305 - what the meters compute
        return encryptor.update(filled) + encryptor.finalize()

    return function
