"""Any decoded value as JSON-ready Python, for people and for other programs.

Octets become hex text, enumerations the standard's hyphenated words, Data `{"type": …, "value": …}`. Fields
that APDUs leave as octets of Data are decoded here, so that `plain` of such an APDU may raise `DecodeError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import IntEnum
from types import NoneType
from typing import Any, Final

from openami.model.obis import ObisCode
from openami.protocols.dlms.acse import AARE, AARQ, RLRE, RLRQ, AcseRequirements
from openami.protocols.dlms.apdu import APDU_TAGS, APDU_TYPES, apdu_name, decode_apdu
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.ciphered import SECURITY_HEADER_SIZE
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.data import CompactArray, Data, DataType, TypeDescription, decode_data
from openami.protocols.dlms.data_value import CONTAINERS
from openami.protocols.dlms.date_time import (
    DEVIATION_NOT_SPECIFIED,
    NOT_SPECIFIED,
    YEAR_NOT_SPECIFIED,
    ClockStatus,
    CosemDate,
    CosemDateTime,
    CosemTime,
)
from openami.protocols.dlms.general import GeneralSigning
from openami.protocols.dlms.get import GetResponseNormal, GetResponseWithList
from openami.protocols.dlms.initiate import ConfirmedServiceError
from openami.protocols.dlms.invoke_id import CONFIRMED, HIGH_PRIORITY, invoke_id
from openami.protocols.dlms.short_name import ReadResponse

# Fields that hold octets of Data, wherever they stand.
_RAW_DATA: Final = frozenset(
    {
        "access_parameters",
        "access_request_list_of_data",
        "access_response_list_of_data",
        "attribute_value",
        "list_of_data",
        "method_invocation_parameters",
        "notification_body",
        "parameter",
        "return_parameters",
        "value",
        "value_list",
    }
)
_ACSE: Final = (AARQ, AARE, RLRQ, RLRE)  # most of their components are mostly absent, and then not shown


def plain(value: Any) -> Any:
    """`value` in dicts, lists, texts, numbers, booleans and None; `TypeError` if nothing here decodes to it."""
    for kind, show in _SHOWN:
        if isinstance(value, kind):
            return show(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _structure(value)
    raise TypeError(f"{type(value).__name__} has no plain form")


def _same(value: Any) -> Any:
    return value


def _list(values: Any) -> list[Any]:
    return [plain(value) for value in values]


def _hex(value: bytes) -> str:
    return bytes(value).hex()


def _data(data: Data) -> dict[str, Any]:
    return {"type": data.type.text, "value": plain(data.value)}


def _compact_array(value: CompactArray) -> dict[str, Any]:
    return {"description": plain(value.description), "contents": [_bare(each) for each in value.contents]}


def _bare(data: Data) -> Any:
    """A value whose type stands in the description of its compact array."""
    if data.type in CONTAINERS:
        return [_bare(each) for each in data.value]
    return plain(data.value)


def _description(description: TypeDescription) -> Any:
    """A type's name, or a list: the name, for an array its length, the elements' descriptions."""
    if description.type not in CONTAINERS:
        return description.type.text
    length = [description.number_of_elements] if description.type is DataType.ARRAY else []
    return [description.type.text, *length, *map(_description, description.elements)]


def _date_time(value: CosemDateTime) -> dict[str, Any]:
    local = value.to_local()
    deviation = DEVIATION_NOT_SPECIFIED if value.deviation is None else value.deviation
    return {
        "iso": None if local is None else local.isoformat(),
        **_date(value.date),
        **_time(value.time),
        "deviation": deviation,
        "clock_status": _clock_status(value.clock_status),
        "hex": _hex(bytes(value)),
    }


def _date(value: CosemDate) -> dict[str, Any]:
    return {
        "year": YEAR_NOT_SPECIFIED if value.year is None else value.year,
        "month": _octet(value.month),
        "day": _octet(value.day),
        "weekday": _octet(value.weekday),
    }


def _time(value: CosemTime) -> dict[str, Any]:
    names = ("hour", "minute", "second", "hundredths")
    return {name: _octet(getattr(value, name)) for name in names}


def _octet(value: int | None) -> int:
    return NOT_SPECIFIED if value is None else int(value)


def _clock_status(value: ClockStatus | None) -> str:
    return f"{_octet(value):02x}"


def _flags(value: AcseRequirements) -> list[str]:
    return [hyphenated(flag) for flag in type(value) if flag in value]


_SHOWN: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (Data, _data),
    (CompactArray, _compact_array),
    (TypeDescription, _description),
    (ClockStatus, _clock_status),
    (Conformance, lambda value: f"{int(value):06x}"),
    (AcseRequirements, _flags),
    (IntEnum, hyphenated),
    ((bool, int, float, str, NoneType), _same),
    (bytes, _hex),
    (ObisCode, str),
    (CosemDateTime, _date_time),
    (CosemDate, _date),
    (CosemTime, _time),
    ((tuple, list), _list),
)


def _structure(value: Any) -> dict[str, Any]:
    """A declared structure field by field, an APDU with its name in front."""
    shown: dict[str, Any] = {"service": apdu_name(value)} if isinstance(value, APDU_TYPES) else {}
    if isinstance(value, ConfirmedServiceError):
        shown["text"] = value.text
    for field in fields(value):
        part = getattr(value, field.name)
        if part is None and isinstance(value, _ACSE):
            continue
        show = _FIELDS_OF.get((type(value), field.name)) or _FIELDS.get(field.name)
        shown.update({field.name: plain(part)} if show is None or part is None else show(field.name, part))
    return shown


def _raw_data(name: str, part: Any) -> dict[str, Any]:
    return {name: _decoded(part)}


def _decoded(part: Any) -> Any:
    """Octets of Data decoded, also in lists; what stands in their place, such as an error, as it is."""
    if isinstance(part, bytes):
        return plain(decode_data(part))
    return [_decoded(each) for each in part] if isinstance(part, tuple) else plain(part)


def _invoke_id(name: str, part: int) -> dict[str, Any]:
    return {
        name: part,
        "invoke_id": invoke_id(part),
        "confirmed": bool(part & CONFIRMED),
        "high_priority": bool(part & HIGH_PRIORITY),
    }


def _long_invoke_id(name: str, part: int) -> dict[str, Any]:
    return {name: f"{part:08x}"}


def _conformance(name: str, part: Conformance) -> dict[str, Any]:
    return {name: plain(part), "services": [hyphenated(each) for each in Conformance if each in part]}


def _user_information(name: str, part: bytes) -> dict[str, Any]:
    known = part[:1] and part[0] in APDU_TAGS
    return {name: plain(decode_apdu(part)) if known else _hex(part)}


def _content(name: str, part: bytes) -> dict[str, Any]:
    """Security header and ciphertext of a protected APDU."""
    if len(part) < SECURITY_HEADER_SIZE:
        return {name: _hex(part)}
    return {
        "security_control": f"{part[0]:02x}",
        "invocation_counter": int.from_bytes(part[1:SECURITY_HEADER_SIZE], "big"),
        "ciphertext": _hex(part[SECURITY_HEADER_SIZE:]),
    }


_FIELDS: Final[dict[str, Callable[[str, Any], dict[str, Any]]]] = {
    **dict.fromkeys(_RAW_DATA, _raw_data),
    "invoke_id_and_priority": _invoke_id,
    "long_invoke_id_and_priority": _long_invoke_id,
    "proposed_conformance": _conformance,
    "negotiated_conformance": _conformance,
    "user_information": _user_information,
    "content": _content,
    "ciphered_content": _content,
}
# Fields whose name alone does not say what they hold.
_FIELDS_OF: Final[dict[tuple[type, str], Callable[[str, Any], dict[str, Any]]]] = {
    (GetResponseNormal, "result"): _raw_data,
    (GetResponseWithList, "result"): _raw_data,
    (ReadResponse, "result"): _raw_data,
    (GeneralSigning, "content"): lambda name, part: {name: _hex(part)},
}
