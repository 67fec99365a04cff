"""Stamped registers: what a meter's register stood at, at one instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from openami.backoffice.mdm.tables import stamped_register
from openami.io.store.among import among
from openami.io.store.bulk import insert_rows
from openami.model.obis import ObisCode


@dataclass(frozen=True, slots=True)
class StampedRegister:
    """`meter` at `metering_point` stood at `register` at `stamp` (seconds since 1970-01-01); `obis` as text."""

    metering_point: int
    obis: str
    stamp: int
    meter: int
    register: int
    known_at: int
    evidence: int

    @property
    def key(self) -> tuple[int, str, int, int]:
        return self.metering_point, self.obis, self.stamp, self.meter

    @property
    def precedence(self) -> tuple[int, int, int]:
        """Of two registers of one stamp the later known is current; a tie never depends on the order of arrival."""
        return self.known_at, self.evidence, self.register


def take(connection: Connection, registers: Sequence[StampedRegister]) -> tuple[list[StampedRegister], int]:
    """Store what is new. Those stored, and how many were passed over because a later known one is there."""
    best: dict[tuple[int, str, int, int], StampedRegister] = {}
    for register in registers:
        known = best.get(register.key)
        if known is None or register.precedence > known.precedence:
            best[register.key] = register
    there = _versions(connection, list(best))
    stored, passed, rows = [], 0, []
    for key, register in sorted(best.items()):
        version, current = there.get(key, (0, None))
        if current is not None and register.precedence <= current.precedence:
            passed += register.precedence < current.precedence
            continue
        stored.append(register)
        rows.append((*key, version + 1, register.register, register.known_at, register.evidence))
    insert_rows(connection, stamped_register, rows)
    return stored, passed


def _versions(
    connection: Connection, keys: list[tuple[int, str, int, int]]
) -> dict[tuple[int, str, int, int], tuple[int, StampedRegister]]:
    points, stamps = [key[0] for key in keys], [key[2] for key in keys]
    rows = _rows(connection, points, min(stamps, default=0), max(stamps, default=0))
    return {register.key: (version, register) for version, register in rows}


def of_points(
    connection: Connection, points: Sequence[int], first: int, last: int
) -> dict[tuple[int, str], dict[tuple[int, int], int]]:
    """The current registers with `first` <= stamp <= `last`: per point and obis, by meter and stamp."""
    found: dict[tuple[int, str], dict[tuple[int, int], int]] = {}
    for _, register in _rows(connection, points, first, last):
        reads = found.setdefault((register.metering_point, register.obis), {})
        reads[register.meter, register.stamp] = register.register
    return found


def _rows(
    connection: Connection, points: Sequence[int], first: int, last: int
) -> Iterator[tuple[int, StampedRegister]]:
    """All versions, later ones after earlier ones."""
    table = stamped_register.c
    chosen = among(table.metering_point, sorted(dict.fromkeys(points))), table.stamp.between(first, last)
    for row in connection.execute(select(stamped_register).where(*chosen).order_by(table.version)):
        yield row.version, _register_of(row)


def between(connection: Connection, point: int, obis: ObisCode, first: int, last: int) -> list[StampedRegister]:
    """The current registers of a point with `first` <= stamp <= `last`, by stamp, then meter."""
    table = stamped_register.c
    chosen = and_(table.metering_point == point, table.obis == str(obis), table.stamp.between(first, last))
    order = (table.stamp, table.meter, table.version)
    rows = connection.execute(select(stamped_register).where(chosen).order_by(*order))
    latest = {(row.stamp, row.meter): _register_of(row) for row in rows}
    return list(latest.values())


def of_many(
    connection: Connection, points: Sequence[int], first: int, last: int
) -> dict[tuple[int, str], list[StampedRegister]]:
    """As `between`, of many points at once, per point and obis."""
    latest: dict[tuple[int, str, int, int], StampedRegister] = {}
    for _, register in _rows(connection, points, first, last):
        latest[register.key] = register
    found: dict[tuple[int, str], list[StampedRegister]] = {}
    for key, register in sorted(latest.items()):
        found.setdefault(key[:2], []).append(register)
    return found


def last_stamps(connection: Connection, points: Sequence[int]) -> dict[tuple[int, str], int]:
    """The stamp of the latest register of each quantity of many points."""
    table = stamped_register.c
    chosen = among(table.metering_point, sorted(dict.fromkeys(points)))
    latest = func.max(table.stamp).label("latest")
    query = select(table.metering_point, table.obis, latest).where(chosen).group_by(table.metering_point, table.obis)
    return {(row.metering_point, row.obis): row.latest for row in connection.execute(query)}


def last_before(connection: Connection, point: int, obis: ObisCode, stamp: int) -> int | None:
    """The stamp of the latest register of a point at or before `stamp`."""
    table = stamped_register.c
    chosen = and_(table.metering_point == point, table.obis == str(obis), table.stamp <= stamp)
    return connection.execute(select(table.stamp).where(chosen).order_by(table.stamp.desc()).limit(1)).scalar()


def _register_of(row: Any) -> StampedRegister:
    return StampedRegister(row.metering_point, row.obis, row.stamp, row.meter, row.register, row.known_at, row.evidence)
