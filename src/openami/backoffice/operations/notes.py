"""What operations remembers beside jobs: events, clocks, how far logs were read, and what was quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import insert, select, update

from openami.backoffice.operations.cause import Cause
from openami.backoffice.operations.session_result import ClockRead, EventRead, Undecodable
from openami.backoffice.operations.tables import clock_note, meter_event, meter_log, quarantine
from openami.io.store.engine import Store
from openami.model.event import MeterEvent

_RECEIVED = msgspec.msgpack.Decoder(tuple[bytes, ...])
_TEXT_MAX = 500


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Bytes that could not be used: where they came from, why, and all of them as they came."""

    id: int
    noted_at: datetime
    origin: str
    meter: int | None
    cause: Cause
    reason: str
    received: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ClockNote:
    """At `noted_at` the meter's clock was `drift_s` ahead of ours, give or take `uncertainty_s`."""

    meter: int
    noted_at: datetime
    drift_s: float
    uncertainty_s: float


class Notes:
    """The notes in `store`. Noting the same again changes nothing; every method joins the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note_events(self, meter: int, events: Sequence[EventRead], known_at: datetime, text: str, evidence: int) -> int:
        """Keep the events that are not known yet; how many those were."""
        if not events:
            return 0
        columns = meter_event.c
        first, last = min(event.at for event in events), max(event.at for event in events)
        with self._store.transaction() as connection:
            query = select(columns.at, columns.code).where(columns.meter == meter, columns.at.between(first, last))
            known = {(row.at, row.code) for row in connection.execute(query)}
            new = [event for event in dict.fromkeys(events) if event not in known]
            values = {"meter": meter, "known_at": known_at, "text": text[:_TEXT_MAX], "evidence": evidence}
            if new:
                connection.execute(
                    insert(meter_event), [{"at": event.at, "code": event.code, **values} for event in new]
                )
            return len(new)

    def events(self, meter: int | None = None, limit: int = 200) -> list[MeterEvent]:
        """The latest events first, of one meter or of all."""
        query = select(meter_event).order_by(meter_event.c.at.desc(), meter_event.c.meter, meter_event.c.code)
        if meter is not None:
            query = query.where(meter_event.c.meter == meter)
        with self._store.reading() as connection:
            return [
                MeterEvent(row.meter, row.code, row.at, row.known_at, row.text)
                for row in connection.execute(query.limit(limit))
            ]

    def event_evidence(self, event: MeterEvent) -> int | None:
        """The id of the bytes that the event came from."""
        columns = meter_event.c
        query = select(columns.evidence).where(
            columns.meter == event.meter, columns.at == event.at, columns.code == event.code
        )
        with self._store.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else int(found)

    def note_clock(self, meter: int, clock: ClockRead) -> None:
        """Keep what the meter's clock showed."""
        values = {
            "meter": meter,
            "noted_at": clock.noted_at,
            "drift_ms": round(clock.drift_s * 1000),
            "uncertainty_ms": round(clock.uncertainty_s * 1000),
        }
        this = (clock_note.c.meter == meter, clock_note.c.noted_at == clock.noted_at)
        with self._store.transaction() as connection:
            if connection.execute(select(clock_note.c.meter).where(*this)).first() is None:
                connection.execute(insert(clock_note).values(values))

    def clocks(self, meter: int, limit: int = 30) -> list[ClockNote]:
        """The latest clock readings of a meter first."""
        query = select(clock_note).where(clock_note.c.meter == meter).order_by(clock_note.c.noted_at.desc())
        with self._store.reading() as connection:
            return [
                ClockNote(row.meter, row.noted_at, row.drift_ms / 1000, row.uncertainty_ms / 1000)
                for row in connection.execute(query.limit(limit))
            ]

    def log_read_through(self, meter: int) -> datetime | None:
        """The meter's time up to which its event log was read; None if it never was."""
        with self._store.reading() as connection:
            found: datetime | None = connection.execute(
                select(meter_log.c.read_through).where(meter_log.c.meter == meter)
            ).scalar()
        return found

    def note_log(self, meter: int, read_through: datetime) -> None:
        """The event log was read up to `read_through`; an earlier time changes nothing."""
        with self._store.transaction() as connection:
            known = self.log_read_through(meter)
            if known is None:
                connection.execute(insert(meter_log).values(meter=meter, read_through=read_through))
            elif read_through > known:
                connection.execute(
                    update(meter_log).where(meter_log.c.meter == meter).values(read_through=read_through)
                )

    def quarantine(self, origin: str, meter: int | None, what: Undecodable, now: datetime) -> int:
        """Keep bytes that could not be used."""
        values = {
            "noted_at": now,
            "origin": origin[:_TEXT_MAX],
            "meter": meter,
            "cause": what.cause,
            "reason": what.reason[:_TEXT_MAX],
            "received": msgspec.msgpack.encode(what.received),
        }
        with self._store.transaction() as connection:
            made = connection.execute(insert(quarantine).values(values))
        return int((made.inserted_primary_key or (0,))[0])

    def quarantined(self, meter: int | None = None, limit: int = 200) -> list[Quarantined]:
        """The latest first, of one meter or of all."""
        query = select(quarantine).order_by(quarantine.c.id.desc()).limit(limit)
        if meter is not None:
            query = query.where(quarantine.c.meter == meter)
        with self._store.reading() as connection:
            return [
                Quarantined(
                    row.id,
                    row.noted_at,
                    row.origin,
                    row.meter,
                    Cause(row.cause),
                    row.reason,
                    _RECEIVED.decode(row.received),
                )
                for row in connection.execute(query)
            ]
