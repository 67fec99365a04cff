"""APDUs: the octets that stand in front of each structure, and the way from octets to structures and back."""

from __future__ import annotations

import re
from typing import Any, Final

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.access import AccessRequest, AccessResponse
from openami.protocols.dlms.acse import AARE, AARQ, RLRE, RLRQ, recounted
from openami.protocols.dlms.action import (
    ActionRequestNextPblock,
    ActionRequestNormal,
    ActionRequestWithFirstPblock,
    ActionRequestWithList,
    ActionRequestWithListAndFirstPblock,
    ActionRequestWithPblock,
    ActionResponseNextPblock,
    ActionResponseNormal,
    ActionResponseWithList,
    ActionResponseWithPblock,
)
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.ciphered import Ciphered, CipheredTag, GeneralDedCiphering, GeneralGloCiphering
from openami.protocols.dlms.exception import ExceptionResponse
from openami.protocols.dlms.general import GeneralCiphering, GeneralSigning
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer
from openami.protocols.dlms.get import (
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
)
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm, EventNotificationRequest
from openami.protocols.dlms.set import (
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetRequestWithList,
    SetRequestWithListAndFirstDatablock,
    SetResponseDatablock,
    SetResponseLastDatablock,
    SetResponseLastDatablockWithList,
    SetResponseNormal,
    SetResponseWithList,
)
from openami.protocols.dlms.short_name import (
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    WriteRequest,
    WriteResponse,
)
from openami.protocols.wire.cursor import DEFAULT_LIMITS, Cursor, Limits, Span
from openami.protocols.wire.declared import Codec

Apdu = (
    AARQ
    | AARE
    | RLRQ
    | RLRE
    | InitiateRequest
    | InitiateResponse
    | ConfirmedServiceError
    | GetRequestNormal
    | GetRequestNext
    | GetRequestWithList
    | GetResponseNormal
    | GetResponseWithDatablock
    | GetResponseWithList
    | SetRequestNormal
    | SetRequestWithFirstDatablock
    | SetRequestWithDatablock
    | SetRequestWithList
    | SetRequestWithListAndFirstDatablock
    | SetResponseNormal
    | SetResponseDatablock
    | SetResponseLastDatablock
    | SetResponseLastDatablockWithList
    | SetResponseWithList
    | ActionRequestNormal
    | ActionRequestNextPblock
    | ActionRequestWithList
    | ActionRequestWithFirstPblock
    | ActionRequestWithListAndFirstPblock
    | ActionRequestWithPblock
    | ActionResponseNormal
    | ActionResponseWithPblock
    | ActionResponseWithList
    | ActionResponseNextPblock
    | ReadRequest
    | ReadResponse
    | WriteRequest
    | WriteResponse
    | UnconfirmedWriteRequest
    | DataNotification
    | DataNotificationConfirm
    | AccessRequest
    | AccessResponse
    | EventNotificationRequest
    | ExceptionResponse
    | Ciphered
    | GeneralGloCiphering
    | GeneralDedCiphering
    | GeneralCiphering
    | GeneralSigning
    | GeneralBlockTransfer
    | InformationReportRequest
)

# One octet says which service, and for some a second one says which form of it.
_PREFIXES: Final[dict[type[Any], bytes]] = {
    InitiateRequest: b"\x01",
    ReadRequest: b"\x05",
    WriteRequest: b"\x06",
    InitiateResponse: b"\x08",
    ReadResponse: b"\x0c",
    WriteResponse: b"\x0d",
    ConfirmedServiceError: b"\x0e",
    DataNotification: b"\x0f",
    DataNotificationConfirm: b"\x10",
    UnconfirmedWriteRequest: b"\x16",
    InformationReportRequest: b"\x18",
    GetRequestNormal: b"\xc0\x01",
    GetRequestNext: b"\xc0\x02",
    GetRequestWithList: b"\xc0\x03",
    SetRequestNormal: b"\xc1\x01",
    SetRequestWithFirstDatablock: b"\xc1\x02",
    SetRequestWithDatablock: b"\xc1\x03",
    SetRequestWithList: b"\xc1\x04",
    SetRequestWithListAndFirstDatablock: b"\xc1\x05",
    EventNotificationRequest: b"\xc2",
    ActionRequestNormal: b"\xc3\x01",
    ActionRequestNextPblock: b"\xc3\x02",
    ActionRequestWithList: b"\xc3\x03",
    ActionRequestWithFirstPblock: b"\xc3\x04",
    ActionRequestWithListAndFirstPblock: b"\xc3\x05",
    ActionRequestWithPblock: b"\xc3\x06",
    GetResponseNormal: b"\xc4\x01",
    GetResponseWithDatablock: b"\xc4\x02",
    GetResponseWithList: b"\xc4\x03",
    SetResponseNormal: b"\xc5\x01",
    SetResponseDatablock: b"\xc5\x02",
    SetResponseLastDatablock: b"\xc5\x03",
    SetResponseLastDatablockWithList: b"\xc5\x04",
    SetResponseWithList: b"\xc5\x05",
    ActionResponseNormal: b"\xc7\x01",
    ActionResponseWithPblock: b"\xc7\x02",
    ActionResponseWithList: b"\xc7\x03",
    ActionResponseNextPblock: b"\xc7\x04",
    ExceptionResponse: b"\xd8",
    AccessRequest: b"\xd9",
    AccessResponse: b"\xda",
    GeneralGloCiphering: b"\xdb",
    GeneralDedCiphering: b"\xdc",
    GeneralCiphering: b"\xdd",
    GeneralSigning: b"\xdf",
    GeneralBlockTransfer: b"\xe0",
}
_BY_PREFIX: Final = {prefix: kind for kind, prefix in _PREFIXES.items()}
_FORMS: Final = frozenset(prefix[0] for prefix in _BY_PREFIX if len(prefix) == 2)

_BY_START: Final = {prefix: (len(prefix), kind.__name__, kind.CODEC.decode) for prefix, kind in _BY_PREFIX.items()}
"""Size of the prefix, name and decoder, by prefix."""

# These carry their tag in their own codec.
_OWN_TAG: Final[dict[int, type[Any]]] = {
    0x60: AARQ,
    0x61: AARE,
    0x62: RLRQ,
    0x63: RLRE,
    **dict.fromkeys(map(int, CipheredTag), Ciphered),
}

APDU_TAGS: Final = frozenset({*_OWN_TAG, *(prefix[0] for prefix in _BY_PREFIX)})
APDU_TYPES: Final = (*_PREFIXES, *dict.fromkeys(_OWN_TAG.values()))


def apdu_name(apdu: Apdu) -> str:
    """The standard's name: `get-request-normal`, `glo-get-request`, `AARQ`."""
    if isinstance(apdu, Ciphered):
        return hyphenated(apdu.tag)
    name = type(apdu).__name__
    return name if name.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _decode(cursor: Cursor) -> Any:
    tag = cursor.peek()
    own = _OWN_TAG.get(tag)
    if own is not None:
        return cursor.field(own.__name__, own.CODEC.decode)
    start = cursor.position
    prefix = cursor.take(2 if tag in _FORMS else 1)
    kind = _BY_PREFIX.get(prefix)
    if kind is None:
        raise DecodeError(f"{prefix.hex()} begins no APDU that is known here", start)
    cursor.note("tag", start, kind.__name__)
    return cursor.field(kind.__name__, kind.CODEC.decode)


def _encode(apdu: Any, out: bytearray) -> None:
    kind = type(apdu)
    if kind not in _PREFIXES and kind not in _OWN_TAG.values():
        raise LocalProtocolError(f"{kind.__name__} is no APDU")
    out += _PREFIXES.get(kind, b"")
    kind.CODEC.encode(apdu, out)


APDU: Final[Codec[Apdu]] = Codec("APDU", _decode, _encode)


def decode_apdu(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Apdu:
    """The one APDU in `raw`; raise `DecodeError` if there is none or more."""
    known = _BY_START.get(raw[:2]) or _BY_START.get(raw[:1])
    if known is None:
        cursor = Cursor(recounted(raw), limits)
        apdu: Apdu = _decode(cursor)
    else:  # what `_decode` does, without the ways that only explaining and ACSE need
        cursor = Cursor(raw, limits)
        cursor.position = known[0]
        try:
            apdu = known[2](cursor)
        except DecodeError as error:
            error.path = (known[1], *error.path)
            raise
    if cursor.position != cursor.end:
        cursor.finish()
    return apdu


def encode_apdu(apdu: Apdu) -> bytes:
    """The octets of `apdu`; raise `LocalProtocolError` if a field does not fit."""
    out = bytearray()
    _encode(apdu, out)
    return bytes(out)


def explain_apdu(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Apdu, list[Span]]:
    """Decode like `decode_apdu`, also the Data that it leaves as octets, and say what each octet means.

    The spans that contain no other (their path begins no other's path) cover every octet exactly once.
    """
    cursor = Cursor(recounted(raw), limits, explain=True)
    apdu: Apdu = _decode(cursor)
    cursor.finish()
    return apdu, cursor.spans or []
