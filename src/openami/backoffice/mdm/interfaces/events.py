"""Events of meters that come in from another party's system, and ours that go out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from openami.backoffice.mdm.interfaces.importing import ImportResult, Report
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.session_result import EventRead
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import utc
from openami.protocols.exchange.cim_events import EventRecord, parse_cim_events, type_of
from openami.protocols.exchange.delivery import Rejected

EVENTS_MAX = 1_000_000


def import_events(
    store: Store, registry: Registry, mdm: Mdm, chunks: Iterable[bytes], now: datetime, report: Report
) -> ImportResult:
    """Take the events of an EndDeviceEvents message; `report` is told what was not taken. Again, it changes nothing.

    An event of a type that has no code here is rejected: our log tells codes.
    """
    total = ImportResult()
    notes = Notes(store)
    for item in parse_cim_events(chunks):
        wrong = item if isinstance(item, Rejected) else _wrong(registry, item, now)
        if wrong is not None:
            report(wrong)
            total += ImportResult(rejected=1)
            continue
        assert isinstance(item, EventRecord)
        total += ImportResult(records=1, values=1, stored=_taken(store, registry, mdm, notes, item, now))
    return total


def _wrong(registry: Registry, event: EventRecord, now: datetime) -> Rejected | None:
    if event.code is None:
        return Rejected(event.line, f"the event type {event.kind} has no code here")
    if not 0 <= event.at <= int(now.timestamp()):
        return Rejected(event.line, "the event lies in the future, or before 1970")
    if registry.meter_by_serial(event.meter) is None:
        return Rejected(event.line, f"meter {event.meter[:60]!r} is not in the registry")
    return None


def _taken(store: Store, registry: Registry, mdm: Mdm, notes: Notes, event: EventRecord, now: datetime) -> int:
    """Whether the event is new; then what was said of it is kept as its evidence."""
    meter = registry.meter_by_serial(event.meter)
    assert meter is not None
    assert event.code is not None
    at = utc(event.at)
    with store.transaction():
        said = f"CIM event {event.kind} at {at.isoformat()}: {event.text}".encode()
        evidence = mdm.keep_evidence(meter.id, at, "cim", [], said, "EndDeviceEvent")
        return notes.note_events(meter.id, [EventRead(at, event.code)], now, event.text, evidence)


def stored_events(store: Store, registry: Registry, start: datetime, end: datetime) -> Iterator[EventRecord]:
    """The events of all meters from `start` up to `end`, as records to be sent."""
    serials = {meter.id: meter.serial for meter in registry.meters()}
    for event in Notes(store).events(limit=EVENTS_MAX):
        if start <= event.at < end and event.meter in serials:
            kind, text = type_of(event.code), event.text or event.name
            yield EventRecord(0, serials[event.meter], kind, event.code, int(event.at.timestamp()), text)
