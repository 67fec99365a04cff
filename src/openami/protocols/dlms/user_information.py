"""The xDLMS APDU inside an ACSE APDU: kept as octets, explained when asked."""

from __future__ import annotations

from typing import Any, Final

from openami.protocols.dlms.ber import OCTETS, tagged
from openami.protocols.dlms.ciphered import Ciphered, CipheredTag
from openami.protocols.dlms.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, codec_of

_PLAIN: Final[dict[int, Codec[Any]]] = {
    0x01: codec_of(InitiateRequest),
    0x08: codec_of(InitiateResponse),
    0x0E: codec_of(ConfirmedServiceError),
}


def _take(cursor: Cursor) -> bytes:
    if cursor.spans is None or not cursor.remaining:
        return OCTETS.decode(cursor)
    start = cursor.position
    tag = cursor.peek()
    if tag in _PLAIN:
        cursor.u8()
        cursor.note("tag", start, tag)
        cursor.field(_PLAIN[tag].name, _PLAIN[tag].decode)
    elif tag in set(CipheredTag):
        cursor.field("Ciphered", Ciphered.CODEC.decode)
    else:
        OCTETS.decode(cursor)
    return cursor.data[start : cursor.position]


USER_INFORMATION: Final = tagged(0x04, Codec("user-information", _take, OCTETS.encode))
