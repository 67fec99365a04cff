"""Passwords: hashed with their salt and cost, verified, hashed again when the cost has changed."""

from __future__ import annotations

import hashlib
from base64 import b64decode

from openami.portal.passwords import hash_password, is_dated, verify_password


def salt(count):
    return bytes(range(count))


def test_right_and_wrong_passwords():
    stored = hash_password("correct horse", 12, salt)
    assert verify_password("correct horse", stored)
    assert not verify_password("correct horsf", stored)
    assert not verify_password("", stored)


def test_the_hash_is_scrypt_with_the_stated_parameters():
    kind, log2_n, r, p, _, digest = hash_password("correct horse", 12, salt).split("$")
    expected = hashlib.scrypt(b"correct horse", salt=salt(16), n=1 << 12, r=8, p=3, dklen=32)
    assert (kind, log2_n, r, p) == ("scrypt", "12", "8", "3")
    assert b64decode(digest) == expected


def test_the_same_letters_typed_differently_are_the_same_password():
    assert verify_password("e\u0301te\u0301 2024", hash_password("\u00e9t\u00e9 2024", 12, salt))


def test_another_cost_is_dated():
    stored = hash_password("correct horse", 12, salt)
    assert not is_dated(stored, 12)
    assert is_dated(stored, 13)
