"""Opening protected APDUs when it is not known which key is which: the tag tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product

from openami.model.errors import DecodeError, SecurityError, SettingError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.security import (
    HEADER_SIZE,
    SYSTEM_TITLE_SIZE,
    TAG_SIZE,
    SecurityControl,
    SecurityKeys,
    SecuritySuite,
    read_header,
    unprotect,
)

TITLES_MAX = 64
_SUITE = 0x0F


class KeyRing:
    """Some keys, and the system titles that were given or seen on the way.

    Every pair of keys is tried as encryption and authentication key, with every title; what verifies is right.
    An APDU that is ciphered without a tag is taken only if what comes out is an APDU.
    """

    def __init__(self, keys: Sequence[bytes] = (), system_titles: Sequence[bytes] = ()) -> None:
        for key in keys:
            if len(key) not in {16, 32}:
                raise SettingError(f"a key has 16 or 32 bytes, not {len(key)}")
        for title in system_titles:
            if len(title) != SYSTEM_TITLE_SIZE:
                raise SettingError(f"a system title has 8 bytes, not {len(title)}")
        self._keys = tuple(keys)
        self._titles = list(system_titles)

    def learn(self, system_title: bytes) -> None:
        """Remember a system title that a message showed."""
        if len(system_title) == SYSTEM_TITLE_SIZE and system_title not in self._titles:
            self._titles.append(system_title)
            del self._titles[:-TITLES_MAX]

    def open(self, content: bytes, system_title: bytes | None = None, *, additional: bytes = b"") -> bytes:
        """The plaintext of a protected APDU; raise `SecurityError` that says what is missing or wrong.

        `additional` is what its tag covers besides (the header of general-ciphering).
        """
        control = read_header(content).control
        titles = self._titles if system_title is None else [system_title]
        if not self._keys:
            raise SecurityError("ciphered; give its keys with --key")
        if not titles:
            raise SecurityError("ciphered; the sender's system title is not known: give it with --system-title")
        for keys, title in product(self._pairs(control), titles):
            with suppress(SecurityError):
                plaintext = _open(keys, title, content, control, additional)
                if plaintext is not None:
                    return plaintext
        raise SecurityError(f"none of {len(self._keys)} keys opens it with {len(titles)} known system titles")

    def open_unverified(self, content: bytes, system_title: bytes | None = None) -> bytes | None:
        """What may be the plaintext of a protected APDU whose authentication key is not there; None if nothing is.

        The tag is not checked: whoever shows this says so. It is taken only if what comes out is an APDU.
        """
        header = read_header(content)
        if not header.control & SecurityControl.ENCRYPTION or len(content) < HEADER_SIZE + TAG_SIZE:
            return None
        control = header.control & ~SecurityControl.AUTHENTICATION
        bare = bytes((control,)) + content[1:-TAG_SIZE]
        titles = self._titles if system_title is None else [system_title]
        for keys, title in product(self._pairs(control), titles):
            with suppress(SecurityError):
                plaintext = _open(keys, title, bare, control, b"")
                if plaintext is not None:
                    return plaintext
        return None

    def _pairs(self, control: int) -> Iterator[SecurityKeys]:
        try:
            suite = SecuritySuite(control & _SUITE)
        except ValueError as error:
            raise SecurityError(f"security control {control:02X} names suite {control & _SUITE}, unknown") from error
        fitting = [key for key in self._keys if len(key) == suite.key_size]
        for encryption, authentication in product(fitting, repeat=2):
            yield SecurityKeys(encryption, authentication, encryption, encryption, suite)


def _open(keys: SecurityKeys, title: bytes, content: bytes, control: int, additional: bytes) -> bytes | None:
    required = control & (SecurityControl.AUTHENTICATED_ENCRYPTION | SecurityControl.BROADCAST)
    plaintext = unprotect(keys, title, content, required=required, additional=additional)
    if control & SecurityControl.AUTHENTICATION:
        return plaintext
    try:
        decode_apdu(plaintext)
    except DecodeError:
        return None
    return plaintext
