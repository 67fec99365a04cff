"""Passwords as they are kept: scrypt with its cost and salt beside it."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable

BLOCK_SIZE = 8
PARALLEL = 3
SALT_BYTES = 16
LONGEST = 1024


def hash_password(password: str, log2_n: int, random: Callable[[int], bytes]) -> str:
    """The text `scrypt$log2_n$r$p$salt$hash` that `verify_password` accepts for the same password."""
    salt = random(SALT_BYTES)
    digest = _scrypt(password, salt, log2_n, BLOCK_SIZE, PARALLEL)
    return "$".join(("scrypt", str(log2_n), str(BLOCK_SIZE), str(PARALLEL), _text(salt), _text(digest)))


def verify_password(password: str, stored: str) -> bool:
    """Whether `password` is the one that was hashed. Takes the same time for right and wrong ones."""
    _, log2_n, r, p, salt, digest = stored.split("$")
    actual = _scrypt(password, b64decode(salt), int(log2_n), int(r), int(p))
    return hmac.compare_digest(actual, b64decode(digest))


def is_dated(stored: str, log2_n: int) -> bool:
    """Whether `stored` was hashed at another cost than today's and should be hashed again."""
    return stored.split("$")[1:4] != [str(log2_n), str(BLOCK_SIZE), str(PARALLEL)]


def _scrypt(password: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    text = unicodedata.normalize("NFKC", password[:LONGEST]).encode("utf-8", "surrogatepass")
    memory = 128 * r * ((1 << log2_n) + p + 2)
    return hashlib.scrypt(text, salt=salt, n=1 << log2_n, r=r, p=p, maxmem=memory, dklen=32)


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
