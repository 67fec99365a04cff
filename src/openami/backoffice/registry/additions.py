"""Many new entries of the registry at once: a few statements for all of them, not thirty for each.

The same rows as `Registry` and `Timeline` write one by one. Each function is part of the caller's transaction, and the
caller has looked that nothing of it is there: what is there nevertheless is a `Conflict` of the whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, insert, select, update

from openami.backoffice.registry import tables
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.rows import row_of_channel
from openami.io.store.among import among
from openami.io.store.columns import EPOCH
from openami.model.point import Channel
from openami.model.quality import GuaranteeClass


class NewPoint(NamedTuple):
    """A metering point by its code; its calendar runs in the IANA time zone `zone`."""

    code: str
    service_address: str
    zone: str


class NewMeter(NamedTuple):
    """A device; serial number and system title are unique."""

    serial: str
    system_title: bytes
    guarantee: GuaranteeClass
    link: str | None
    framing: str


class NewFact(NamedTuple):
    """What holds at a point, of which nothing of this kind is known yet."""

    metering_point: int
    start: datetime
    end: datetime | None
    content: Mapping[str, Any]


def add_points(connection: Connection, points: Sequence[NewPoint]) -> None:
    _insert(connection, tables.metering_point, [point._asdict() for point in points])
    found = ids(connection, tables.metering_point.c.code, [point.code for point in points])
    first = [
        {"metering_point": found[point.code], "start": EPOCH, "service_address": point.service_address}
        for point in points
    ]
    _insert(connection, tables.service_address, first)
    told = ((found[point.code], {"service_address": point.service_address}) for point in points)
    facts = [NewFact(identity, EPOCH, None, content) for identity, content in told]
    _add_facts(connection, FactKind.ADDRESS, facts, EPOCH)


def add_meters(connection: Connection, meters: Sequence[NewMeter]) -> None:
    values = [meter._asdict() | {"guarantee": int(meter.guarantee), "curve": ""} for meter in meters]
    _insert(connection, tables.meter, values)


def add_channels(connection: Connection, channels: Sequence[Channel]) -> None:
    """Channels of points that have none of their numbers yet, nor another one of their OBIS code."""
    _insert(connection, tables.channel, [row_of_channel(each) for each in channels])


def install(connection: Connection, facts: Sequence[NewFact], known_at: datetime) -> None:
    """Meters (`meter` of the content) that hung nowhere yet, at points that had none."""
    values = [
        {"metering_point": fact.metering_point, "start": fact.start, "end": fact.end, "meter": fact.content["meter"]}
        for fact in facts
    ]
    _insert(connection, tables.installation, values)
    _add_facts(connection, FactKind.INSTALLATION, facts, known_at)


def add_facts(connection: Connection, kind: FactKind, facts: Sequence[NewFact], known_at: datetime) -> None:
    """Facts of a kind that has no table of its own."""
    _changed(connection)
    _add_facts(connection, kind, facts, known_at)


def ids(connection: Connection, column: Any, keys: Sequence[Any]) -> dict[Any, int]:
    """By key the ids of those rows of which `column`, a unique one, is among `keys`."""
    rows = connection.execute(select(column, column.table.c.id).where(column.in_(keys)))
    return {row[0]: row[1] for row in rows}


def told_of(connection: Connection, kind: FactKind, metering_points: Sequence[int]) -> set[int]:
    """Those of the points of which a fact of this kind was ever told."""
    table = tables.registry_fact.c
    query = select(table.metering_point).distinct()
    chosen = query.where(among(table.metering_point, metering_points), table.kind == kind.value)
    return set(connection.execute(chosen).scalars())


def _add_facts(connection: Connection, kind: FactKind, facts: Sequence[NewFact], known_at: datetime) -> None:
    values = [
        {
            "kind": kind.value, "metering_point": fact.metering_point, "start": fact.start, "end": fact.end,
            "content": json.dumps(dict(fact.content), sort_keys=True, ensure_ascii=False), "known_from": known_at,
        }
        for fact in facts
    ]  # fmt: skip
    connection.execute(insert(tables.registry_fact), values)


def _insert(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    _changed(connection)
    connection.execute(insert(table), values)


def _changed(connection: Connection) -> None:
    counter = tables.registry_revision
    connection.execute(update(counter).values(revision=counter.c.revision + 1))
