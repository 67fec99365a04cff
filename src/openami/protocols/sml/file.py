"""An SML file: its messages, each with its own checksum, and zero octets that fill up the last four.

Meters differ in the checksum: most use CRC-16/X-25 as specified, some CRC-16/KERMIT. Both are tried, and which one
fitted is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from openami.model.errors import DecodeError, FrameCheckError, LimitExceeded
from openami.protocols.sml.declared import Misfit
from openami.protocols.sml.element import Element, Unsigned, unsigned
from openami.protocols.sml.messages import KINDS, TAGS, Body
from openami.protocols.sml.tlv import END_OF_MESSAGE, SIZE_MAX, decode_elements, encode_element
from openami.protocols.wire.crc import crc16_kermit, crc16_x25

MESSAGE: Final = 0x76
"""A message begins as a list of six."""
_BODY: Final = (3, 1)


class Checksum(Enum):
    """The two checksums that SML meters use. Both are sent with the low octet first."""

    X25 = "CRC-16/X-25"
    KERMIT = "CRC-16/KERMIT"

    def of(self, data: bytes) -> int:
        """The checksum of `data` as the number that its two octets show."""
        crc = crc16_x25(data) if self is Checksum.X25 else crc16_kermit(data)
        return (crc & 0xFF) << 8 | crc >> 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `abort_on_error`: 00 go on, 01 skip the group, 02 end the group then stop, FF stop at once."""

    transaction_id: bytes
    group_no: int
    abort_on_error: int
    body: Body
    checksum: Checksum = Checksum.X25


def decode_file(data: bytes) -> list[Message]:
    """All messages of one file without its transport; raises `DecodeError`."""
    if len(data) > SIZE_MAX:
        raise LimitExceeded(f"a file of {len(data)} octets, limit {SIZE_MAX}", SIZE_MAX)
    messages: list[Message] = []
    position = 0
    while position < len(data):
        if data[position] == END_OF_MESSAGE:
            if any(data[position:]):
                raise DecodeError("octets behind the fill of a file", position)
            break
        message, position = decode_message(data, position)
        messages.append(message)
    return messages


def decode_message(data: bytes, start: int = 0) -> tuple[Message, int]:
    """The message that begins at `start`, and the position behind it; raises `DecodeError`."""
    elements, position, crc_at = _elements(data, start)
    transaction_id, group_no, abort_on_error, body, crc = elements
    checksum = _check(data, start, crc_at, crc)
    if not (isinstance(transaction_id, bytes | None) and isinstance(group_no, Unsigned)):
        raise DecodeError("a message begins with its transaction and its group", start + 1, ("Message",))
    if not isinstance(abort_on_error, Unsigned):
        raise DecodeError("abort_on_error is no unsigned integer", start + 1, ("Message",))
    return Message(transaction_id or b"", group_no, abort_on_error, _body(data, start, body), checksum), position


def _elements(data: bytes, start: int) -> tuple[list[Element], int, int]:
    if start >= len(data) or data[start] != MESSAGE:
        found = data[start : start + 1].hex() or "nothing"
        raise DecodeError(f"a message begins with 76, found {found}", start, ("Message",))
    elements, crc_at = decode_elements(data, start + 1, 4)
    (crc,), position = decode_elements(data, crc_at, 1)
    if position >= len(data) or data[position] != END_OF_MESSAGE:
        raise DecodeError("a message ends with 00", position, ("Message",))
    return [*elements, crc], position + 1, crc_at


def _check(data: bytes, start: int, end: int, crc: Element) -> Checksum:
    covered = data[start:end]
    for checksum in Checksum:
        if crc == checksum.of(covered):
            return checksum
    if not isinstance(crc, Unsigned):
        raise DecodeError("crc16 is no unsigned integer", end, ("Message", "crc16"))
    expected = " or ".join(f"{checksum.of(covered):04x}" for checksum in Checksum)
    raise FrameCheckError(f"message checksum {crc:04x}, calculated {expected}", end, ("Message", "crc16"))


def _body(data: bytes, start: int, body: Element) -> Body:
    if not isinstance(body, list) or len(body) != 2 or not isinstance(body[0], Unsigned):
        raise DecodeError("a message body is a list of its tag and its content", start, ("Message", "message_body"))
    kind = KINDS.get(body[0])
    if kind is None:
        raise DecodeError(f"message tag {body[0]:08x} is not known", start, ("Message", "message_body"))
    try:
        found: Body = kind.read(body[1])
    except Misfit as error:
        at = _position(data, start, (*_BODY, *error.indexes))
        raise DecodeError(error.reason, at, (kind.name, *error.path)) from None
    return found


def _position(data: bytes, position: int, indexes: Iterable[int]) -> int:
    """Where the element stands to which `indexes` lead, from the list at `position`."""
    for index in indexes:
        while data[position] & 0x80:
            position += 1
        _, position = decode_elements(data, position + 1, index)
    return position


def encode_message(message: Message) -> bytes:
    """The octets of a message with its checksum; `LocalProtocolError` for what does not fit."""
    tag = TAGS[type(message.body)]
    out = bytearray((MESSAGE,))
    body: list[Element] = [unsigned(tag, 4), KINDS[tag].write(message.body)]
    head: list[Element] = [message.transaction_id, unsigned(message.group_no, 1), unsigned(message.abort_on_error, 1)]
    for element in (*head, body):
        encode_element(element, out)
    encode_element(unsigned(message.checksum.of(bytes(out)), 2), out)
    out.append(END_OF_MESSAGE)
    return bytes(out)


def encode_file(messages: Iterable[Message]) -> bytes:
    """The octets of a file without transport and fill."""
    return b"".join(encode_message(message) for message in messages)
