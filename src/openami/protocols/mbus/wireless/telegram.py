"""Wireless telegrams as people meet them: one frame in, every byte and every value explained."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from openami.model.errors import DecodeError, FrameCheckError
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.protocols.decode import Decoded, MessageDecoder, Told
from openami.protocols.mbus.wireless.extended_link import ELL_NAMES
from openami.protocols.mbus.wireless.formats import FormatStore
from openami.protocols.mbus.wireless.fragment import CI_AFL
from openami.protocols.mbus.wireless.frame_format import HEADER_SIZE, FrameFormat, decode_frame
from openami.protocols.mbus.wireless.keys import KEY_SIZE, KeyStore
from openami.protocols.mbus.wireless.link import CONTROL_NAMES
from openami.protocols.mbus.wireless.opening import Protection
from openami.protocols.mbus.wireless.reader import Reading, WirelessReader
from openami.protocols.mbus.wireless.receiver import CI_NETWORK, Telegram
from openami.protocols.mbus.wireless.security import MODE_NAMES
from openami.protocols.mbus.wireless.transport import CONTENTS, MANUFACTURER_CI, Transport, status_words
from openami.protocols.wire.cursor import Span

PROTOCOL = "wmbus"
_CI_FIELDS = {*CONTENTS, *MANUFACTURER_CI, *ELL_NAMES, CI_AFL, CI_NETWORK}


class WirelessDecoder:
    """Reads one telegram after another; formats and fragments of earlier ones are used."""

    def __init__(self, keys: Sequence[bytes] = (), *, formats: FormatStore | None = None) -> None:
        self._reader = WirelessReader(KeyStore(key for key in keys if len(key) == KEY_SIZE), formats=formats)

    def decoders(self) -> tuple[MessageDecoder, ...]:
        """In the order in which detection should ask them."""
        return (MessageDecoder(PROTOCOL, self.decode, looks_like_wireless, self.tell),)

    def decode(self, data: bytes) -> Decoded:
        """One frame, with or without checksums; raises `DecodeError` for bytes that are none."""
        reading = self._reader.read(data)
        telegram = reading.telegram
        inner = _content(reading)
        return Decoded(
            PROTOCOL,
            telegram.link.control_name.lower(),
            telegram.data,
            telegram_fields(telegram),
            tuple(_spans(telegram)),
            () if inner is None else (inner,),
            "; ".join(reading.problems),
        )

    def tell(self, data: bytes) -> Told:
        """The values of one frame; raises `DecodeError` for bytes that are none."""
        reading = self._reader.read(data)
        return Told(PROTOCOL, str(reading.telegram.meter), reading.values, "; ".join(reading.problems))


def looks_like_wireless(data: bytes) -> bool:
    """Whether length, control field and CI field are those of a frame; checksums may be there or not."""
    if len(data) < HEADER_SIZE or data[1] not in CONTROL_NAMES:
        return False
    try:
        frame = decode_frame(data)
    except FrameCheckError:
        return True
    except DecodeError:
        return False
    if frame.format is not FrameFormat.STRIPPED or len(frame.data) == HEADER_SIZE:
        return True
    return frame.data[HEADER_SIZE] in _CI_FIELDS


def telegram_fields(telegram: Telegram) -> dict[str, Any]:
    """The layers of a telegram, JSON-ready."""
    fields: dict[str, Any] = {
        "frame_format": telegram.frame_format.value,
        "meter": str(telegram.meter),
        "device": telegram.meter.device,
    }
    if telegram.link.address != telegram.meter:
        fields["radio"] = str(telegram.link.address)
    if telegram.extended is not None:
        fields["extended_link_layer"] = ELL_NAMES[telegram.extended.kind]
    if telegram.repeated or telegram.extended is not None:
        fields["repeated"] = telegram.repeated
    if telegram.network is not None:
        fields["network_layer"] = f"{telegram.network:02X}"
    if telegram.fragment is not None:
        fields["message_counter"] = telegram.fragment.message_counter
        fields["mac"] = {None: "not checked", True: "right", False: "wrong"}[telegram.mac]
        fields["more_fragments"] = telegram.pending
    if telegram.transport is not None and telegram.transport.access_number is not None:
        fields["access_number"] = telegram.transport.access_number
        fields["status"] = list(status_words(telegram.transport.status))
        fields["security_mode"] = telegram.transport.mode
    if telegram.opened is not None:
        fields["protection"] = telegram.opened.protection.value
    if telegram.trailing:
        fields["trailing"] = telegram.trailing.hex()
    return fields


def plain_value(value: Measurement) -> dict[str, Any]:
    """One value, JSON-ready: what people call it, and its OBIS code where a rule fits."""
    fields = value.plain()
    unit = value.value.unit.symbol if isinstance(value.value, Quantity) else ""
    assert value.guarantee is not None
    shown = {
        "name": value.called,
        "value": fields["value"],
        "unit": unit,
        "quality": value.quality.name.lower(),
        "guarantee": value.guarantee.name.lower(),
    }
    if value.remark:
        shown["remark"] = value.remark
    return {**shown, "obis": str(value.name)} if isinstance(value.name, ObisCode) else shown


def _content(reading: Reading) -> Decoded | None:
    opened = reading.telegram.opened
    if opened is None:
        return None
    if opened.protection is Protection.CLOSED:
        return Decoded("mbus", "closed", opened.content, {"bytes": opened.content.hex()})
    if reading.telegram.transport is None:
        return None
    fields: dict[str, Any] = {"values": [plain_value(value) for value in reading.values]}
    if reading.manufacturer_data:
        fields["manufacturer_data"] = reading.manufacturer_data.hex()
    kind = reading.telegram.transport.content.value
    return Decoded("mbus", kind, opened.content, fields, tuple(_value_spans(reading, opened.content)))


def _value_spans(reading: Reading, content: bytes) -> list[Span]:
    at = 0
    spans: list[Span] = []
    for value, record in zip_longest(reading.values, reading.sources):
        path = ("records", value.called)
        if record is None or record.start < at or record.end > len(content):
            spans.append(Span(len(content), len(content), path, _shown(value)))
            continue
        spans.append(Span(record.start, record.end, path, _shown(value)))
        at = record.end
    return spans


def _shown(value: Measurement) -> str:
    if value.value is None:
        return value.remark or "no value"
    return value.value.hex() if isinstance(value.value, bytes) else str(value.value)


def _spans(telegram: Telegram) -> list[Span]:
    data = telegram.data
    link = telegram.link
    spans = [
        Span(0, 1, ("Telegram", "length"), data[0]),
        Span(1, 2, ("Telegram", "control"), link.control_name),
        Span(2, 4, ("Telegram", "manufacturer"), link.address.letters),
        Span(4, 8, ("Telegram", "identification"), link.address.identification),
        Span(8, 9, ("Telegram", "version"), f"{link.address.version:02X}"),
        Span(9, 10, ("Telegram", "device_type"), link.address.device),
    ]
    at = HEADER_SIZE
    transport = telegram.transport
    stop = len(data) if transport is None else min(transport.start, len(data))
    if telegram.extended is not None:
        end = min(at + {0x8C: 3, 0x8D: 9, 0x8E: 11, 0x8F: 17}[telegram.extended.kind], stop)
        spans.append(Span(at, end, ("Telegram", "extended_link_layer"), ELL_NAMES[telegram.extended.kind]))
        at = end
    if telegram.network is not None:
        spans.append(Span(at, at + 2, ("Telegram", "network_layer"), f"{telegram.network:02X}"))
        at += 2
    if telegram.fragment is not None and at + 1 < len(data):
        end = at + 2 + data[at + 1]
        spans.append(Span(at, end, ("Telegram", "AFL"), f"fragment {telegram.fragment.number}"))
        at = end
    return spans + ([] if transport is None else _transport_spans(transport, at))


def _transport_spans(transport: Transport, at: int) -> list[Span]:
    spans = [Span(at, at + 1, ("Telegram", "CI"), f"{transport.content.value}, {transport.header.value} header")]
    at += 1
    if transport.address is not None:
        spans.append(Span(at, at + 8, ("Telegram", "meter"), str(transport.address)))
        at += 8
    if transport.access_number is None:
        return spans
    mode = f"mode {transport.mode} ({MODE_NAMES.get(transport.mode, 'reserved')})"
    return [
        *spans,
        Span(at, at + 1, ("Telegram", "access_number"), transport.access_number),
        Span(at + 1, at + 2, ("Telegram", "status"), ", ".join(status_words(transport.status)) or "nothing to report"),
        Span(at + 2, at + 4 + len(transport.extension), ("Telegram", "configuration"), mode),
    ]
