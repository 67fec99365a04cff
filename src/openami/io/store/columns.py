"""Column types that mean the same in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Integer
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# SQLite numbers rows by itself only in a column whose type is spelled INTEGER; there it holds 64 bits as well.
RowId = BigInteger().with_variant(Integer(), "sqlite")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """Exact microseconds since 1970-01-01 UTC; a time without a zone is refused with `ValueError`."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; the store keeps instants")
    return (at - EPOCH) // MICROSECOND


class UtcTime(TypeDecorator[datetime]):
    """An instant, kept exactly as bigint microseconds since 1970-01-01 UTC; comes back with the zone UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the interface
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the interface
        return None if value is None else EPOCH + value * MICROSECOND
