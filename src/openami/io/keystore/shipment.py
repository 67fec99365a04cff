"""A maker's shipment: the keys of new meters in one file, ciphered for one recipient and signed by the maker.

    magic and newline     19 bytes
    ephemeral point       64 bytes, x and y on P-256
    nonce                 12 bytes
    ciphertext and tag    MessagePack of the meters, AES-256-GCM; all that stands before is authenticated with it
    signature             64 bytes, ECDSA P-256 with SHA-256 over all that stands before

The key is HKDF of the common point of the ephemeral key and the recipient's. The signature is verified before anything
is deciphered. This is our own format: makers' formats differ, and each is converted to it where it arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.dlms.asymmetric import (
    EXTRA,
    PublicKey,
    decode_point,
    encode_point,
    private_key,
    verify_signature,
)
from openami.protocols.dlms.key_agreement import shared_secret
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.keys import Agreement, Signer

MAGIC = b"OPENAMI-SHIPMENT-1\n"
SHIPMENT_BYTES_MAX = 64 << 20
_SUITE = SecuritySuite.SUITE_1
_POINT_BYTES = 64
_NONCE_BYTES = 12
_SIGNATURE_BYTES = 64
_HEAD_BYTES = len(MAGIC) + _POINT_BYTES + _NONCE_BYTES
_KEY_BYTES = 16
_TITLE_BYTES = 8


class ShippedMeter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One meter as its maker delivers it. Keys are suite 0 or 1; points (x and y) may be empty."""

    serial: str
    system_title: bytes
    encryption_key: bytes
    authentication_key: bytes
    master_key: bytes
    signing_point: bytes = b""
    agreement_point: bytes = b""

    def __repr__(self) -> str:
        return f"ShippedMeter({self.serial!r}, {self.system_title.hex()})"


_METERS: msgspec.msgpack.Decoder[list[ShippedMeter]] = msgspec.msgpack.Decoder(list[ShippedMeter])


def seal_shipment(
    meters: Iterable[ShippedMeter], maker: Signer, recipient: PublicKey, random: Callable[[int], bytes]
) -> bytes:
    """The file of a shipment."""
    ephemeral = private_key(random(32 + EXTRA), _SUITE)
    nonce = random(_NONCE_BYTES)
    head = MAGIC + encode_point(ephemeral.public_key()) + nonce
    cipher = _cipher(shared_secret(ephemeral, recipient), head)
    octets = head + cipher.encrypt(nonce, msgspec.msgpack.encode(list(meters)), head)
    return octets + maker.sign(octets)


def open_shipment(raw: bytes, maker: PublicKey, own: Agreement) -> list[ShippedMeter]:
    """The meters of a shipment that `maker` signed for us.

    Raises `DecodeError` if it is none, `SecurityError` if another signed it, it is for another, or keys are no keys.
    """
    if not raw.startswith(MAGIC) or not _HEAD_BYTES + _SIGNATURE_BYTES < len(raw) <= SHIPMENT_BYTES_MAX:
        raise DecodeError(f"{len(raw)} bytes are no shipment", 0, ("Shipment",))
    octets, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    verify_signature(maker, _SUITE, octets, signature)
    head = octets[:_HEAD_BYTES]
    point = decode_point(head[len(MAGIC) : len(MAGIC) + _POINT_BYTES], _SUITE)
    try:
        plain = _cipher(own.shared_secret(point), head).decrypt(head[-_NONCE_BYTES:], octets[_HEAD_BYTES:], head)
        meters = _METERS.decode(plain)
    except InvalidTag:
        raise SecurityError("the shipment is ciphered for another recipient") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError(f"the shipment's list cannot be read: {error}", _HEAD_BYTES, ("Shipment",)) from error
    check_keys(meters)
    return meters


def check_keys(meters: Sequence[ShippedMeter]) -> None:
    """Raise `SecurityError` for keys that several meters share, that can be guessed, or that are none."""
    seen: dict[bytes, str] = {}
    titles: dict[bytes, None] = {}
    for meter in meters:
        if len(meter.system_title) != _TITLE_BYTES or meter.system_title in titles:
            raise SecurityError(f"meter {meter.serial}: its system title is none, or another meter's too")
        titles[meter.system_title] = None
        for name in ("encryption_key", "authentication_key", "master_key"):
            key = getattr(meter, name)
            if len(key) != _KEY_BYTES or guessable(key, meter):
                raise SecurityError(f"meter {meter.serial}: its {name.replace('_', ' ')} can be guessed, or is none")
            if key in seen:
                raise SecurityError(f"meter {meter.serial}: its {name.replace('_', ' ')} is one of {seen[key]} too")
            seen[key] = meter.serial


def guessable(key: bytes, meter: ShippedMeter) -> bool:
    """Whether a key follows a pattern that attackers try first.

    One octet repeated, octets in steps, a period of two to eight octets, printable text, or the serial number or system
    title within it.
    """
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    periods = any(key == (key[:size] * len(key))[: len(key)] for size in range(1, 9))
    told = (meter.serial.encode(), meter.system_title, meter.system_title[::-1])
    printable = all(0x20 <= octet < 0x7F for octet in key)
    return len(steps) == 1 or periods or printable or any(len(text) >= 4 and text in key for text in told)


def _cipher(z: bytes, head: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, head).derive(z))
