"""Checkpoints of a log as text (C2SP signed-note and tlog-checkpoint), signed by the log and cosigned by witnesses.

    openami.localhost/guard          origin
    4711                             leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — openami.localhost/guard +hash and signature in base64
    — witness.example         +hash, time and signature in base64 (cosignature/v1)

Written from the published descriptions of C2SP. Signatures are Ed25519.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openami.model.errors import DecodeError, SecurityError, SettingError

NOTE_BYTES_MAX: Final = 16_384
SIGNATURES_MAX: Final = 32
_DASH: Final = "\u2014 "
_LOG: Final = b"\x01"
_WITNESS: Final = b"\x04"
_HASH_BYTES: Final = 32
_ID_BYTES: Final = 4
_TIME: Final = struct.Struct(">Q")
_SIZE_DIGITS_MAX: Final = 18


class Checkpoint(NamedTuple):
    """The head of a log: whose, how many leaves, their root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class LogKey:
    """Whose key signs the checkpoints of `origin`."""

    origin: str
    public_key: Ed25519PublicKey = field(repr=False)

    @property
    def id(self) -> bytes:
        """Four octets that stand before each of its signatures."""
        return _key_id(self.origin, _LOG, self.public_key)


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Whose key cosigns as the witness `name`."""

    name: str
    public_key: Ed25519PublicKey = field(repr=False)

    @property
    def id(self) -> bytes:
        """Four octets that stand before each of its cosignatures."""
        return _key_id(self.name, _WITNESS, self.public_key)


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The note with the log's own signature."""
    text = checkpoint.text()
    _check_name(checkpoint.origin)
    own = LogKey(checkpoint.origin, key.public_key())
    return f"{text}\n{_line(checkpoint.origin, own.id + key.sign(text.encode()))}"


def cosign(note: str, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """The line that a witness adds: it has seen this head, at `at` (UTC seconds), and none that contradicts it."""
    text = note.partition("\n\n")[0] + "\n"
    own = WitnessKey(_check_name(name), key.public_key())
    return _line(name, own.id + _TIME.pack(at) + key.sign(_cosigned(text, at)))


def read_checkpoint(note: str, key: LogKey) -> Checkpoint:
    """The checkpoint in `note` once the log's signature holds; raises `DecodeError` or `SecurityError`."""
    text, signatures = _parts(note)
    for name, raw in signatures:
        if name == key.origin and raw[:_ID_BYTES] == key.id:
            _verify(key.public_key, raw[_ID_BYTES:], text.encode(), name)
            return _checkpoint(text, key.origin)
    raise SecurityError(f"the note is not signed by the log {key.origin}")


def witnessed(note: str, key: WitnessKey) -> int:
    """When the witness has cosigned `note` (UTC seconds); raises `DecodeError` or `SecurityError`."""
    text, signatures = _parts(note)
    for name, raw in signatures:
        if name == key.name and raw[:_ID_BYTES] == key.id and len(raw) > _ID_BYTES + _TIME.size:
            (at,) = _TIME.unpack_from(raw, _ID_BYTES)
            _verify(key.public_key, raw[_ID_BYTES + _TIME.size :], _cosigned(text, at), name)
            return int(at)
    raise SecurityError(f"the note is not cosigned by the witness {key.name}")


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _key_id(name: str, kind: bytes, key: Ed25519PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + kind + key.public_bytes_raw()).digest()[:_ID_BYTES]


def _line(name: str, octets: bytes) -> str:
    return f"{_DASH}{name} {b64encode(octets).decode()}\n"


def _check_name(name: str) -> str:
    if not name or any(sign.isspace() or sign == "+" for sign in name):
        raise SettingError(f"{name!r} cannot be the name of a log or witness: it has no spaces and no +")
    return name


def _verify(key: Ed25519PublicKey, signature: bytes, octets: bytes, name: str) -> None:
    try:
        key.verify(signature, octets)
    except InvalidSignature:
        raise SecurityError(f"the signature of {name} does not match") from None


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text, and each signature with its name; raises `DecodeError`."""
    text, gap, rest = note.partition("\n\n")
    lines = rest.split("\n")
    if len(note) > NOTE_BYTES_MAX or not gap or lines.pop() != "" or not 1 <= len(lines) <= SIGNATURES_MAX:
        raise DecodeError("this is no signed note", 0, ("note",))
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name or not space:
        raise DecodeError("a signature line begins with a dash and a name", 0, ("note", "signature"))
    return name, _octets(encoded)


def _octets(encoded: str) -> bytes:
    try:
        raw = b64decode(encoded.encode("ascii"), validate=True)
    except ValueError as error:
        raise DecodeError(f"this is no base64: {error}", 0, ("note",)) from None
    if b64encode(raw).decode() != encoded:
        raise DecodeError("this is not the only form of its base64", 0, ("note",))
    return raw


def _checkpoint(text: str, origin: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or lines[0] != origin:
        raise DecodeError(f"this is no checkpoint of {origin}", 0, ("note", "origin"))
    size, root = lines[1], _octets(lines[2])
    canonical = size == "0" or (size.isascii() and size.isdigit() and not size.startswith("0"))
    if not canonical or len(size) > _SIZE_DIGITS_MAX or len(root) != _HASH_BYTES:
        raise DecodeError("size or root is out of bounds", 0, ("note", "size"))
    return Checkpoint(origin, int(size), root)
