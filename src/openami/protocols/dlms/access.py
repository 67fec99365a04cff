"""ACCESS: several reads, writes and methods in one request, each with its data and its result.

Structures as open descriptions of the Green Book print them (the clauses were not at hand). Data stays undecoded;
where there is none, null-data stands for it, so that every list has as many elements as the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Annotated, Any, ClassVar, Final

from openami.protocols.dlms.access_result import ACTION_RESULT, DATA_ACCESS_RESULT, ActionResult, DataAccessResult
from openami.protocols.dlms.axdr import OCTET_STRING, choice, optional, sequence_of
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, codec_of, declared
from openami.protocols.wire.integers import UNSIGNED32


class LongInvokeId(IntFlag):
    """Bits of long-invoke-id-and-priority above the 24 of the number."""

    SELF_DESCRIPTIVE = 1 << 28
    BREAK_ON_ERROR = 1 << 29
    CONFIRMED = 1 << 30
    HIGH_PRIORITY = 1 << 31


@declared
class AccessGet:
    """Read an attribute."""

    cosem_attribute_descriptor: CosemAttributeDescriptor


@declared
class AccessSet:
    """Write an attribute."""

    cosem_attribute_descriptor: CosemAttributeDescriptor


@declared
class AccessAction:
    """Invoke a method."""

    cosem_method_descriptor: CosemMethodDescriptor


@declared
class AccessGetWithSelection:
    """Read a part of an attribute."""

    cosem_attribute_descriptor: CosemAttributeDescriptor
    access_selection: SelectiveAccess


@declared
class AccessSetWithSelection:
    """Write a part of an attribute."""

    cosem_attribute_descriptor: CosemAttributeDescriptor
    access_selection: SelectiveAccess


AccessSpecification = AccessGet | AccessSet | AccessAction | AccessGetWithSelection | AccessSetWithSelection
_KINDS: Final = (AccessGet, AccessSet, AccessAction, AccessGetWithSelection, AccessSetWithSelection)
_SPECIFICATION: Final[Codec[Any]] = choice(
    "access-request-specification", {number: (kind, codec_of(kind)) for number, kind in enumerate(_KINDS, 1)}
)
_SPECIFICATIONS: Final = sequence_of(_SPECIFICATION)


@dataclass(frozen=True, slots=True)
class AccessResult:
    """What became of one element: `service` is 1 get, 2 set, 3 action."""

    service: int
    result: DataAccessResult | ActionResult

    CODEC: ClassVar[Codec[AccessResult]]


def _take_result(cursor: Cursor) -> AccessResult:
    start = cursor.position
    service = cursor.u8()
    cursor.note("choice", start, service)
    if not 1 <= service <= 3:
        raise cursor.error(f"{service} is no choice of access-response-specification", back=1)
    codec: Codec[Any] = ACTION_RESULT if service == 3 else DATA_ACCESS_RESULT
    return AccessResult(service, cursor.field("result", codec.decode))


def _put_result(value: AccessResult, out: bytearray) -> None:
    out.append(value.service)
    codec: Codec[Any] = ACTION_RESULT if value.service == 3 else DATA_ACCESS_RESULT
    codec.encode(value.result, out)


AccessResult.CODEC = Codec("access-response-specification", _take_result, _put_result)


@declared
class AccessRequest:
    """Do all of this, in this order."""

    long_invoke_id_and_priority: Annotated[int, UNSIGNED32]
    date_time: Annotated[bytes, OCTET_STRING]
    access_request_specification: Annotated[tuple[AccessSpecification, ...], _SPECIFICATIONS]
    access_request_list_of_data: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]


@declared
class AccessResponse:
    """The data and the result of each element; the request's specification too if it asked for that."""

    long_invoke_id_and_priority: Annotated[int, UNSIGNED32]
    date_time: Annotated[bytes, OCTET_STRING]
    access_request_specification: Annotated[tuple[AccessSpecification, ...] | None, optional(_SPECIFICATIONS)]
    access_response_list_of_data: Annotated[tuple[bytes, ...], sequence_of(RAW_DATA)]
    access_response_specification: Annotated[tuple[AccessResult, ...], sequence_of(AccessResult.CODEC)]
