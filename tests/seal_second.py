"""A second implementation of the envelope that docs/reference/seal.md describes: no line of `openami` is used here.

Keys are agreed, derived and used with the primitives of `cryptography`; every octet string is put together by hand.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SUITE_1_AES_GCM_128 = bytes.fromhex("60857405080300")


def octets(value: bytes) -> bytes:
    """An octet-string with its length in the shortest form."""
    if len(value) < 0x80:
        return bytes((len(value),)) + value
    if len(value) < 0x100:
        return b"\x81" + bytes((len(value),)) + value
    return b"\x82" + len(value).to_bytes(2, "big") + value


def date_time(second: int) -> bytes:
    """12 octets in UTC: deviation 0, status 0, no hundredths."""
    at = datetime.fromtimestamp(second, UTC)
    head = at.year.to_bytes(2, "big") + bytes((at.month, at.day, at.isoweekday(), at.hour, at.minute, at.second))
    return head + b"\x00\x00\x00\x00"


def mandate(command: dict) -> bytes:
    """other-information."""
    return (
        b"\x01"
        + (b"\x01" if command["emergency"] else b"\x00")
        + command["time_to_live_s"].to_bytes(4, "big")
        + command["execute_at"].to_bytes(8, "big")
        + octets(bytes.fromhex(command["approval"]))
        + octets(bytes.fromhex(command["challenge"]))
        + octets(bytes.fromhex(command["subject"]))
    )


def to_be_signed(command: dict, authority: bytes) -> bytes:
    """Header and content of the general-signing APDU."""
    return (
        octets(command["counter"].to_bytes(8, "big"))
        + octets(authority)
        + octets(bytes.fromhex(command["recipient"]))
        + octets(date_time(command["issued_at"]))
        + octets(mandate(command))
        + octets(bytes.fromhex(command["apdu"]))
    )


def sign(command: dict, authority: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The authority's layer, with a deterministic signature (RFC 6979)."""
    body = to_be_signed(command, authority)
    r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return b"\xdf" + body + octets(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def verify(signed: bytes, key: ec.EllipticCurvePublicKey) -> None:
    """Raise InvalidSignature unless the last 64 octets sign what stands before their length."""
    r, s = (int.from_bytes(part, "big") for part in (signed[-64:-32], signed[-32:]))
    key.verify(encode_dss_signature(r, s), signed[1:-65], ec.ECDSA(hashes.SHA256()))


def envelope_key(z: bytes, guard: bytes, transaction: bytes, meter: bytes) -> bytes:
    """One-step derivation with SHA-256, cut to 16 octets."""
    other = SUITE_1_AES_GCM_128 + guard + octets(transaction) + meter
    return hashlib.sha256(b"\x00\x00\x00\x01" + z + other).digest()[:16]


def seal(signed: bytes, z: bytes, guard: bytes, meter: bytes, transaction: int, authentication_key: bytes) -> bytes:
    """The guard's layer."""
    number = transaction.to_bytes(8, "big")
    header = octets(number) + octets(guard) + octets(meter) + octets(b"") + octets(b"")
    key_info = b"\x01" + b"\x02" + octets(b"\x02") + octets(b"")
    control, counter = b"\x31", bytes(4)
    cipher = Cipher(algorithms.AES(envelope_key(z, guard, number, meter)), modes.GCM(guard + counter)).encryptor()
    cipher.authenticate_additional_data(control + authentication_key + header)
    ciphertext = cipher.update(signed) + cipher.finalize()
    return b"\xdd" + header + key_info + octets(control + counter + ciphertext + cipher.tag[:12])
