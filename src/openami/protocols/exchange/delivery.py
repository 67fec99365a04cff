"""What every exchange format says in the end: values of one quantity at one point, or why a record says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.model.unit import Unit

LINE_MAX = 64 * 1024
"""Bytes of a line or an item of text; a day of minutes needs about 12 kB."""
INTERVALS_MAX = 100_000
"""Values that one record may carry."""
DIGITS_MAX = 24
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Values of `obis` at `point` (or of `meter`, where the format names only that), from lines `line` to `last_line`.

    `stamps` are seconds since 1970-01-01 UTC: ends of intervals of `resolution_s`, or instants of register values
    where `resolution_s` is 0. `values` are exact, in `unit`; None where the sender says that it has none.
    `registers` tells that the values are readings of a register, not energies of intervals. `lines` are the lines of
    the values where each has one of its own: then each is a record of its own.
    """

    line: int
    last_line: int
    point: str
    meter: str
    obis: ObisCode
    unit: Unit
    resolution_s: int
    stamps: tuple[int, ...]
    values: tuple[Decimal | None, ...]
    qualities: tuple[Quality, ...]
    registers: bool = False
    lines: tuple[int, ...] = ()

    def line_of(self, row: int) -> int:
        """The line that a value stands in, or that its record begins at."""
        return self.lines[row] if self.lines else self.line


@dataclass(frozen=True, slots=True)
class Rejected:
    """The record at `line` was not taken, for this reason."""

    line: int
    reason: str


Parsed = Iterator[Delivery | Rejected]

UNITS: dict[str, tuple[Unit, int]] = {
    f"{prefix}{symbol}".lower(): (unit, power)
    for symbol, unit in (
        ("Wh", Unit.WATT_HOUR),
        ("varh", Unit.VAR_HOUR),
        ("VAh", Unit.VOLT_AMPERE_HOUR),
        ("m3", Unit.CUBIC_METRE),
        ("m³", Unit.CUBIC_METRE),
        ("l", Unit.LITRE),
    )
    for prefix, power in (("", 0), ("k", 3), ("M", 6), ("G", 9))
    if not prefix or symbol.lower().endswith("h")
}
"""Names of units of amounts, in lower case, with the power of ten of their prefix."""


class BadRecord(ValueError):
    """A record says what cannot be; the message is for the person who sent it."""


def number(text: str) -> Decimal:
    """An exact decimal number as files write it. Raises `BadRecord` for anything else, exponents included."""
    plain = text.strip()
    if len(plain) > DIGITS_MAX or not plain or not set(plain) <= set("0123456789.+-"):
        raise BadRecord(f"{text[:40]!r} is not a decimal number")
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise BadRecord(f"{text[:40]!r} is not a decimal number") from None


def unit_of(name: str) -> tuple[Unit, int]:
    """The unit of that name and the power of ten by which a value is to be multiplied."""
    found = UNITS.get(name.strip().lower())
    if found is None:
        raise BadRecord(f"the unit {name[:20]!r} is none of an amount; known are kWh, Wh, MWh, kvarh, kVAh, m3, l")
    return found


def instant(text: str) -> int:
    """Seconds since 1970-01-01 of an ISO 8601 time, which must carry its offset from UTC."""
    try:
        at = datetime.fromisoformat(text.strip()[:40])
    except ValueError:
        raise BadRecord(f"{text[:40]!r} is not a time; write it as 2026-11-23T00:15:00+01:00") from None
    if at.tzinfo is None:
        raise BadRecord(f"the time {text[:40]!r} has no zone: it needs Z or an offset such as +01:00")
    return whole_seconds(at)


def written(second: int) -> str:
    """The inverse of `instant`, in UTC; years before 1000 keep their four digits."""
    return (EPOCH + second * SECOND).isoformat().replace("+00:00", "Z")


def whole_seconds(at: datetime) -> int:
    """Seconds since 1970-01-01 of a time with a zone; a fraction of a second is refused."""
    since = at - EPOCH
    if since % SECOND:
        raise BadRecord(f"the time {at.isoformat()} is no whole second")
    return since // SECOND


def known_quality(name: str) -> Quality:
    """The quality of that name."""
    try:
        return Quality[name.strip().upper()]
    except KeyError:
        known = ", ".join(quality.name.lower() for quality in Quality)
        raise BadRecord(f"{name[:20]!r} is no quality; known are {known}") from None
