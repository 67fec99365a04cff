"""SML's messages, each declared as the specification lists it (see `types` for the source).

Of the COSEM messages of SML 1.04 the tags are known from public lists, the fields are not: their content stands as it
came.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from openami.protocols.sml.declared import (
    BOOLEAN,
    OCTET_STRING,
    UNSIGNED8,
    UNSIGNED32,
    UNSIGNED64,
    Kind,
    as_it_came,
    kind_of,
    list_of,
    optional,
    sequence,
)
from openami.protocols.sml.element import Element
from openami.protocols.sml.types import (
    TIME,
    TREE,
    TREE_PATH,
    ListEntry,
    PeriodEntry,
    ProfileHeaderEntry,
    ProfilePeriodEntry,
    SmlTime,
    Tree,
)

_Octets: TypeAlias = Annotated[bytes, OCTET_STRING]
_MaybeOctets: TypeAlias = Annotated[bytes | None, optional(OCTET_STRING)]
_MaybeTime: TypeAlias = Annotated[SmlTime | None, optional(TIME)]
_MaybeUnsigned8: TypeAlias = Annotated[int | None, optional(UNSIGNED8)]
_Path: TypeAlias = Annotated[tuple[bytes, ...], TREE_PATH]


@sequence
class OpenRequest:
    codepage: _MaybeOctets
    client_id: _Octets
    req_file_id: _Octets
    server_id: _MaybeOctets = None
    username: _MaybeOctets = None
    password: _MaybeOctets = None
    sml_version: _MaybeUnsigned8 = None


@sequence
class OpenResponse:
    codepage: _MaybeOctets
    client_id: _MaybeOctets
    req_file_id: _Octets
    server_id: _Octets
    ref_time: _MaybeTime = None
    sml_version: _MaybeUnsigned8 = None


@sequence
class CloseRequest:
    global_signature: _MaybeOctets = None


@sequence
class CloseResponse:
    global_signature: _MaybeOctets = None


@sequence
class GetProfilePackRequest:
    server_id: _MaybeOctets
    username: _MaybeOctets
    password: _MaybeOctets
    with_rawdata: Annotated[bool | None, optional(BOOLEAN)]
    begin_time: _MaybeTime
    end_time: _MaybeTime
    parameter_tree_path: _Path
    object_list: Annotated[tuple[bytes, ...] | None, optional(list_of(OCTET_STRING))] = None
    das_details: Annotated[Tree | None, optional(TREE)] = None


@sequence
class GetProfilePackResponse:
    server_id: _Octets
    act_time: Annotated[SmlTime, TIME]
    reg_period: Annotated[int, UNSIGNED32]
    parameter_tree_path: _Path
    header_list: Annotated[tuple[ProfileHeaderEntry, ...], list_of(kind_of(ProfileHeaderEntry))]
    period_list: Annotated[tuple[ProfilePeriodEntry, ...], list_of(kind_of(ProfilePeriodEntry))]
    rawdata: _MaybeOctets = None
    profile_signature: _MaybeOctets = None


@sequence
class GetProfileListRequest:
    server_id: _MaybeOctets
    username: _MaybeOctets
    password: _MaybeOctets
    with_rawdata: Annotated[bool | None, optional(BOOLEAN)]
    begin_time: _MaybeTime
    end_time: _MaybeTime
    parameter_tree_path: _Path
    object_list: Annotated[tuple[bytes, ...] | None, optional(list_of(OCTET_STRING))] = None
    das_details: Annotated[Tree | None, optional(TREE)] = None


@sequence
class GetProfileListResponse:
    server_id: _Octets
    act_time: Annotated[SmlTime, TIME]
    reg_period: Annotated[int, UNSIGNED32]
    parameter_tree_path: _Path
    val_time: Annotated[SmlTime, TIME]
    status: Annotated[int, UNSIGNED64]
    period_list: Annotated[tuple[PeriodEntry, ...], list_of(kind_of(PeriodEntry))]
    rawdata: _MaybeOctets = None
    period_signature: _MaybeOctets = None


@sequence
class GetProcParameterRequest:
    server_id: _MaybeOctets
    username: _MaybeOctets
    password: _MaybeOctets
    parameter_tree_path: _Path
    attribute: _MaybeOctets = None


@sequence
class GetProcParameterResponse:
    server_id: _Octets
    parameter_tree_path: _Path
    parameter_tree: Annotated[Tree, TREE]


@sequence
class SetProcParameterRequest:
    """Answered by an `AttentionResponse`: the specification has no response of its own."""

    server_id: _MaybeOctets
    username: _MaybeOctets
    password: _MaybeOctets
    parameter_tree_path: _Path
    parameter_tree: Annotated[Tree, TREE]


@sequence
class GetListRequest:
    client_id: _Octets
    server_id: _MaybeOctets = None
    username: _MaybeOctets = None
    password: _MaybeOctets = None
    list_name: _MaybeOctets = None


@sequence
class GetListResponse:
    client_id: _MaybeOctets
    server_id: _Octets
    list_name: _MaybeOctets
    act_sensor_time: _MaybeTime
    val_list: Annotated[tuple[ListEntry, ...], list_of(kind_of(ListEntry))]
    list_signature: _MaybeOctets = None
    act_gateway_time: _MaybeTime = None


@sequence
class AttentionResponse:
    """A refusal or an acknowledgement: `attention_no` is six octets of the OBIS form, `8181c7c7fd00` for done."""

    server_id: _Octets
    attention_no: _Octets
    attention_msg: _MaybeOctets = None
    attention_details: Annotated[Tree | None, optional(TREE)] = None


@as_it_came
class GetCosemRequest:
    content: Element


@as_it_came
class GetCosemResponse:
    content: Element


@as_it_came
class SetCosemRequest:
    content: Element


@as_it_came
class SetCosemResponse:
    content: Element


@as_it_came
class ActionCosemRequest:
    content: Element


@as_it_came
class ActionCosemResponse:
    content: Element


Body: TypeAlias = (
    OpenRequest
    | OpenResponse
    | CloseRequest
    | CloseResponse
    | GetProfilePackRequest
    | GetProfilePackResponse
    | GetProfileListRequest
    | GetProfileListResponse
    | GetProcParameterRequest
    | GetProcParameterResponse
    | SetProcParameterRequest
    | GetListRequest
    | GetListResponse
    | AttentionResponse
    | GetCosemRequest
    | GetCosemResponse
    | SetCosemRequest
    | SetCosemResponse
    | ActionCosemRequest
    | ActionCosemResponse
)

BODIES: Final[dict[int, type[Any]]] = {
    0x0100: OpenRequest,
    0x0101: OpenResponse,
    0x0200: CloseRequest,
    0x0201: CloseResponse,
    0x0300: GetProfilePackRequest,
    0x0301: GetProfilePackResponse,
    0x0400: GetProfileListRequest,
    0x0401: GetProfileListResponse,
    0x0500: GetProcParameterRequest,
    0x0501: GetProcParameterResponse,
    0x0600: SetProcParameterRequest,
    0x0700: GetListRequest,
    0x0701: GetListResponse,
    0x0800: GetCosemRequest,
    0x0801: GetCosemResponse,
    0x0900: SetCosemRequest,
    0x0901: SetCosemResponse,
    0x0A00: ActionCosemRequest,
    0x0A01: ActionCosemResponse,
    0xFF01: AttentionResponse,
}
"""Message bodies by their tag."""
KINDS: Final[dict[int, Kind[Any]]] = {tag: kind_of(body) for tag, body in BODIES.items()}
TAGS: Final[dict[type[Any], int]] = {body: tag for tag, body in BODIES.items()}
