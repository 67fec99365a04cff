"""SML as people meet it: a file in its transport, a piece of a stream, or bare messages, explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from openami.model.errors import DecodeError
from openami.protocols.decode import Decoded, MessageDecoder, Told
from openami.protocols.sml.explain import explain_message
from openami.protocols.sml.file import MESSAGE, Checksum, Message, decode_file, decode_message
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.messages import GetListResponse, GetProfileListResponse, GetProfilePackResponse
from openami.protocols.sml.tlv import END_OF_MESSAGE
from openami.protocols.sml.transport import ESCAPE, START, TransportedFile, TransportParser
from openami.protocols.wire.cursor import Span


def sml_decoders() -> tuple[MessageDecoder, ...]:
    """For detection: transported files are recognised, bare messages too."""
    return (
        MessageDecoder("sml", decode_sml, lambda data: START in data[:64], tell_sml),
        MessageDecoder("sml-messages", decode_messages, _looks_like_message, tell_messages),
    )


def decode_sml(data: bytes) -> Decoded:
    """One file, or all files of a piece of a stream and the garbage between them; raises `DecodeError`."""
    parser = TransportParser()
    events = parser.feed(data) + parser.flush()
    if not any(isinstance(event, TransportedFile) for event in events):
        reason = next((event.reason for event in events if not isinstance(event, TransportedFile)), "no octets")
        raise DecodeError(f"no whole SML file: {reason}", 0, ("SML",))
    if len(events) == 1 and isinstance(events[0], TransportedFile):
        return _transported(events[0])
    return Decoded("sml", "stream", data, {"parts": len(events)}, inner=tuple(map(_event, events)))


def decode_messages(data: bytes) -> Decoded:
    """Messages without transport; raises `DecodeError`."""
    return Decoded("sml", "messages", data, inner=_messages(data))


def tell_sml(data: bytes) -> Told:
    """The values of one file, or of all files of a piece of a stream; raises `DecodeError` if there is none."""
    parser = TransportParser()
    events = parser.feed(data) + parser.flush()
    files = [event.data for event in events if isinstance(event, TransportedFile)]
    reasons = [event.reason for event in events if not isinstance(event, TransportedFile)]
    if not files:
        raise DecodeError(f"no whole SML file: {next(iter(reasons), 'no octets')}", 0, ("SML",))
    return _told([message for file in files for message in decode_file(file)], "; ".join(reasons))


def tell_messages(data: bytes) -> Told:
    """The values of messages without transport; raises `DecodeError`."""
    return _told(decode_file(data))


def _told(messages: list[Message], problem: str = "") -> Told:
    return Told("sml", server_of(messages), tuple(measurements(messages)), problem)


def server_of(messages: Iterable[Message]) -> str:
    """The server id of the first list or profile, in hexadecimal; empty if there is none."""
    kinds = GetListResponse | GetProfileListResponse | GetProfilePackResponse
    lists = (message.body for message in messages if isinstance(message.body, kinds))
    return next((body.server_id.hex() for body in lists), "")


def _event(event: Any) -> Decoded:
    if isinstance(event, TransportedFile):
        return _transported(event)
    return Decoded("sml", "garbage", event.data, {"bytes": event.data.hex(), "reason": event.reason})


def _transported(file: TransportedFile) -> Decoded:
    raw = file.raw
    spans = [Span(0, 8, ("Transport", "start"), "escape, version 1")]
    spans.append(Span(len(raw) - 8, len(raw) - 3, ("Transport", "end"), ESCAPE.hex(" ") + " 1a"))
    spans.append(Span(len(raw) - 3, len(raw) - 2, ("Transport", "fill"), raw[-3]))
    spans.append(Span(len(raw) - 2, len(raw), ("Transport", "checksum"), file.checksum.value))
    try:
        inner, problem = _messages(file.data), ""
    except DecodeError as error:
        inner, problem = (), str(error)
    return Decoded("sml", "file", raw, {"checksum": file.checksum.value}, tuple(spans), inner, problem)


def _messages(data: bytes) -> tuple[Decoded, ...]:
    found: list[Decoded] = []
    position = 0
    while position < len(data) and data[position] != END_OF_MESSAGE:
        message, end = decode_message(data, position)
        found.append(_message(message, data[position:end]))
        position = end
    if any(data[position:]):
        raise DecodeError("octets behind the fill of a file", position)
    return tuple(found)


def _message(message: Message, raw: bytes) -> Decoded:
    body: Any = plain(message.body)
    told = measurements((message,))
    if told:
        body["values"] = [measurement.plain() for measurement in told]
    if message.checksum is not Checksum.X25:
        body["checksum"] = message.checksum.value
    return Decoded("sml", type(message.body).__name__, raw, body, tuple(explain_message(raw)))


def plain(value: Any) -> Any:
    """Any part of a message as JSON-ready values: octets as hexadecimal."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool) or value is None:
        return value
    return [plain(part) for part in value] if isinstance(value, Sequence) else int(value)


def _looks_like_message(data: bytes) -> bool:
    """A list of six that begins with a short octet string and an unsigned integer of one octet."""
    return len(data) > 14 and data[0] == MESSAGE and 0 < data[1] < 0x10 and data[1 + data[1]] == 0x62
