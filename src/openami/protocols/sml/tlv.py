"""Elements and their octets: a tag-length field, then the content.

The first octet holds in bit 7 whether another length octet follows, in bits 6 to 4 the type, in bits 3 to 0 the
length: of a list the number of its elements, of anything else all octets with the tag-length field. `01` is an
element that was left out, `00` ends a message. (Structure as public decoders and real telegrams show it; the text of
the SML specification was not at hand.)
"""

from __future__ import annotations

from typing import Final

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.sml.element import INTEGERS, UNSIGNEDS, Element, Integer, Unsigned

DEPTH_MAX: Final = 16
SIZE_MAX: Final = 1 << 16
"""Octets of one element; a list of elements that takes more is refused before it is made."""
END_OF_MESSAGE: Final = 0x00
OCTETS, BOOLEAN, INTEGER, UNSIGNED, LIST = 0x00, 0x40, 0x50, 0x60, 0x70
_MORE: Final = 0x80
_SMALL_UNSIGNED: Final = tuple(UNSIGNEDS[1](value) for value in range(256))
_SMALL_INTEGER: Final = tuple(INTEGERS[1](value if value < 128 else value - 256) for value in range(256))


def decode_elements(data: bytes, position: int, count: int, depth: int = 0) -> tuple[list[Element], int]:
    """`count` elements of `data` from `position` on, and the position behind them; raises `DecodeError`."""
    _bounded(count, depth, len(data) - position, position)
    elements: list[Element] = []
    add = elements.append
    end = len(data)
    for _ in range(count):
        if position >= end:
            raise DecodeError("an element expected, nothing left", position)
        start = position
        field = data[position]
        position += 1
        if field == 0x01:
            add(None)
            continue
        kind, size = field & 0x70, field & 0x0F
        if field & _MORE:
            size, position = _long(data, position, size)
        if kind == LIST:
            inner, position = decode_elements(data, position, size, depth + 1)
            add(inner)
            continue
        stop = start + size
        if not field:
            raise DecodeError("the end of a message where an element is expected", start)
        if stop < position or stop > end:
            raise DecodeError(f"{size} octets announced, {end - start} left", start)
        content = data[position:stop]
        if kind == OCTETS:
            add(content or None)
        else:
            add(_short(kind, content[0], start) if stop - position == 1 else _number(kind, content, start))
        position = stop
    return elements, position


def _bounded(count: int, depth: int, left: int, at: int) -> None:
    if count > left:
        raise DecodeError(f"{count} elements announced, {left} octets left", at)
    if depth > DEPTH_MAX:
        raise LimitExceeded(f"lists nested deeper than {DEPTH_MAX}", at)


def _long(data: bytes, position: int, size: int) -> tuple[int, int]:
    """The length and the position behind a tag-length field of several octets, of which one was read."""
    while position < len(data):
        field = data[position]
        size = size << 4 | field & 0x0F
        position += 1
        if field & 0x70:
            raise DecodeError(f"octet {field:02x} of a length has bits of a type", position - 1)
        if size > SIZE_MAX:
            raise LimitExceeded(f"an element longer than {SIZE_MAX}", position - 1)
        if not field & _MORE:
            return size, position
    raise DecodeError("a length ends in the middle", position)


def _short(kind: int, octet: int, at: int) -> Element:
    if kind == UNSIGNED:
        return _SMALL_UNSIGNED[octet]
    if kind == INTEGER:
        return _SMALL_INTEGER[octet]
    if kind == BOOLEAN:
        return octet != 0
    raise DecodeError(f"type {kind >> 4} is not defined", at)


def _number(kind: int, content: bytes, at: int) -> Element:
    size = len(content)
    if kind not in {INTEGER, UNSIGNED}:
        raise DecodeError(f"type {kind >> 4} of {size} octets is not defined", at)
    if not 1 <= size <= 8:
        raise DecodeError(f"an integer of {size} octets, 1 to 8 are possible", at)
    if kind == UNSIGNED:
        return UNSIGNEDS[size](int.from_bytes(content, "big"))
    return INTEGERS[size](int.from_bytes(content, "big", signed=True))


def encode_element(element: Element, out: bytearray) -> None:
    """Append the octets of `element`; `LocalProtocolError` for what SML cannot hold."""
    if element is None:
        out.append(0x01)
    elif isinstance(element, bytes):
        _put_field(OCTETS, len(element), out, counts_itself=True)
        out += element
    elif isinstance(element, list):
        _put_field(LIST, len(element), out, counts_itself=False)
        for each in element:
            encode_element(each, out)
    elif isinstance(element, bool):
        out += bytes((BOOLEAN | 2, element))
    elif isinstance(element, Unsigned | Integer):
        kind = UNSIGNED if isinstance(element, Unsigned) else INTEGER
        out.append(kind | element.SIZE + 1)
        out += element.to_bytes(element.SIZE, "big", signed=kind == INTEGER)
    else:
        raise LocalProtocolError(f"SML has no coding for {type(element).__name__}; integers need a width")


def _put_field(kind: int, size: int, out: bytearray, *, counts_itself: bool) -> None:
    octets = 1
    while size + octets * counts_itself >= 1 << 4 * octets:
        octets += 1
    size += octets * counts_itself
    if size > SIZE_MAX:
        raise LocalProtocolError(f"an element of {size} octets or elements, {SIZE_MAX} are possible")
    for shift in range(4 * (octets - 1), -1, -4):
        first = kind if shift == 4 * (octets - 1) else 0
        out.append(first | (size >> shift & 0x0F) | (_MORE if shift else 0))
