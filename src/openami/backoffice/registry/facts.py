"""Facts about a metering point with two times: when they hold, and when that was known. Nothing is ever overwritten.

A fact holds from `start` up to `end` (None: without end) and was known from `known_from` up to `known_until`. Facts of
one kind and point that are known at one time never overlap. What is corrected stays readable: ask as of before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from openami.backoffice.registry.tables import registry_fact
from openami.io.store.among import among
from openami.model.errors import Conflict


class FactKind(StrEnum):
    """What is told of a point."""

    ADDRESS = "address"
    INSTALLATION = "installation"
    SUPPLY = "supply"
    CONTRACT = "contract"
    TOPOLOGY = "topology"
    RATIO = "ratio"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Fact:
    """`content` holds plain values: of an installation its `meter`, `opening` and `closing` reads; of a supply the
    `consumer`; of a contract `contract`, `supplier`, `tariff`, `annual_wh`; of the topology `area`, `substation`,
    `feeder`, `transformer`, `phase` and `role`; of the ratio of instrument transformers the multiplier by OBIS code, in
    the unit and scaler of the channels; of checks by OBIS code the channels that measure the same, most trusted first.
    """

    metering_point: int
    kind: FactKind
    start: datetime
    end: datetime | None
    content: Mapping[str, Any]
    known_from: datetime
    known_until: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


Span = tuple[datetime, datetime | None]


def record(
    connection: Connection,
    kind: FactKind,
    metering_point: int,
    span: Span,
    content: Mapping[str, Any] | None,
    known_at: datetime | None,
) -> bool:
    """From `known_at` on it is known that `content` held during `span`, or that nothing did (None), whatever was known
    before about that time. Whether anything changed; the same again changes nothing.

    Without `known_at` it is known since `span` begins, or since the last change if that was later. `Conflict` if
    something was recorded that is known later than `known_at`.
    """
    there = [each for each in facts(connection, kind, [metering_point]) if _overlap(each, span)]
    if _same(there, span, content):
        return False
    now = _known(connection, kind, metering_point, span, known_at)
    for each in there:
        key = registry_fact.c
        same = key.metering_point == metering_point, key.kind == kind.value, key.start == each.start
        connection.execute(update(registry_fact).where(*same, key.known_until.is_(None)).values(known_until=now))
        for start, end in _left(each, span):
            _insert(connection, kind, metering_point, (start, end), each.content, now)
    if content is not None:
        _insert(connection, kind, metering_point, span, content, now)
    return True


def facts(
    connection: Connection, kind: FactKind, metering_points: Sequence[int], known: datetime | None = None
) -> list[Fact]:
    """All facts of a kind as they were known at `known` (None: as they are known now), by point and time."""
    table = registry_fact.c
    chosen = [table.kind == kind.value, among(table.metering_point, metering_points), _was_known(known)]
    query = select(registry_fact).where(*chosen).order_by(table.metering_point, table.start, table.id)
    return [fact_of(row) for row in connection.execute(query)]


def facts_at(
    connection: Connection,
    kind: FactKind,
    metering_points: Sequence[int],
    at: datetime,
    known: datetime | None = None,
) -> dict[int, Fact]:
    """Per point the fact that held at `at`, as it was known at `known`."""
    found = facts(connection, kind, metering_points, known)
    return {each.metering_point: each for each in found if each.holds(at)}


def fact_of(row: Row[Any]) -> Fact:
    content = json.loads(row.content)
    kind = FactKind(row.kind)
    return Fact(row.metering_point, kind, row.start, row.end, content, row.known_from, row.known_until)


def _was_known(known: datetime | None) -> Any:
    table = registry_fact.c
    if known is None:
        return table.known_until.is_(None)
    return and_(table.known_from <= known, or_(table.known_until.is_(None), table.known_until > known))


def _overlap(fact: Fact, span: Span) -> bool:
    start, end = span
    return (end is None or fact.start < end) and (fact.end is None or start < fact.end)


def _same(there: list[Fact], span: Span, content: Mapping[str, Any] | None) -> bool:
    if content is None:
        return not there
    return [(each.start, each.end, dict(each.content)) for each in there] == [(*span, dict(content))]


def _left(fact: Fact, span: Span) -> list[Span]:
    """What remains of a fact outside of `span`."""
    start, end = span
    before: list[Span] = [(fact.start, start)] if fact.start < start else []
    after: list[Span] = [(end, fact.end)] if end is not None and (fact.end is None or end < fact.end) else []
    return before + after


def _known(
    connection: Connection, kind: FactKind, metering_point: int, span: Span, known_at: datetime | None
) -> datetime:
    table = registry_fact.c
    mine = table.metering_point == metering_point, table.kind == kind.value
    last: datetime | None = connection.execute(select(func.max(table.known_from)).where(*mine)).scalar()
    if known_at is None:
        return span[0] if last is None else max(span[0], last)
    if last is not None and known_at < last:
        raise Conflict(f"{kind} of point {metering_point}: something known at {last} is recorded, {known_at} is before")
    return known_at


def _insert(
    connection: Connection, kind: FactKind, point: int, span: Span, content: Mapping[str, Any], now: datetime
) -> None:
    told = json.dumps(dict(content), sort_keys=True, ensure_ascii=False)
    values = {"kind": kind.value, "metering_point": point, "start": span[0], "end": span[1], "content": told}
    connection.execute(insert(registry_fact).values(values | {"known_from": now}))
