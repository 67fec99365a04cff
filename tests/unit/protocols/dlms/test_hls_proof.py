"""The proofs of all mechanisms, made a second time from the printed formulas."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from dlms_curves import SUITES, curves, key
from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.asymmetric import AsymmetricKeys, decode_point, encode_point, private_key
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.hls_proof import HlsCredentials, Passes, prove, verify
from openami.protocols.dlms.security import Secret, SecurityKeys, SecuritySuite

SECRET = b"HLS secret of 1"
C, S = b"OAM\x00\x00\x00\x00\x01", b"OAM\x10\x00\x00\x00\x2a"
CTOS, STOC = b"K56iVagY", b"P6wRJ21F0123"
PASS_3 = Passes(C, S, STOC, CTOS)
KEYS = SecurityKeys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
OURS, THEIRS = curves()


def credentials(mechanism, **changes):
    given = {
        "keys": KEYS,
        "secret": Secret(SECRET),
        "function": lambda challenge: challenge[::-1],
        "asymmetric": OURS,
        "weak_hashes_allowed": True,
    }
    return HlsCredentials(Authentication[mechanism], **{**given, **changes})


@pytest.mark.parametrize(
    ("mechanism", "expected"),
    [
        ("HLS2", STOC[::-1]),
        ("HLS3", hashlib.md5(STOC + SECRET).digest()),
        ("HLS4", hashlib.sha1(STOC + SECRET).digest()),
        ("HLS6", hashlib.sha256(SECRET + C + S + STOC + CTOS).digest()),
    ],
)
def test_pass_3_is_what_the_formula_says(mechanism, expected):
    assert prove(credentials(mechanism), PASS_3, lambda: 1) == expected


def test_pass_4_swaps_the_sides():
    passes = Passes(S, C, CTOS, STOC)
    assert prove(credentials("HLS6"), passes, lambda: 1) == hashlib.sha256(SECRET + S + C + CTOS + STOC).digest()


@pytest.mark.parametrize(("suite", "digest"), [(SUITES[0], hashes.SHA256()), (SUITES[1], hashes.SHA384())])
def test_hls_7_signs_titles_and_challenges(suite, digest):
    ours, theirs = curves(suite)
    proof = prove(credentials("HLS7", asymmetric=ours), PASS_3, lambda: 1)
    size = len(proof) // 2
    der = utils.encode_dss_signature(int.from_bytes(proof[:size], "big"), int.from_bytes(proof[size:], "big"))
    ours.signing.public_key().verify(der, C + S + STOC + CTOS, ec.ECDSA(digest))
    verify(credentials("HLS7", asymmetric=theirs), PASS_3, proof)


@pytest.mark.parametrize("mechanism", ["HLS2", "HLS3", "HLS4", "HLS5", "HLS6", "HLS7"])
def test_any_flipped_bit_of_a_proof_is_refused(mechanism):
    judge = credentials(mechanism, asymmetric=THEIRS)
    proof = prove(credentials(mechanism), PASS_3, lambda: 1)
    verify(judge, PASS_3, proof)
    for bit in range(len(proof) * 8):
        flipped = bytearray(proof)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SecurityError):
            verify(judge, PASS_3, bytes(flipped))
    for wrong in (b"", proof[:-1], proof + b"\x00"):
        with pytest.raises(SecurityError):
            verify(judge, PASS_3, wrong)


@pytest.mark.parametrize(
    ("mechanism", "missing", "reason"),
    [
        ("HLS2", {"function": None}, "hls_function is not set"),
        ("HLS3", {"weak_hashes_allowed": False}, "MD5, which is broken"),
        ("HLS4", {"weak_hashes_allowed": False}, "SHA-1, which is broken"),
        ("HLS6", {"secret": None}, "hls_secret is not set"),
        ("HLS6", {"secret": Secret(b"")}, "hls_secret is not set"),
        ("HLS5", {"keys": None}, "keys are not set"),
        ("HLS7", {"asymmetric": None}, "peer_signing is not set"),
        ("HLS7", {"asymmetric": AsymmetricKeys(SecuritySuite.SUITE_1, OURS.signing)}, "peer_signing is not set"),
    ],
)
def test_credentials_that_are_missing(mechanism, missing, reason):
    with pytest.raises(SettingError, match=reason):
        credentials(mechanism, **missing)


def test_credentials_show_no_secret():
    shown = repr(credentials("HLS6"))
    assert SECRET.decode() not in shown
    assert "d0d1" not in shown
    assert "function" not in shown
    assert "signing=" not in repr(OURS).replace("peer_signing=", "")


@pytest.mark.parametrize("suite", SUITES)
def test_points_there_and_back(suite):
    public = key(9, suite).public_key()
    assert decode_point(encode_point(public), suite) == public
    with pytest.raises(SecurityError, match="no point of the curve"):
        decode_point(b"\x01" * len(encode_point(public)), suite)
    with pytest.raises(SecurityError, match="bytes; suite"):
        decode_point(encode_point(public)[1:], suite)


def test_keys_of_another_curve_and_of_no_suite():
    with pytest.raises(SettingError, match="needs secp384r1"):
        AsymmetricKeys(SecuritySuite.SUITE_2, key(1, SecuritySuite.SUITE_1))
    with pytest.raises(SettingError, match="suite 0 has no elliptic curve"):
        AsymmetricKeys(SecuritySuite.SUITE_0)
    with pytest.raises(SettingError, match="must be 40"):
        private_key(bytes(32), SecuritySuite.SUITE_1)
    with pytest.raises(SettingError, match="signing is not set"):
        AsymmetricKeys(SecuritySuite.SUITE_1).sign(b"")
    with pytest.raises(SecurityError, match="public signing key of the peer is not set"):
        AsymmetricKeys(SecuritySuite.SUITE_1).verify(b"", bytes(64))
