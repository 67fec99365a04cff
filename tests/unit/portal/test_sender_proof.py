"""A token that is bound to a key: who has the token and not the key gets nothing."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from openami.model.errors import SecurityError, SettingError
from openami.portal.api.sender_proof import FRESH_S, PROOF_BYTES_MAX, Proofs, thumbprint_of

KEY, THIEF = (ec.derive_private_key(number, ec.SECP256R1()) for number in (1234567, 7654321))
NOW, SECRET = 1_767_225_600.0, "oami_00"
HERE = ("GET", "https://openami.localhost/api/v1/points")


def text(octets):
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def jwk(key=KEY):
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": text(numbers.x.to_bytes(32, "big")),
        "y": text(numbers.y.to_bytes(32, "big")),
    }


def proof(*, key=KEY, head=None, **claims):
    told = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(key), **(head or {})}
    said = {
        "htm": HERE[0],
        "htu": HERE[1],
        "iat": int(NOW),
        "jti": "1",
        "ath": text(hashlib.sha256(SECRET.encode()).digest()),
        **claims,
    }
    signed = ".".join(text(json.dumps(part).encode()) for part in (told, said))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def check(shown, *, at=NOW, secret=SECRET, here=HERE, proofs=None):
    return (proofs or Proofs()).check(shown, *here, secret, at)


def pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_the_thumbprint_is_that_of_the_key_as_a_file():
    assert check(proof()) == thumbprint_of(pem(KEY)) != thumbprint_of(pem(THIEF))
    assert check(proof(key=THIEF)) == thumbprint_of(pem(THIEF))


def test_the_thumbprint_of_rfc_7638_is_over_the_required_members_in_their_order():
    key = jwk()
    octets = f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'.encode()
    assert thumbprint_of(pem(KEY)) == text(hashlib.sha256(octets).digest())


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ("", "one signed JWT"),
        ("a.b", "one signed JWT"),
        ("." * PROOF_BYTES_MAX, "one signed JWT"),
        ("?.?.?", "cannot be read"),
        (proof(htm="POST"), "is for POST"),
        (proof(htu="https://openami.localhost/api/v1/other"), "not GET"),
        (proof(ath=text(bytes(32))), "another token"),
        (proof(iat=NOW - FRESH_S - 1), "sign each request anew"),
        (proof(iat=NOW + FRESH_S + 1), "sign each request anew"),
        (proof(iat=float("nan")), "sign each request anew"),
        (proof(iat="now"), "sign each request anew"),
        (proof(jti=""), "no jti"),
        (proof(jti=5), "no jti"),
        (proof(head={"alg": "none"}), "ES256"),
        (proof(head={"typ": "JWT"}), "dpop"),
        (proof(head={"jwk": jwk(THIEF)}), "does not hold"),
        (proof(head={"jwk": {**jwk(), "d": "AA"}}), "public key"),
        (proof(head={"jwk": {**jwk(), "x": "AA"}}), "cannot be read"),
        (proof(head={"jwk": None}), "cannot be read"),
        (proof().rpartition(".")[0] + ".AAAA", "64 bytes"),
        (proof().rpartition(".")[0] + "." + text(bytes(64)), "does not hold"),
    ],
)
def test_what_does_not_hold_is_refused_in_words(shown, why):
    with pytest.raises(SecurityError, match=why):
        check(shown)


def test_a_proof_is_good_once_and_is_remembered_as_long_as_it_is_fresh():
    proofs = Proofs()
    for at in (NOW, NOW + FRESH_S):
        if at == NOW:
            check(proof(), proofs=proofs)
        with pytest.raises(SecurityError, match="shown before"):
            check(proof(), at=at, proofs=proofs)
    check(proof(jti="2"), proofs=proofs)
    check(proof(key=THIEF), proofs=proofs)
    check(proof(iat=NOW + 1000), at=NOW + 1000, proofs=proofs)
    assert len(proofs._seen) == 1


@pytest.mark.parametrize("raw", [b"", b"nothing", pem(ec.derive_private_key(5, ec.SECP384R1()))])
def test_only_keys_of_p_256_are_taken(raw):
    with pytest.raises(SettingError):
        thumbprint_of(raw)
