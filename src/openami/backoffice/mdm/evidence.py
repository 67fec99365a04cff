"""The bytes that values came from: every value leads here."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, insert, select

from openami.backoffice.mdm.tables import evidence
from openami.io.store.columns import microseconds
from openami.model.errors import StoreError

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


def keep(
    connection: Connection,
    metering_point: int,
    meter: int,
    received_at: datetime,
    protocol: str,
    received: Sequence[bytes],
    plain: bytes,
    note: str,
) -> int:
    """Keep the bytes unless they are kept already; the id that leads to them."""
    number = identity(meter, microseconds(received_at), protocol, [bytes(item) for item in received], plain, note)
    values = {
        "metering_point": metering_point,
        "id": number,
        "meter": meter,
        "received_at": received_at,
        "protocol": protocol,
        "received": msgspec.msgpack.encode([bytes(item) for item in received]),
        "plain": zlib.compress(plain, 1),
        "note": note,
    }
    there = connection.execute(select(evidence).where(evidence.c.id == number)).first()
    if there is None:
        connection.execute(insert(evidence).values(values))
    elif (there.meter, there.received, there.plain) != (meter, values["received"], values["plain"]):
        raise StoreError(f"evidence {number} is there with other bytes: two contents share one number")
    return number


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
