"""The bytes that values came from: every value leads here."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from openami.backoffice.mdm.tables import evidence
from openami.io.store.among import among
from openami.io.store.columns import microseconds
from openami.model.errors import StoreError
from openami.model.reading import Received

RECEIVED = msgspec.msgpack.Decoder(list[bytes])
PLAIN_MAX = 1 << 28


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was received at `received_at` from `meter`: `received` as it came, one entry per APDU or telegram (still
    ciphered), and `plain`, what it said once opened. `protocol` tells how to explain both.
    """

    id: int
    meter: int
    received_at: datetime
    protocol: str
    received: tuple[bytes, ...]
    plain: bytes
    note: str


def identity(*parts: object) -> int:
    """A 63-bit number made from the content alone: keeping the same thing again finds it there.

    Two different things with one number are as unlikely as 1 to 2^63 per pair; the store refuses the second.
    """
    digest = hashlib.blake2b(msgspec.msgpack.encode(parts), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def keep(connection: Connection, batch: Sequence[tuple[int, Received]]) -> list[int]:
    """Keep bytes, each with its metering point (0: none), unless they are kept already; the ids that lead to them."""
    rows = [_row(point, received) for point, received in batch]
    numbers = [row["id"] for row in rows]
    kept = {row.id: row for row in connection.execute(select(evidence).where(among(evidence.c.id, numbers)))}
    new: dict[int, dict[str, Any]] = {}
    for row in rows:
        there = kept.get(row["id"])
        if there is None:
            new[row["id"]] = row
        elif (there.meter, there.received, there.plain) != (row["meter"], row["received"], row["plain"]):
            raise StoreError(f"evidence {there.id} is there with other bytes: two contents share one number")
    if new:
        connection.execute(insert(evidence), list(new.values()))
    return numbers


def _row(metering_point: int, said: Received) -> dict[str, Any]:
    received = [bytes(item) for item in said.received]
    number = identity(said.meter, microseconds(said.received_at), said.protocol, received, said.plain, said.note)
    return {
        "metering_point": metering_point,
        "id": number,
        "meter": said.meter,
        "received_at": said.received_at,
        "protocol": said.protocol,
        "received": msgspec.msgpack.encode(received),
        "plain": zlib.compress(said.plain, 1),
        "note": said.note,
    }


def find(connection: Connection, number: int) -> Evidence | None:
    """The evidence `number`, or None."""
    row = connection.execute(select(evidence).where(evidence.c.id == number)).first()
    return None if row is None else _evidence_of(row)


def _evidence_of(row: Row[tuple[object, ...]]) -> Evidence:
    try:
        received, plain = RECEIVED.decode(row.received), _expanded(row.plain)
    except (msgspec.DecodeError, zlib.error) as error:
        raise StoreError(f"evidence {row.id} cannot be expanded ({error}): the store is damaged") from error
    return Evidence(row.id, row.meter, row.received_at, row.protocol, tuple(received), plain, row.note)


def _expanded(plain: bytes) -> bytes:
    return zlib.decompressobj().decompress(plain, PLAIN_MAX)
