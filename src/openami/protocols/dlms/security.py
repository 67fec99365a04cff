"""Protection of xDLMS APDUs with AES-GCM: what glo-, ded- and general-glo-ciphering have in common.

The content of a ciphered APDU is security control (1 byte), invocation counter (4), then by the control byte

* authentication and encryption: ciphertext, tag (12); additional data = control, authentication key
* authentication only: plaintext, tag (12); additional data = control, authentication key, plaintext
* encryption only: ciphertext, no tag, no additional data

The nonce is the sender's system title (8) and the invocation counter (4). (Facts from open sources, checked
against the published examples; see the tests.) Plaintext leaves `unprotect` only after its tag was compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from functools import lru_cache
from hmac import compare_digest
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openami.model.errors import SecurityError, SettingError

TAG_SIZE = 12
HEADER_SIZE = 5
SYSTEM_TITLE_SIZE = 8

_AUTHENTICATION = 0x10
_ENCRYPTION = 0x20
_BROADCAST = 0x40
_COMPRESSION = 0x80
_SUITE = 0x0F


class SecuritySuite(IntEnum):
    """Security suites; all of them cipher with AES-GCM and differ here only in the size of the keys."""

    SUITE_0 = 0
    SUITE_1 = 1
    SUITE_2 = 2

    @property
    def key_size(self) -> int:
        """Bytes of an encryption or authentication key."""
        return 32 if self == SecuritySuite.SUITE_2 else 16

    @property
    def curve_size(self) -> int:
        """Bytes of a coordinate of the suite's elliptic curve; 0 in suite 0, which has none."""
        return (0, 32, 48)[self]


class SecurityControl(IntFlag):
    """Bits of the security control byte; the low four bits are the security suite."""

    NONE = 0
    AUTHENTICATION = _AUTHENTICATION
    ENCRYPTION = _ENCRYPTION
    AUTHENTICATED_ENCRYPTION = _AUTHENTICATION | _ENCRYPTION
    BROADCAST = _BROADCAST
    COMPRESSION = _COMPRESSION


class Secret:
    """Bytes that never show themselves: neither in text, nor in a log, nor in the text of an exception."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """The secret bytes, for the one place that needs them."""
        return self._value

    def matches(self, other: bytes) -> bool:
        """Compare in constant time."""
        return compare_digest(self._value, other)

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"<{len(self._value)} bytes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # Python's word for what has no hash; typeshed has none


@dataclass(frozen=True, slots=True)
class SecurityKeys:
    """The symmetric keys of one meter as one client knows them; 16 bytes each, 32 in suite 2."""

    global_unicast_encryption_key: bytes = field(repr=False)
    authentication_key: bytes = field(repr=False)
    global_broadcast_encryption_key: bytes | None = field(default=None, repr=False)
    dedicated_key: bytes | None = field(default=None, repr=False)
    suite: SecuritySuite = SecuritySuite.SUITE_0
    master_key: bytes | None = field(default=None, repr=False)
    """Wraps other keys, and ciphers nothing else."""

    def __post_init__(self) -> None:
        size = self.suite.key_size
        for name in (
            "global_unicast_encryption_key",
            "authentication_key",
            "global_broadcast_encryption_key",
            "dedicated_key",
            "master_key",
        ):
            key = getattr(self, name)
            if key is not None and len(key) != size:
                raise SettingError(f"{name} has {len(key)} bytes; security suite {int(self.suite)} needs {size}")


class SecurityHeader(NamedTuple):
    """The first five bytes of the content of a ciphered APDU."""

    control: int
    invocation_counter: int


def read_header(content: bytes) -> SecurityHeader:
    """The security header of `content`; raise `SecurityError` if it is too short to have one."""
    if len(content) < HEADER_SIZE:
        raise SecurityError(f"ciphered APDU of {len(content)} bytes has no room for its security header of 5 bytes")
    return SecurityHeader(content[0], int.from_bytes(content[1:5], "big"))


def protect(
    keys: SecurityKeys,
    system_title: bytes,
    counter: int,
    control: int,
    plaintext: bytes,
    *,
    dedicated: bool = False,
    additional: bytes = b"",
) -> bytes:
    """The content of a ciphered APDU: control, counter, then `plaintext` protected as the control byte says.

    `system_title` is the sender's; `additional` is what the tag covers besides.
    A counter must never be used twice with one key (see `SendCounter`).
    """
    encryption_key = _encryption_key(keys, control, dedicated)
    header = control.to_bytes(1, "big") + counter.to_bytes(4, "big")
    nonce = system_title + header[1:]
    cipher = aes_gcm(encryption_key)
    protection = control & (_AUTHENTICATION | _ENCRYPTION)
    if protection == _AUTHENTICATION | _ENCRYPTION:
        return header + cipher.encrypt(nonce, plaintext, header[:1] + keys.authentication_key + additional)[:-4]
    if protection == _AUTHENTICATION:
        aad = header[:1] + keys.authentication_key + additional + plaintext
        tag = cipher.encrypt(nonce, b"", aad)[:TAG_SIZE]
        return header + plaintext + tag
    return header + cipher.encrypt(nonce, plaintext, None)[:-16]


def unprotect(
    keys: SecurityKeys,
    system_title: bytes,
    content: bytes,
    *,
    required: int = _AUTHENTICATION | _ENCRYPTION,
    dedicated: bool = False,
    additional: bytes = b"",
) -> bytes:
    """The plaintext of `content` from the sender `system_title`.

    `required` is the least protection that is accepted; a control byte with less is refused whatever follows,
    and so is the broadcast key, which a whole fleet shares, unless `required` says BROADCAST.
    Raises `SecurityError`; nothing decrypted leaves before the tag was compared. Encryption without
    authentication has no tag: whoever accepts it (`required=ENCRYPTION`) reads unverified bytes.
    """
    if len(content) < HEADER_SIZE:
        read_header(content)
    control = content[0]
    check_control(control, int(required))
    cipher = aes_gcm(_encryption_key(keys, control, dedicated))
    nonce = system_title + content[1:HEADER_SIZE]
    if not control & _AUTHENTICATION:
        return cipher.encrypt(nonce, content[HEADER_SIZE:], None)[:-16]
    if len(content) < HEADER_SIZE + TAG_SIZE:
        raise SecurityError(f"ciphered APDU of {len(content)} bytes has no room for its tag of {TAG_SIZE} bytes")
    body, tag = content[HEADER_SIZE:-TAG_SIZE], content[-TAG_SIZE:]
    aad = content[:1] + keys.authentication_key + additional
    if control & _ENCRYPTION:
        return _open(cipher, nonce, body, tag, aad)
    verify_tag(cipher.encrypt(nonce, b"", aad + body)[:TAG_SIZE], tag)
    return body


def check_control(control: int, required: int) -> None:
    """Raise `SecurityError` if `control` protects less than `required`, or with a key that more people have."""
    if (control & required) != required:
        raise SecurityError(f"security control {control:02X} protects less than the required {required:02X}: refused")
    if (control ^ required) & _BROADCAST:
        key = "broadcast" if control & _BROADCAST else "unicast"
        raise SecurityError(f"security control {control:02X} names the {key} key, which is not the one agreed: refused")


def gmac(keys: SecurityKeys, system_title: bytes, counter: int, control: int, text: bytes) -> bytes:
    """The tag (12 bytes) over `text` alone, as HLS 5 uses it: authentication without encryption."""
    nonce = system_title + counter.to_bytes(4, "big")
    aad = control.to_bytes(1, "big") + keys.authentication_key + text
    return aes_gcm(keys.global_unicast_encryption_key).encrypt(nonce, b"", aad)[:TAG_SIZE]


def verify_tag(expected: bytes, received: bytes) -> None:
    """Compare two tags in constant time; raise `SecurityError` if they differ."""
    if not compare_digest(expected, received):
        raise SecurityError("authentication tag does not match: wrong key, wrong system title or altered bytes")


def check_system_title(system_title: bytes) -> bytes:
    """`system_title` itself if it has its eight bytes, otherwise `SecurityError`."""
    if len(system_title) != SYSTEM_TITLE_SIZE:
        raise SecurityError(f"system title {system_title.hex() or '(empty)'} has {len(system_title)} bytes, not 8")
    return system_title


@lru_cache(maxsize=4096)
def aes_gcm(key: bytes) -> AESGCM:
    """Setting a key up costs five times as much as ciphering an APDU, so a bounded number of ciphers is kept."""
    return AESGCM(key)


def _open(cipher: AESGCM, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
    """Decrypt and verify with a cipher object that only knows tags of 16 bytes, in two passes.

    Counter mode turns the ciphertext back into a candidate; protecting the candidate again gives the tag that
    it must have had. The candidate stays in here unless the tags agree.
    """
    candidate = cipher.encrypt(nonce, ciphertext, None)[:-16]
    verify_tag(cipher.encrypt(nonce, candidate, aad)[-16:-4], tag)
    return candidate


def _encryption_key(keys: SecurityKeys, control: int, dedicated: bool) -> bytes:
    """The encryption key that the control byte and the kind of ciphering choose."""
    if not control & (_AUTHENTICATION | _ENCRYPTION):
        raise SecurityError(f"security control {control:02X} asks for no protection at all: refused")
    if control & _COMPRESSION:
        raise SecurityError(f"security control {control:02X} asks for compression, which is not supported")
    if control & _SUITE != keys.suite:
        raise SecurityError(
            f"security control {control:02X} names suite {control & _SUITE}; the keys are of suite {int(keys.suite)}"
        )
    if dedicated:
        return _present(keys.dedicated_key, "dedicated key")
    if control & _BROADCAST:
        return _present(keys.global_broadcast_encryption_key, "global broadcast encryption key")
    return keys.global_unicast_encryption_key


def _present(key: bytes | None, name: str) -> bytes:
    if key is None:
        raise SecurityError(f"the APDU needs the {name}, which is not set")
    return key
