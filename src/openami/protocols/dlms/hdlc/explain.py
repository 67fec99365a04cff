"""Which bytes of an HDLC frame hold what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import FLAG, Frame, FrameKind, control_byte
from openami.protocols.wire.cursor import Span

_NUMBERED = {FrameKind.I, FrameKind.RR, FrameKind.RNR}


def explain_frame(frame: Frame, data: bytes) -> list[Span]:
    """A span per field of `frame`, whose bytes are `data` with or without flags; every byte is in one span."""
    return [Span(start, end, ("HdlcFrame", name), value) for start, end, name, value in _layout(frame, data)]


def frame_fields(frame: Frame, data: bytes) -> dict[str, Any]:
    """The fields of `frame` as JSON-ready values; checksums and information as hex."""
    found = {name: data[start:end] for start, end, name, _ in _layout(frame, data)}
    fields: dict[str, Any] = {
        "segmented": frame.segmented,
        "length": _length(data, 1 if data[0] == FLAG else 0),
        "destination": _plain_address(frame.destination),
        "source": _plain_address(frame.source),
        "control": found["control"].hex(),
        "final": frame.final,
    }
    if frame.kind is FrameKind.I:
        fields["send_sequence"] = frame.send_sequence
    if frame.kind in _NUMBERED:
        fields["receive_sequence"] = frame.receive_sequence
    return fields | {name: found[name].hex() for name in ("hcs", "information", "fcs") if name in found}


def _length(data: bytes, start: int) -> int:
    return (data[start] & 7) << 8 | data[start + 1]


def _layout(frame: Frame, data: bytes) -> Iterator[tuple[int, int, str, object]]:
    at = 1 if data[0] == FLAG else 0
    if at:
        yield 0, 1, "opening flag", "flag"
    end = at + _length(data, at)
    parts: list[tuple[str, int, object]] = [
        ("format", 2, f"length {end - at}{', segmented' if frame.segmented else ''}"),
        ("destination", frame.destination.size, str(frame.destination)),
        ("source", frame.source.size, str(frame.source)),
        ("control", 1, _control(frame)),
    ]
    if frame.information:
        parts += [("hcs", 2, "header check sequence, right"), ("information", len(frame.information), "")]
    parts.append(("fcs", 2, "frame check sequence, right"))
    for name, size, value in parts:
        yield at, at + size, name, value
        at += size
    if at < len(data):
        yield at, len(data), "closing flag", "flag"


def _control(frame: Frame) -> str:
    text = f"{frame.kind.value} {control_byte(frame):02X}"
    if frame.kind is FrameKind.I:
        text += f", send {frame.send_sequence}"
    if frame.kind in _NUMBERED:
        text += f", receive {frame.receive_sequence}"
    return text + (", final" if frame.final else "")


def _plain_address(address: HdlcAddress) -> dict[str, int | None]:
    return {"bytes": address.size, "upper": address.upper, "lower": address.lower}
