"""Protected APDUs as they travel: a tag that says which service is inside, and octets that only keys open.

`content` is the security header (security control, invocation counter), the ciphertext and the authentication
tag; `openami.protocols.dlms.security` opens and closes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar, Final

from openami.protocols.dlms.axdr import OCTET_STRING, enumerated, put_length, take_length
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, declared
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32

SECURITY_HEADER_SIZE: Final = 5  # security control and invocation counter


class CipheredTag(IntEnum):
    """Tags of the service-specific ciphered APDUs: global key (GLO) or dedicated key (DED)."""

    GLO_INITIATE_REQUEST = 0x21
    GLO_READ_REQUEST = 0x25
    GLO_WRITE_REQUEST = 0x26
    GLO_INITIATE_RESPONSE = 0x28
    GLO_READ_RESPONSE = 0x2C
    GLO_WRITE_RESPONSE = 0x2D
    GLO_CONFIRMED_SERVICE_ERROR = 0x2E
    GLO_UNCONFIRMED_WRITE_REQUEST = 0x36
    GLO_INFORMATION_REPORT_REQUEST = 0x38
    DED_INITIATE_REQUEST = 0x41
    DED_READ_REQUEST = 0x45
    DED_WRITE_REQUEST = 0x46
    DED_INITIATE_RESPONSE = 0x48
    DED_READ_RESPONSE = 0x4C
    DED_WRITE_RESPONSE = 0x4D
    DED_CONFIRMED_SERVICE_ERROR = 0x4E
    DED_UNCONFIRMED_WRITE_REQUEST = 0x56
    DED_INFORMATION_REPORT_REQUEST = 0x58
    GLO_GET_REQUEST = 0xC8
    GLO_SET_REQUEST = 0xC9
    GLO_EVENT_NOTIFICATION_REQUEST = 0xCA
    GLO_ACTION_REQUEST = 0xCB
    GLO_GET_RESPONSE = 0xCC
    GLO_SET_RESPONSE = 0xCD
    GLO_ACTION_RESPONSE = 0xCF
    DED_GET_REQUEST = 0xD0
    DED_SET_REQUEST = 0xD1
    DED_EVENT_NOTIFICATION_REQUEST = 0xD2
    DED_ACTION_REQUEST = 0xD3
    DED_GET_RESPONSE = 0xD4
    DED_SET_RESPONSE = 0xD5
    DED_ACTION_RESPONSE = 0xD7


def _take_content(cursor: Cursor) -> bytes:
    """An octet string with a security header, whose parts are explained when asked."""
    start = cursor.position
    length = take_length(cursor)
    cursor.note("length", start, length)
    if cursor.spans is None or length < SECURITY_HEADER_SIZE:
        start = cursor.position
        content = cursor.take(length)
        cursor.note("ciphertext", start, content)
        return content
    start = cursor.position
    cursor.inside(length, _explain_content)
    return cursor.data[start : cursor.position]


def _explain_content(cursor: Cursor) -> None:
    cursor.field("security_control", UNSIGNED8.decode)
    cursor.field("invocation_counter", UNSIGNED32.decode)
    cursor.field("ciphertext", Cursor.take_rest)


CIPHERED_CONTENT: Final = Codec("content", _take_content, OCTET_STRING.encode)
_CIPHERED_TAG: Final = enumerated(CipheredTag, "tag of a ciphered APDU")


@dataclass(frozen=True, slots=True)
class Ciphered:
    """A service-specific ciphered APDU. Its codec includes the tag."""

    tag: CipheredTag
    content: bytes

    CODEC: ClassVar[Codec[Ciphered]]

    def encode(self, out: bytearray) -> None:
        """Append the tag and the content with its length."""
        out.append(self.tag)
        put_length(len(self.content), out)
        out += self.content


def _decode(cursor: Cursor) -> Ciphered:
    return Ciphered(cursor.field("tag", _CIPHERED_TAG.decode), cursor.field("content", CIPHERED_CONTENT.decode))


Ciphered.CODEC = Codec("Ciphered", _decode, Ciphered.encode)


@declared
class GeneralGloCiphering:
    """Any APDU under the global key of the sender `system_title`."""

    system_title: Annotated[bytes, OCTET_STRING]
    content: Annotated[bytes, CIPHERED_CONTENT]


@declared
class GeneralDedCiphering:
    """Any APDU under the dedicated key of the association with the sender `system_title`."""

    system_title: Annotated[bytes, OCTET_STRING]
    content: Annotated[bytes, CIPHERED_CONTENT]
