"""EndDeviceEvents of IEC 61968-9 as XML, in and out.

Event types are four numbers: device, domain, subdomain, event or action. Those that our own events are told as are
from open head-end software; the standard's enumeration was not at hand, so that an event without a number there is
told as 0.0.0.0 with its name in `reason`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from openami.model.event import EventCode
from openami.protocols.exchange.cim_readings import MESSAGE
from openami.protocols.exchange.delivery import BadRecord, Rejected, instant, written
from openami.protocols.exchange.xml_stream import Node, records

NAMESPACE = "http://iec.ch/TC57/2011/EndDeviceEvents#"
OTHER = "0.0.0.0"  # noqa: S104 - an event type, no address
TYPES = {
    EventCode.POWER_DOWN: "0.26.38.85",
    EventCode.POWER_UP: "0.26.38.49",
    EventCode.CLOCK_ADJUSTED: "0.36.116.24",
    EventCode.CLOCK_INVALID: "0.36.114.35",
    EventCode.CALENDAR_ACTIVATED: "0.20.121.4",
    EventCode.ALARM_REGISTER_CLEARED: "0.17.285.28",
    EventCode.FIRMWARE_READY_FOR_ACTIVATION: "0.11.283.280",
    EventCode.FIRMWARE_ACTIVATED: "0.11.283.4",
    EventCode.COVER_OPENED: "0.12.141.212",
    EventCode.COVER_CLOSED: "0.12.141.16",
    EventCode.MAGNETIC_FIELD: "0.12.66.242",
    EventCode.AUTHENTICATION_FAILED: "0.12.24.85",
    EventCode.DISCONNECTED_REMOTELY: "0.31.26.68",
    EventCode.RECONNECTED_REMOTELY: "0.31.26.42",
    EventCode.DISCONNECTED_LOCALLY: "0.15.26.68",
    EventCode.RECONNECTED_LOCALLY: "0.15.26.42",
    EventCode.LIMITER_THRESHOLD_EXCEEDED: "0.15.261.139",
    EventCode.LIMITER_THRESHOLD_OK: "0.15.261.216",
}
CODES = {text.partition(".")[2]: code for code, text in TYPES.items()} | {
    "26.0.47": EventCode.POWER_DOWN,
    "26.0.216": EventCode.POWER_UP,
}
"""By domain, subdomain and event: messages name the kind of device (3: electric meter) as they like."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """`meter` (its serial number) says that `code` happened at `at` (seconds since 1970-01-01 UTC); from line `line`.

    `code` is None where the type is not known here; `kind` is the type as it was sent.
    """

    line: int
    meter: str
    kind: str
    code: int | None
    at: int
    text: str = ""


def parse_cim_events(chunks: Iterable[bytes]) -> Iterator[EventRecord | Rejected]:
    """The events of an EndDeviceEvents message."""
    found = False
    for node in records(chunks, ("EndDeviceEvent",)):
        found = True
        if isinstance(node, Rejected):
            yield node
            continue
        try:
            yield _event(node)
        except BadRecord as error:
            yield Rejected(node.line, str(error))
    if not found:
        yield Rejected(1, "there is no EndDeviceEvent in the file")


def _event(node: Node) -> EventRecord:
    if not node.namespace.endswith("EndDeviceEvents#"):
        raise BadRecord(f"EndDeviceEvent is of the namespace {node.namespace[:80]!r}, not {NAMESPACE}")
    kind_node = node.first("EndDeviceEventType")
    kind = "" if kind_node is None else kind_node.attributes.get("ref", "")
    parts = kind.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and len(part) <= 6 for part in parts):
        raise BadRecord(f"{kind[:40]!r} is no EndDeviceEventType: it has four numbers with dots between them")
    meter = node.said("Assets", "Names", "name") or node.said("Assets", "mRID")
    if not meter:
        raise BadRecord("the EndDeviceEvent names no Assets: nobody knows which meter it is of")
    code = CODES.get(".".join(parts[1:]))
    at = instant(node.need("createdDateTime"))
    return EventRecord(node.line, meter, kind, None if code is None else int(code), at, node.said("reason"))


def write_events(events: Iterable[EventRecord], created_at: datetime, source: str, message: str) -> Iterator[str]:
    """A `created EndDeviceEvents` event message, piece by piece."""
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<EventMessage xmlns="{MESSAGE}">\n<Header><Verb>created</Verb>'
        f"<Noun>EndDeviceEvents</Noun><Timestamp>{written(int(created_at.timestamp()))}</Timestamp>"
        f"<Source>{escape(source)}</Source><MessageID>{escape(message)}</MessageID></Header>\n"
        f'<Payload><EndDeviceEvents xmlns="{NAMESPACE}">\n'
    )
    for event in events:
        said = escape(event.meter)
        yield (
            f"<EndDeviceEvent><createdDateTime>{written(event.at)}</createdDateTime>"
            f"<reason>{escape(event.text)}</reason>"
            f"<Assets><mRID>{said}</mRID><Names><name>{said}</name></Names></Assets>"
            f"<EndDeviceEventType ref={quoteattr(event.kind)}/></EndDeviceEvent>\n"
        )
    yield "</EndDeviceEvents></Payload></EventMessage>\n"


def type_of(code: int) -> str:
    """The event type of one of our codes; `0.0.0.0` where none is known."""
    return {int(known): text for known, text in TYPES.items()}.get(code, OTHER)
