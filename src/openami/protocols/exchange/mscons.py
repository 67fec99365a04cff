"""MSCONS (EDIFACT D.04B, as the German market sends it): interval and register values with their status, out.

Segments and codes are from public messages and open parsers of version 2.4c; the market's own documents were not at
hand. All times are UTC and say so (`?+00`), so that a local day of 23 or 25 hours is told by its bounds alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.quality import Quality

VERSION = "2.4c"
STATUS = {Quality.MEASURED: "220", Quality.CALCULATED: "67", Quality.ESTIMATED: "67"}
"""DE6063: true value, substitute value. Nothing is sent for an interval without a value."""
SEGMENTS_MAX = 90_000
ESCAPED = {sign: f"?{sign}" for sign in "?+:'"}


@dataclass(frozen=True, slots=True)
class Party:
    """A market partner: its code number and the agency that gave it (`293` BDEW, `9` GS1)."""

    code: str
    agency: str = "293"


@dataclass(frozen=True, slots=True)
class MsconsSeries:
    """Values of one quantity at one point from `start` to `end`, in kWh or kvarh. For energies of intervals
    `resolution_s` is their length; a register value (0) stands as it was at its stamp.
    """

    point: str
    obis: ObisCode
    start: int
    end: int
    resolution_s: int
    values: Iterable[tuple[int, Decimal | None, Quality]]


class MsconsTooLong(ValueError):
    """One message would have more segments than an interchange can count."""


def write_mscons(
    series: Iterable[MsconsSeries], sender: Party, receiver: Party, created_at: datetime, reference: str
) -> Iterator[str]:
    """One interchange, a message per series, segment by segment. Raises `MsconsTooLong`."""
    yield "UNA:+.? '"
    made = created_at.strftime("%y%m%d:%H%M")
    ends = f"{_said(sender.code)}:{_syntax(sender)}+{_said(receiver.code)}:{_syntax(receiver)}"
    yield f"UNB+UNOC:3+{ends}+{made}+{_said(reference)}'"
    count = 0
    for one in series:
        count += 1
        yield from _message(one, sender, receiver, created_at, (reference, count))
    yield f"UNZ+{count}+{_said(reference)}'"


def _message(
    series: MsconsSeries, sender: Party, receiver: Party, created_at: datetime, names: tuple[str, int]
) -> Iterator[str]:
    reference, count = names
    segments = 0
    for segment in _segments(series, sender, receiver, created_at, names):
        segments += 1
        if segments > SEGMENTS_MAX:
            raise MsconsTooLong(
                f"{series.point} {series.obis}: more than {SEGMENTS_MAX} segments; ask a shorter period"
            )
        yield segment
    # The trailer counts the header and itself.
    yield f"UNT+{segments + 1}+{_said(reference)}{count}'"


def _segments(
    series: MsconsSeries, sender: Party, receiver: Party, created_at: datetime, names: tuple[str, int]
) -> Iterator[str]:
    reference, count = names
    yield f"UNH+{_said(reference)}{count}+MSCONS:D:04B:UN:{VERSION}'"
    yield f"BGM+7+{_said(reference)}{count}+9'"
    yield f"DTM+137:{_time(int(created_at.timestamp()))}'"
    yield f"NAD+MS+{_said(sender.code)}::{_said(sender.agency)}'"
    yield f"NAD+MR+{_said(receiver.code)}::{_said(receiver.agency)}'"
    yield "UNS+D'"
    yield "NAD+DP'"
    yield f"LOC+172+{_said(series.point)}'"
    if series.resolution_s:
        yield f"DTM+163:{_time(series.start)}'"
        yield f"DTM+164:{_time(series.end)}'"
    yield "LIN+1'"
    obis = series.obis
    yield f"PIA+5+{obis.a}-{obis.b}?:{obis.c}.{_processing(series)}.{obis.e}:SRW'"
    unit = "KWH" if obis.c in (1, 2) else "K3"
    for stamp, value, quality in series.values:
        if value is None or quality not in STATUS:
            continue
        yield f"QTY+{STATUS[quality]}:{value:f}:{unit}'"
        if series.resolution_s:
            yield f"DTM+163:{_time(stamp - series.resolution_s)}'"
            yield f"DTM+164:{_time(stamp)}'"
        else:
            yield f"DTM+9:{_time(stamp)}'"


def _processing(series: MsconsSeries) -> int:
    """OBIS group d: 29 for energies of intervals (a load profile), the register's own otherwise."""
    return 29 if series.resolution_s else series.obis.d


def _syntax(party: Party) -> str:
    """How UNB qualifies the code: 500 for BDEW's, 14 for GS1's."""
    return "500" if party.agency == "293" else "14"


def _time(second: int) -> str:
    return utc(second).strftime("%Y%m%d%H%M") + "?+00:303"


def _said(text: str) -> str:
    return "".join(ESCAPED.get(sign, sign) for sign in text if sign.isprintable())
