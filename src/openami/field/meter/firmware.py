"""Images that our meters accept: named, of known size, with a digest over all of it, and signed if the meter asks.

The format is our own; makers have theirs. Eight octets of magic, the identification with its length, the payload's
length (4 octets), SHA-256 of identification, length and payload, an Ed25519 signature of that digest with its
length (0 or 64), the payload.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openami import __version__
from openami.model.errors import DecodeError, SecurityError, SettingError
from openami.protocols.wire.cursor import Cursor, Limits

MAGIC: Final = b"OAMIMAGE"
IMAGE_BYTES_MAX: Final = 1 << 22
DIGEST_SIZE: Final = 32
SIGNATURE_SIZES: Final = (0, 64)


@dataclass(frozen=True, slots=True)
class FirmwareImage:
    """What a meter runs: `identification` is what it then reports, `digest` stands for all of it."""

    identification: bytes
    payload: bytes = field(repr=False)
    signature: bytes = b""

    def __post_init__(self) -> None:
        if not 1 <= len(self.identification) <= 48:
            raise SettingError(f"firmware identification has {len(self.identification)} bytes, must be 1 to 48")

    @property
    def digest(self) -> bytes:
        """SHA-256 of identification, length and payload."""
        return sha256(_head(self.identification, len(self.payload)) + self.payload).digest()

    def signed(self, sign: Callable[[bytes], bytes]) -> FirmwareImage:
        """The same image with the signature that `sign` makes of its digest."""
        return FirmwareImage(self.identification, self.payload, sign(self.digest))

    def __bytes__(self) -> bytes:
        head = _head(self.identification, len(self.payload))
        return head + self.digest + bytes((len(self.signature),)) + self.signature + self.payload


FACTORY_FIRMWARE: Final = FirmwareImage(__version__.encode("ascii"), b"")
"""What a meter runs until it is sent something else."""


def read_image(raw: bytes, maker_key: bytes | None = None) -> FirmwareImage:
    """The image in `raw`, whole and unharmed; with `maker_key` (raw Ed25519) signed by the maker too.

    Raises `DecodeError` or `SecurityError`.
    """
    cursor = Cursor(raw, Limits(bytes=IMAGE_BYTES_MAX))
    if cursor.take(len(MAGIC)) != MAGIC:
        raise DecodeError("this is no firmware image: it does not begin with OAMIMAGE", 0)
    identification = cursor.take(cursor.take(1)[0])
    size = int.from_bytes(cursor.take(4), "big")
    digest = cursor.take(DIGEST_SIZE)
    length = cursor.take(1)[0]
    if length not in SIGNATURE_SIZES:
        raise DecodeError(f"signature of {length} bytes, must be one of {SIGNATURE_SIZES}", cursor.position)
    signature = cursor.take(length)
    payload = raw[cursor.position :]
    if len(payload) != size:
        raise DecodeError(f"payload has {len(payload)} bytes, the header says {size}", cursor.position)
    try:
        image = FirmwareImage(identification, payload, signature)
    except SettingError as error:
        raise DecodeError(str(error), len(MAGIC)) from error
    if not compare_digest(image.digest, digest):
        raise DecodeError("the image is damaged: its digest does not match", len(MAGIC))
    if maker_key is not None:
        _verify(maker_key, image)
    return image


def _verify(maker_key: bytes, image: FirmwareImage) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(maker_key).verify(image.signature, image.digest)
    except InvalidSignature:
        raise SecurityError("the image is not signed by the maker whose key this meter holds: refused") from None


def _head(identification: bytes, size: int) -> bytes:
    return MAGIC + bytes((len(identification),)) + identification + size.to_bytes(4, "big")
