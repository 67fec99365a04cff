"""Tags of plain APDUs and of their ciphered forms."""

from __future__ import annotations

from typing import Final

from openami.model.errors import SecurityError

GENERAL_GLO: Final = 0xDB
GENERAL_DED: Final = 0xDC
GENERAL_CIPHERING: Final = 0xDD
GENERAL_SIGNING: Final = 0xDF
GENERAL_BLOCK_TRANSFER: Final = 0xE0
"""Carries protected APDUs in blocks; is not protected itself."""
_INITIATE: Final = (0x01, 0x08)
_SHORT_NAME: Final = (0x05, 0x06, 0x0C, 0x0D, 0x0E, 0x16, 0x18)
_LOGICAL_NAME: Final = (0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC7)
GLOBAL_TAGS: Final = {
    **{tag: tag | 0x20 for tag in (*_INITIATE, *_SHORT_NAME)},
    **{tag: tag | 0x08 for tag in _LOGICAL_NAME},
}
"""Plain APDUs and their glo-ciphered forms: initiate, short-name services, confirmed-service-error, GET, SET, EVENT,
ACTION. Every other APDU has only the general forms."""
DEDICATED_TAGS: Final = {
    **{tag: tag | 0x40 for tag in _SHORT_NAME},
    **{tag: tag | 0x10 for tag in _LOGICAL_NAME},
}
PLAIN_TAGS: Final = {ciphered: tag for tags in (GLOBAL_TAGS, DEDICATED_TAGS) for tag, ciphered in tags.items()}
CIPHERED_TAGS: Final = frozenset(PLAIN_TAGS) | {GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING, GENERAL_SIGNING}


def check_protected(tag: int, *, protected: bool, plain_allowed: frozenset[int] = frozenset()) -> bool:
    """Whether the APDU that begins with `tag` is ciphered; raises `SecurityError` where it must not be as it is.

    `protected` tells an association with ciphering, in which only the tags `plain_allowed` may come in the clear.
    """
    if tag not in CIPHERED_TAGS:
        if protected and tag not in plain_allowed:
            raise SecurityError(f"plain APDU {tag:02X} in a protected association: refused")
        return False
    if not protected:
        raise SecurityError(f"ciphered APDU {tag:02X} in an association without ciphering: refused")
    return True
