"""P1 and IEC 62056-21 as people meet them: telegrams, read-outs and single messages, explained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from openami.model.errors import DecodeError, SecurityError
from openami.model.measurement import Measurement
from openami.protocols.decode import Decoded, MessageDecoder, Told
from openami.protocols.iec62056_21.data_set import DataSet, decode_data_sets
from openami.protocols.iec62056_21.equipment import equipment_of
from openami.protocols.iec62056_21.measurements import code, measurements
from openami.protocols.iec62056_21.message import (
    MODE_C_SPEEDS,
    decode_command,
    decode_data_block,
    decode_identification,
)
from openami.protocols.iec62056_21.p1 import decode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, decode_encrypted, open_p1
from openami.protocols.iec62056_21.p1_stream import Garbage, P1Event, P1Parser, Received, SealedReceived
from openami.protocols.wire.cursor import Span

_LETTERS: Final = (b"P", b"R", b"W", b"E", b"B")
_HEAD: Final = re.compile(rb"/[A-Za-z]{3}[^\r\n]*\r?\n")
_DATA_LINE: Final = b"\n\x02"
_UNVERIFIED: Final = "not authenticated: anybody may have written it"


def iec62056_21_decoders(keys: Sequence[bytes] = ()) -> tuple[MessageDecoder, ...]:
    """For detection. `keys`: those of P1 ports, in any order."""
    return (
        MessageDecoder("p1", decode_p1_bytes, looks_like_p1, tell_p1),
        MessageDecoder("iec62056-21", decode_message_bytes, _looks_like_message, tell_message_bytes),
        MessageDecoder(
            "p1-encrypted",
            lambda data: decode_encrypted_bytes(data, keys),
            lambda data: _looks_like_encrypted(data, keys),
            lambda data: tell_encrypted_bytes(data, keys),
        ),
    )


def decode_p1_bytes(data: bytes) -> Decoded:
    """One telegram, or all telegrams of a piece of a stream and the garbage between them; raises `DecodeError`."""
    parser = P1Parser()
    events = parser.feed(data) + parser.flush()
    if not any(isinstance(event, Received) for event in events):
        return _telegram(data)  # its error says what is wrong
    if len(events) == 1:
        return _event(events[0])
    return Decoded("p1", "stream", data, {"parts": len(events)}, inner=tuple(map(_event, events)))


def tell_p1(data: bytes) -> Told:
    """The values of all telegrams of a piece of a stream; raises `DecodeError` if there is none."""
    parser = P1Parser()
    events = parser.feed(data) + parser.flush()
    found = [decode_p1(event.raw) for event in events if isinstance(event, Received)] or [decode_p1(data)]
    reasons = "; ".join(_left_out(event) for event in events if not isinstance(event, Received))
    values = [value for telegram in found for value in measurements(telegram.data_sets)]
    return Told("p1", equipment_of(values) or found[0].identification, tuple(values), reasons)


def tell_message_bytes(data: bytes) -> Told:
    """The values of a read-out or a data message; other messages tell what they are."""
    decoded = decode_message_bytes(data)
    block = decoded.inner[0] if decoded.inner else decoded
    problem = decoded.problem or block.problem
    if block.kind not in {"data", "unchecked-data"}:
        return Told("iec62056-21", "", (Measurement(decoded.kind, None),), problem)
    text = block.data.decode("latin-1").lstrip("\x02").partition("!")[0].partition("\x03")[0]
    values = measurements(decode_data_sets(text))
    meter = equipment_of(values) or str(decoded.fields.get("identification", ""))
    return Told("iec62056-21", meter, tuple(values), problem)


def tell_encrypted_bytes(data: bytes, keys: Sequence[bytes]) -> Told:
    """The values of an encrypted P1 telegram; none if no key opens it."""
    made = open_with(data, keys)
    if made is None:
        return Told("p1", decode_encrypted(data).system_title.hex(), problem="no key opens it")
    told = tell_p1(made[0])
    return replace(told, problem="; ".join(filter(None, (told.problem, made[1]))))


def decode_message_bytes(data: bytes) -> Decoded:
    """One message of modes A to D, a read-out behind its identification included; raises `DecodeError`."""
    first = data[:1]
    if first == b"/" and _DATA_LINE in data:
        return _read_out(data)
    if first == b"\x02":
        return _block(data.rstrip(b"\r\n") if data[-1:] == b"\n" else data)
    if first == b"\x01":
        command = decode_command(data)
        fields = {"command": command.letter + command.type, "data": command.data}
        return Decoded("iec62056-21", "command", data, fields, (Span(0, len(data), ("Command",), str(fields)),))
    if first == b"/":
        return _line(data)
    if b"(" in data:
        return _text(data, "no STX and no block check: a piece of a message")
    return _acknowledgement(data)


def decode_encrypted_bytes(data: bytes, keys: Sequence[bytes]) -> Decoded:
    """An encrypted P1 telegram; what it covers besides the text is tried, an unverified one is told as such."""
    sealed = decode_encrypted(data)
    fields = {"system_title": sealed.system_title.hex(), "invocation_counter": sealed.invocation_counter}
    spans = (
        Span(2, 10, ("P1", "system_title"), sealed.system_title),
        Span(13, 14, ("P1", "security_control"), sealed.security_control),
        Span(14, 18, ("P1", "invocation_counter"), sealed.invocation_counter),
    )
    made = open_with(data, keys)
    inner, problem = ((decode_p1_bytes(made[0]),), made[1]) if made else ((), "no key opens it")
    return Decoded("p1", "encrypted", data, fields, spans, inner, problem)


def open_with(data: bytes, keys: Sequence[bytes]) -> tuple[bytes, str] | None:
    """The telegram inside an encrypted one, and why it is not to be trusted, if it is not; None if no key opens it."""
    key = _key_of(data, keys)
    if key is None:
        return None
    tries = [(Authentication.WITH_KEY, other) for other in keys if len(other) == 16 and other != key]
    for how, authentication_key in [*tries, (Authentication.WITHOUT_KEY, b"")]:
        try:
            return open_p1(data, key, how, authentication_key), ""
        except SecurityError:
            continue
    return open_p1(data, key, Authentication.UNVERIFIED), _UNVERIFIED


def _key_of(data: bytes, keys: Sequence[bytes]) -> bytes | None:
    """The key under which a telegram begins."""
    for key in keys:
        if len(key) == 16 and open_p1(data, key, Authentication.UNVERIFIED)[:1] == b"/":
            return key
    return None


def _left_out(event: SealedReceived | Garbage) -> str:
    if isinstance(event, Garbage):
        return event.reason
    return f"an encrypted telegram of {event.telegram.system_title.hex()} among plain ones"


def _event(event: P1Event) -> Decoded:
    if isinstance(event, Received):
        return _telegram(event.raw)
    if isinstance(event, SealedReceived):
        return decode_encrypted_bytes(event.raw, ())
    return Decoded("p1", "garbage", event.data, {"bytes": event.data.hex(), "reason": event.reason})


def _telegram(data: bytes) -> Decoded:
    telegram = decode_p1(data)
    fields: dict[str, Any] = {"identification": telegram.identification, "variant": telegram.variant.value}
    if telegram.checksum is not None:
        fields["checksum"] = f"{telegram.checksum:04X}"
    fields["values"] = _values(telegram.data_sets)
    return Decoded("p1", "telegram", data, fields, _spans(data, telegram.data_sets))


def _read_out(data: bytes) -> Decoded:
    head = data[: data.index(_DATA_LINE) + 1]
    identified = decode_identification(head.splitlines()[0])
    block = _block(data[len(head) :].rstrip(b"\r\n"))
    fields = {"manufacturer": identified.manufacturer, "mode": identified.mode, "identification": identified.text}
    return Decoded("iec62056-21", "readout", data, fields, (Span(0, len(head), ("Identification",), head),), (block,))


def _block(data: bytes) -> Decoded:
    try:
        block = decode_data_block(data)
    except DecodeError as error:
        return _text(data, f"not to be trusted: {error}")
    sets = decode_data_sets(block.data.partition("!")[0])
    fields = {"more_follows": block.more, "values": _values(sets)}
    return Decoded("iec62056-21", "data", data, fields, _spans(data, sets))


def _text(data: bytes, problem: str) -> Decoded:
    """Data sets that nothing vouches for."""
    text = data.decode("latin-1").lstrip("\x02").partition("!")[0]
    sets = decode_data_sets(text.partition("\x03")[0])
    return Decoded("iec62056-21", "unchecked-data", data, {"values": _values(sets)}, _spans(data, sets), (), problem)


def _line(data: bytes) -> Decoded:
    if data.startswith(b"/?"):
        address = data[2:].partition(b"!")[0].decode("latin-1")
        return Decoded(
            "iec62056-21", "request", data, {"address": address}, (Span(0, len(data), ("Request",), address),)
        )
    found = decode_identification(data)
    fields = {
        "manufacturer": found.manufacturer,
        "mode": found.mode,
        "speed": found.speed,
        "identification": found.text,
    }
    spans = (
        Span(1, 4, ("Identification", "manufacturer"), found.manufacturer),
        Span(4, 5, ("Identification", "speed"), found.speed),
    )
    return Decoded("iec62056-21", "identification", data, fields, spans)


def _acknowledgement(data: bytes) -> Decoded:
    if data in {b"\x06", b"\x15"}:
        kind = "acknowledged" if data == b"\x06" else "not-acknowledged"
        return Decoded("iec62056-21", kind, data, {}, (Span(0, 1, ("Message",), kind),))
    text = data[1:].rstrip(b"\r\n").decode("latin-1")
    if data[:1] != b"\x06" or len(text) != 3:
        raise DecodeError("no message of IEC 62056-21 begins like this", 0, ("Message",))
    fields = {"speed": MODE_C_SPEEDS.get(text[1]), "option": text[2]}
    return Decoded("iec62056-21", "acknowledgement", data, fields, (Span(0, len(data), ("Message",), text),))


def _values(sets: Iterable[DataSet]) -> list[dict[str, Any]]:
    return [measurement.plain() for measurement in measurements(sets)]


def _spans(data: bytes, sets: Iterable[DataSet]) -> tuple[Span, ...]:
    """Where each data set stands: its address and values follow one another in `data`."""
    spans: list[Span] = []
    position = 0
    for number, (address, values) in enumerate(sets):
        start = data.index(f"{address}({values[0]})".encode("latin-1"), position)
        position = start + len(address)
        name = code(address)
        spans.append(Span(start, position, ("Data", f"[{number}]", "address"), name))
        for index, value in enumerate(values):
            at = data.index(f"({value})".encode("latin-1"), position)
            position = at + len(value) + 2
            spans.append(Span(at, position, ("Data", f"[{number}]", f"value[{index}]"), value))
    return tuple(spans)


def looks_like_p1(data: bytes) -> bool:
    """Whether the bytes are the text of a consumer port's telegram."""
    if _DATA_LINE in data or data[:1] == b"\x02":
        return False
    return b"!" in data[-12:] and _HEAD.search(data, 0, 1024) is not None


def _looks_like_message(data: bytes) -> bool:
    if data in {b"\x06", b"\x15"}:
        return True
    if len(data) < 5 or any(octet >= 0x80 for octet in data):
        return False
    if data[:1] == b"\x01":
        return data[1:2] in _LETTERS and data[-2:-1] == b"\x03"
    if data[:1] == b"\x02":
        return b"(" in data
    return data[:1] == b"/" or (data[:1] == b"\x06" and len(data) == 6 and data.endswith(b"\r\n"))


def _looks_like_encrypted(data: bytes, keys: Sequence[bytes]) -> bool:
    """Has the form of DLMS general-glo-ciphering too: the key decides, which shows whether a telegram is inside."""
    if data[:2] != b"\xdb\x08":
        return False
    try:
        return _key_of(data, keys) is not None
    except DecodeError:
        return False
