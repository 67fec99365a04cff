"""Wired M-Bus frames as people meet them: one frame or a piece of a byte stream, explained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from openami.model.errors import DecodeError
from openami.model.measurement import Measurement
from openami.model.quantity import Quantity
from openami.protocols.decode import Decoded, MessageDecoder, Told
from openami.protocols.mbus.application import Application, Content, decode_application
from openami.protocols.mbus.fixed import FixedData
from openami.protocols.mbus.measurements import code_of, of_application
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.records import Record, Records, decode_records
from openami.protocols.mbus.value import Value
from openami.protocols.mbus.wired.frame import (
    START_LONG,
    START_SHORT,
    STOP,
    Acknowledge,
    LongFrame,
    ShortFrame,
    WiredFrame,
    control_name,
    decode_frame,
    encode_frame,
    frame_size,
)
from openami.protocols.mbus.wired.parser import Garbage, WiredParser
from openami.protocols.mbus.wired.sealed import open_application
from openami.protocols.mbus.wired.selection import decode_selection
from openami.protocols.mbus.wireless.keys import KEY_SIZE, KeyStore
from openami.protocols.mbus.wireless.transport import status_words
from openami.protocols.wire.cursor import Span

PROTOCOL = "mbus"
NO_KEYS = KeyStore()
HEADER_SIZE = 4
DATA_AT = 7
"""Where the data of a long frame begin, behind the CI field."""


def wired_decoders(keys: Sequence[bytes] = ()) -> tuple[MessageDecoder, ...]:
    """In the order in which detection should ask them; `keys` are tried for every meter."""
    store = KeyStore(key for key in keys if len(key) == KEY_SIZE)
    return (
        MessageDecoder(PROTOCOL, partial(decode_wired, keys=store), looks_like_wired, partial(tell_wired, keys=store)),
        MessageDecoder("mbus-records", decode_bare_records),
    )


def looks_like_wired(data: bytes) -> bool:
    """Whether the bytes begin with a whole frame, or with the begin of a long one."""
    if data[:1] == bytes((START_SHORT,)):
        return len(data) >= 5 and data[4] == STOP and data[3] == (data[1] + data[2]) & 0xFF
    return len(data) >= HEADER_SIZE and data[0] == data[3] == START_LONG and data[1] == data[2]


def decode_wired(data: bytes, *, keys: KeyStore = NO_KEYS) -> Decoded:
    """One frame, or all frames of a piece of a byte stream and the garbage between them."""
    try:
        size = frame_size(data, 0) if data else None
    except DecodeError:
        size = None
    if size is None or len(data) <= size:
        return _frame(decode_frame(data), data, keys)
    parser = WiredParser()
    events = parser.feed(data) + parser.flush()
    inner = tuple(_event(event, keys) for event in events)
    frames = sum(not isinstance(event, Garbage) for event in events)
    return Decoded(PROTOCOL, "stream", data, {"frames": frames}, inner=inner)


def tell_wired(data: bytes, *, keys: KeyStore = NO_KEYS) -> Told:
    """The values of one frame, or of all frames of a piece of a byte stream. Frames without data tell none."""
    parser = WiredParser()
    events = parser.feed(data) + parser.flush()
    if all(isinstance(event, Garbage) for event in events):
        decode_frame(data)  # its error says what is wrong
    values: list[Measurement] = []
    problems: list[str] = []
    meter = ""
    for event in events:
        if isinstance(event, Garbage):
            problems.append(f"{len(event.data)} bytes of garbage: {event.reason}")
        elif isinstance(event, LongFrame):
            application, opened = open_application(decode_application(event.ci, event.data), keys)
            values += of_application(application)
            meter = meter or _called(application)
            problems += [] if opened is None or not opened.problem else [opened.problem]
    return Told(PROTOCOL, meter, tuple(values), "; ".join(problems))


def _called(application: Application) -> str:
    if application.address is not None:
        return str(application.address)
    return "" if application.fixed is None else application.fixed.identification


def decode_bare_records(data: bytes) -> Decoded:
    """Records without any frame or header."""
    records = decode_records(data)
    return Decoded(PROTOCOL, "records", data, records_fields(records), tuple(_record_spans(records)))


def application_fields(application: Application) -> dict[str, Any]:
    """What stands in a frame's application layer, JSON-ready."""
    fields: dict[str, Any] = {}
    device_type = None
    if application.address is not None:
        device_type = application.address.device_type
        fields |= {"meter": str(application.address), "device": application.address.device}
    if application.access_number is not None:
        fields |= {
            "access_number": application.access_number,
            "status": list(status_words(application.status)),
            "configuration": application.configuration,
        }
    if application.code is not None:
        fields["code"] = application.code
    if application.meaning:
        fields["meaning"] = application.meaning
    if application.records is not None:
        fields |= records_fields(application.records, device_type)
    elif application.fixed is not None:
        fields |= _fixed_fields(application.fixed)
    elif application.selected is not None:
        fields["application"], fields["block"] = application.selected
    elif application.content is Content.SELECTION:
        fields["selection"] = str(decode_selection(application.data))
    elif application.data:
        fields["bytes"] = application.data.hex()
    return fields


def records_fields(records: Records, device_type: int | None = None) -> dict[str, Any]:
    """Records, JSON-ready; with the OBIS code where the device type is known and a rule fits."""
    fields: dict[str, Any] = {"values": [_record_fields(record, device_type) for record in records]}
    if records.manufacturer_data:
        fields["manufacturer_data"] = records.manufacturer_data.hex()
    if records.more_records_follow:
        fields["more_records_follow"] = True
    return fields


def plain_value(value: Value) -> object:
    """A value as JSON has it: whole numbers, fractions, ISO moments, text, bytes in hexadecimal."""
    if isinstance(value, Quantity):
        number = value.value
        return int(number) if number == number.to_integral_value() else float(number)
    if isinstance(value, MeterTime):
        return None if value.moment is None else value.moment.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def _record_fields(record: Record, device_type: int | None) -> dict[str, Any]:
    fields = {"name": record.name, "value": plain_value(record.value), "unit": record.layout.unit_text}
    code = None if device_type is None else code_of(record.layout.header, device_type)
    if code is not None:
        fields["obis"] = str(code)
    if record.error:
        fields["error"] = record.error
    elif record.value is None and record.raw:
        fields["raw"] = record.raw.hex()
    return fields


def _fixed_fields(fixed: FixedData) -> dict[str, Any]:
    counters = [
        {
            "name": f"{counter.quantity}, stored" if counter.stored else counter.quantity,
            "value": plain_value(counter.value),
            "unit": counter.unit.symbol,
        }
        for counter in fixed.counters
    ]
    return {
        "identification": fixed.identification,
        "device": fixed.medium,
        "access_number": fixed.access_number,
        "values": counters,
    }


def _event(event: WiredFrame | Garbage, keys: KeyStore) -> Decoded:
    if isinstance(event, Garbage):
        return Decoded(PROTOCOL, "garbage", event.data, {"bytes": event.data.hex(), "reason": event.reason})
    return _frame(event, encode_frame(event), keys)


def _frame(frame: WiredFrame, data: bytes, keys: KeyStore) -> Decoded:
    if isinstance(frame, Acknowledge):
        return Decoded(PROTOCOL, "acknowledge", data, {}, (Span(0, 1, ("Frame", "acknowledge"), "E5"),))
    name = control_name(frame.control)
    fields: dict[str, Any] = {"address": frame.address}
    if isinstance(frame, ShortFrame):
        spans = [Span(0, 1, ("Frame", "start"), "short frame"), *_address_spans(frame, 1)]
        return Decoded(PROTOCOL, name.lower(), data, fields, (*spans, *_end_spans(data)))
    return _long(frame, data, name, fields, keys)


def _long(frame: LongFrame, data: bytes, name: str, fields: dict[str, Any], keys: KeyStore) -> Decoded:
    spans = [Span(0, HEADER_SIZE, ("Frame", "header"), f"long frame, length {data[1]}"), *_address_spans(frame, 4)]
    ci = Span(6, DATA_AT, ("Frame", "CI"), f"{frame.ci:02X}")
    try:
        sealed = decode_application(frame.ci, frame.data)
        application, opened = open_application(sealed, keys)
        content = application_fields(application)
    except DecodeError as error:
        error.offset += DATA_AT
        spans += [ci, Span(DATA_AT, len(data) - 2, ("Frame", "data"), frame.data)]
        return Decoded(PROTOCOL, name.lower(), data, fields, (*spans, *_end_spans(data)), problem=str(error))
    spans += [ci, Span(DATA_AT, len(data) - 2, ("Frame", "data"), sealed.content.value)]
    records: tuple[Decoded, ...] = ()
    if opened is not None and application.records is not None:
        content["protection"] = opened.protection.value
        shown = tuple(_record_spans(application.records))
        records = (Decoded(PROTOCOL, "opened records", opened.content + opened.tail, {}, shown),)
    told = tuple(_application_spans(sealed))
    problem = "" if opened is None else opened.problem
    inner = Decoded(PROTOCOL, application.content.value, frame.data, content, told, records, problem)
    return Decoded(PROTOCOL, name.lower(), data, fields, (*spans, *_end_spans(data)), (inner,))


def _address_spans(frame: ShortFrame | LongFrame, at: int) -> list[Span]:
    return [
        Span(at, at + 1, ("Frame", "control"), control_name(frame.control)),
        Span(at + 1, at + 2, ("Frame", "address"), frame.address),
    ]


def _end_spans(data: bytes) -> list[Span]:
    end = len(data)
    return [Span(end - 2, end - 1, ("Frame", "checksum"), "right"), Span(end - 1, end, ("Frame", "stop"), "16")]


def _application_spans(application: Application) -> list[Span]:
    header = 0
    spans: list[Span] = []
    if application.access_number is not None:
        header = 4
        if application.address is not None:
            header = 12
            spans.append(Span(0, 8, ("Application", "meter"), str(application.address)))
        status = ", ".join(status_words(application.status)) or "nothing to report"
        spans.append(Span(header - 4, header - 3, ("Application", "access_number"), application.access_number))
        spans.append(Span(header - 3, header - 2, ("Application", "status"), status))
        spans.append(Span(header - 2, header, ("Application", "configuration"), f"{application.configuration:04X}"))
    if application.records is None:
        return [*spans, Span(header, header + len(application.data), ("Application", "data"), application.data)]
    return spans + _record_spans(application.records, header)


def _record_spans(records: Records, base: int = 0) -> list[Span]:
    return [
        Span(base + record.start, base + record.end, ("records", f"{number}", record.name), _shown(record))
        for number, record in enumerate(records)
    ]


def _shown(record: Record) -> str:
    value = record.value
    if value is None:
        return record.error or (f"not valid: {record.raw.hex()}" if record.raw else "no data")
    text = f"{value.value:f}" if isinstance(value, Quantity) else str(plain_value(value))
    return f"{text} {record.layout.unit_text}".rstrip()
