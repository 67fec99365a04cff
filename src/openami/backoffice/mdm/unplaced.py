"""Readings that belong nowhere yet: kept with the reason, and placed when the registry knows more."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
from sqlalchemy import Connection, Row, Select, insert, select, update

from openami.backoffice.mdm.evidence import identity
from openami.backoffice.mdm.tables import unplaced
from openami.io.store.among import among
from openami.io.store.columns import microseconds
from openami.model.errors import StoreError
from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.reading import ProfileReading, RegisterReading

NO_INSTALLATION = "the meter hung at no metering point then"
NO_CHANNEL = "the metering point has no channel for this quantity and resolution"
OFF_GRID = "the stamp is no end of an interval"

# What a datetime can tell; a meter may send any number.
FIRST, LAST = -62_135_596_800, 253_402_300_799

Content = tuple[list[int], list[int], list[int]]  # stamps, registers, status


@dataclass(frozen=True, slots=True)
class Unplaced:
    """`count` rows of a reading of `meter` that wait for a place; `reason` says what is missing.

    `resolution_s` is 0 for stamped registers.
    """

    id: int
    meter: int
    obis: ObisCode
    resolution_s: int
    reason: str
    start: datetime
    end: datetime
    count: int
    evidence: int


def keep(connection: Connection, readings: Sequence[tuple[ProfileReading, str]]) -> int:
    """Keep each reading with its reason unless it is kept already. How many rows of readings are new here."""
    kept = 0
    for reading, reason in readings:
        content = (reading.stamps.tolist(), reading.registers.tolist(), reading.status.tolist())
        known_at = microseconds(reading.known_at)
        number = identity(reading.meter, str(reading.obis), reading.resolution_s, content, known_at, reading.evidence)
        there = connection.execute(select(unplaced.c.placed).where(unplaced.c.id == number)).first()
        if there is None:
            connection.execute(insert(unplaced).values(_values(number, reading, reason, content)))
            kept += len(reading.stamps)
        elif there.placed:
            again = update(unplaced).where(unplaced.c.id == number).values(placed=False, reason=reason)
            connection.execute(again)
    return kept


def _values(number: int, reading: ProfileReading, reason: str, content: Content) -> dict[str, object]:
    return {
        "id": number,
        "meter": reading.meter,
        "obis": str(reading.obis),
        "resolution_s": reading.resolution_s,
        "reason": reason,
        "first_stamp": min(content[0]),
        "last_stamp": max(content[0]),
        "row_count": len(content[0]),
        "known_at": reading.known_at,
        "evidence": reading.evidence,
        "content": zlib.compress(msgspec.msgpack.encode(content), 1),
        "placed": False,
    }


def as_profile(reading: RegisterReading) -> ProfileReading:
    """A stamped register in the form in which it waits: one row, resolution 0."""
    stamps = np.array([microseconds(reading.stamp) // 1_000_000], dtype=np.int64)
    registers, status = np.array([reading.value], dtype=np.int64), np.zeros(1, dtype=np.uint8)
    return ProfileReading(reading.meter, reading.obis, 0, stamps, registers, status, reading.known_at, reading.evidence)


def as_register(reading: ProfileReading) -> RegisterReading:
    """The stamped register that `as_profile` was made from (to the second)."""
    stamp, value = utc(int(reading.stamps[0])), int(reading.registers[0])
    return RegisterReading(reading.meter, reading.obis, stamp, value, reading.known_at, reading.evidence)


def waiting(connection: Connection, meter: int | None = None) -> Iterator[Unplaced]:
    """What waits, by meter and time."""
    for row in connection.execute(_waiting(meter)):
        start, end = _told(row.first_stamp), _told(row.last_stamp)
        obis = ObisCode.parse(row.obis)
        yield Unplaced(row.id, row.meter, obis, row.resolution_s, row.reason, start, end, row.row_count, row.evidence)


def _told(stamp: int) -> datetime:
    return utc(min(max(stamp, FIRST), LAST))


def readings(connection: Connection, meter: int | None = None) -> list[tuple[int, ProfileReading]]:
    """What waits, as readings with their ids."""
    return [(row.id, _reading_of(row)) for row in connection.execute(_waiting(meter))]


def meters(connection: Connection, chosen: Sequence[int]) -> set[int]:
    """Those of `chosen` from which something waits."""
    query = select(unplaced.c.meter).distinct().where(unplaced.c.placed.is_(False), among(unplaced.c.meter, chosen))
    return set(connection.execute(query).scalars())


def release(connection: Connection, numbers: Sequence[int]) -> None:
    """These are about to be tried again: whatever still has no place is kept anew by `keep`."""
    for number in numbers:
        connection.execute(update(unplaced).where(unplaced.c.id == number).values(placed=True))


def _waiting(meter: int | None) -> Select[tuple[object, ...]]:
    query = select(unplaced).where(unplaced.c.placed.is_(False))
    query = query if meter is None else query.where(unplaced.c.meter == meter)
    return query.order_by(unplaced.c.meter, unplaced.c.first_stamp, unplaced.c.id)


def _reading_of(row: Row[tuple[object, ...]]) -> ProfileReading:
    try:
        stamps, registers, status = msgspec.msgpack.decode(zlib.decompress(row.content), type=Content)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise StoreError(f"unplaced reading {row.id} cannot be expanded ({error}): the store is damaged") from error
    return ProfileReading(
        row.meter,
        ObisCode.parse(row.obis),
        row.resolution_s,
        np.array(stamps, dtype=np.int64),
        np.array(registers, dtype=np.int64),
        np.array(status, dtype=np.uint8),
        row.known_at,
        row.evidence,
    )
