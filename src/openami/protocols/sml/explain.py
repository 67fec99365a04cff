"""Which octets of an SML message hold which field."""

from __future__ import annotations

from typing import Any, Final

from openami.model.obis import ObisCode
from openami.protocols.sml.declared import OCTET_STRING, UNSIGNED8, UNSIGNED16, Kind
from openami.protocols.sml.element import Element, Integer, Unsigned
from openami.protocols.sml.messages import KINDS
from openami.protocols.sml.tlv import decode_elements
from openami.protocols.wire.cursor import Span

_HEAD: Final[list[tuple[str, Kind[Any]]]] = [
    ("transaction_id", OCTET_STRING),
    ("group_no", UNSIGNED8),
    ("abort_on_error", UNSIGNED8),
]
_OBIS_FIELDS: Final = frozenset({"obj_name", "list_name"})


def explain_message(data: bytes) -> list[Span]:
    """The fields of one message that decodes, in their order; what is left out has one octet too."""
    spans: list[Span] = []
    position = 1
    for name, kind in _HEAD:
        position = _explain(data, position, ("Message", name), kind, spans)
    (tag,), content = decode_elements(data, position + 1, 1)
    assert isinstance(tag, Unsigned)
    kind = KINDS[tag]
    spans.append(Span(position + 1, content, ("Message", "tag"), f"{tag:04x} {kind.name}"))
    position = _explain(data, content, (kind.name,), kind, spans)
    position = _explain(data, position, ("Message", "crc16"), UNSIGNED16, spans)
    spans.append(Span(position, position + 1, ("Message", "end"), "end of message"))
    return spans


def _explain(data: bytes, position: int, path: tuple[str, ...], kind: Kind[Any], spans: list[Span]) -> int:
    (element,), end = decode_elements(data, position, 1)
    parts = kind.parts(element)
    if not parts:
        spans.append(Span(position, end, path, _shown(path[-1], element)))
        return end
    while data[position] & 0x80:
        position += 1
    position += 1
    for name, part in parts:
        position = _explain(data, position, (*path, name), part, spans)
    return position


def _shown(name: str, element: Element) -> object:
    if element is None:
        return "left out"
    if isinstance(element, bytes) and len(element) == 6 and name in _OBIS_FIELDS:
        return ObisCode.from_bytes(element)
    if isinstance(element, Unsigned | Integer):
        return int(element)
    if isinstance(element, list):
        return ", ".join(str(_shown("", part)) for part in element) or "empty"
    return element
