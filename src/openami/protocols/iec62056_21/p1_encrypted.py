"""Encrypted P1: a telegram, or anything else, under AES-128-GCM in the form of DLMS general-glo-ciphering.

    db 08 system title (8)  82 length (2)  security control (1)  invocation counter (4)  ciphertext  tag (12)

The nonce is system title and counter. Meters differ in what the tag covers besides: security control and
authentication key, or nothing although the security control says authenticated. The caller says which.
(From the published Luxembourg examples of both kinds.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openami.model.errors import DecodeError, LocalProtocolError, SecurityError

TAG: Final = 0xDB
SECURITY_CONTROL: Final = 0x30
TAG_SIZE: Final = 12
HEADER_SIZE: Final = 18
SIZE_MAX: Final = (1 << 14) + HEADER_SIZE + TAG_SIZE
_TOLD_BY: Final = 14
"""So many octets say whether a telegram begins here, and how long it is."""
_BEGINS: Final = re.compile(rb"(?=\xdb\x08.{8}\x82..\x30)", re.DOTALL)
_FIRST_BLOCK: Final = b"\x00\x00\x00\x02"


class Authentication(Enum):
    """What the tag of a meter covers besides the ciphertext."""

    WITH_KEY = "security control and authentication key"
    WITHOUT_KEY = "nothing"
    UNVERIFIED = "not verified"
    """Open without looking at the tag: anybody may have written what comes out."""


@dataclass(frozen=True, slots=True)
class EncryptedTelegram:
    """The parts of an encrypted telegram, `sealed` being ciphertext and tag."""

    system_title: bytes
    security_control: int
    invocation_counter: int
    sealed: bytes

    @property
    def nonce(self) -> bytes:
        """System title and counter."""
        return self.system_title + self.invocation_counter.to_bytes(4, "big")


def size_of_encrypted(data: bytes | bytearray, at: int) -> int | None:
    """How long the encrypted telegram is that begins at `at`: 0 if none does, None if more octets must tell."""
    head = data[at : at + _TOLD_BY]
    wanted = bytes((TAG, 8))
    if head[:2] != wanted[: len(head)] or (len(head) > 10 and head[10] != 0x82):
        return 0
    if len(head) < _TOLD_BY:
        return None
    size = 13 + int.from_bytes(head[11:13], "big")
    return size if head[13] == SECURITY_CONTROL and HEADER_SIZE + TAG_SIZE <= size <= SIZE_MAX else 0


def find_encrypted(data: bytes | bytearray) -> tuple[int, int | None]:
    """Where an encrypted telegram begins and its size; None if it only may begin there, -1 if nowhere."""
    for found in _BEGINS.finditer(data):
        size = size_of_encrypted(data, found.start())
        if size:
            return found.start(), size
    at = data.find(TAG, max(0, len(data) - _TOLD_BY + 1))
    while at >= 0 and size_of_encrypted(data, at) is not None:
        at = data.find(TAG, at + 1)
    return at, None if at >= 0 else 0


def decode_encrypted(data: bytes) -> EncryptedTelegram:
    """The parts of one encrypted telegram; raises `DecodeError`."""
    if len(data) < HEADER_SIZE + TAG_SIZE or data[:2] != bytes((TAG, 8)) or data[10] != 0x82:
        raise DecodeError("an encrypted P1 telegram begins with db08, system title and 82", 0, ("P1",))
    size = int.from_bytes(data[11:13], "big")
    if size != len(data) - 13:
        raise DecodeError(f"{size} octets announced, {len(data) - 13} there", 11, ("P1", "length"))
    counter = int.from_bytes(data[14:HEADER_SIZE], "big")
    return EncryptedTelegram(data[2:10], data[13], counter, data[HEADER_SIZE:])


def open_p1(data: bytes, key: bytes, authentication: Authentication, authentication_key: bytes = b"") -> bytes:
    """What was encrypted; `SecurityError` if the tag does not fit, `DecodeError` if there is none."""
    telegram = decode_encrypted(data)
    if authentication is Authentication.UNVERIFIED:
        counter = modes.CTR(telegram.nonce + _FIRST_BLOCK)
        return Cipher(algorithms.AES(_checked(key)), counter).decryptor().update(telegram.sealed[:-TAG_SIZE])
    covered = _covered(telegram.security_control, authentication, authentication_key)
    ciphertext, tag = telegram.sealed[:-TAG_SIZE], telegram.sealed[-TAG_SIZE:]
    opener = Cipher(algorithms.AES(_checked(key)), modes.GCM(telegram.nonce, tag, TAG_SIZE)).decryptor()
    opener.authenticate_additional_data(covered)
    try:
        return opener.update(ciphertext) + opener.finalize()
    except InvalidTag:
        reason = f"wrong key, or the tag covers something other than {authentication.value}"
        raise SecurityError(f"P1 telegram of {telegram.system_title.hex()}: {reason}") from None


def seal_p1(
    plain: bytes,
    system_title: bytes,
    invocation_counter: int,
    key: bytes,
    authentication: Authentication = Authentication.WITH_KEY,
    authentication_key: bytes = b"",
) -> bytes:
    """`plain` as a meter sends it; a counter is never used twice with one key, which the caller sees to."""
    if len(system_title) != 8 or authentication is Authentication.UNVERIFIED:
        raise LocalProtocolError("sealing needs a system title of 8 octets and a tag")
    nonce = system_title + invocation_counter.to_bytes(4, "big")
    covered = _covered(SECURITY_CONTROL, authentication, authentication_key)
    sealed = AESGCM(_checked(key)).encrypt(nonce, plain, covered)[: len(plain) + TAG_SIZE]
    content = bytes((SECURITY_CONTROL,)) + nonce[8:] + sealed
    return bytes((TAG, 8)) + system_title + b"\x82" + len(content).to_bytes(2, "big") + content


def _covered(security_control: int, authentication: Authentication, authentication_key: bytes) -> bytes:
    if authentication is Authentication.WITHOUT_KEY:
        return b""
    return bytes((security_control,)) + _checked(authentication_key)


def _checked(key: bytes) -> bytes:
    if len(key) != 16:
        raise LocalProtocolError(f"keys of P1 have 16 octets, not {len(key)}")
    return key
