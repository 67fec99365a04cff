"""NEM12, the interval meter data file of the Australian market (AEMO's meter data file format), in and out.

Records and codes are from public descriptions of the format and from open readers of it; AEMO's text was not at hand.
Times are Eastern Standard Time, UTC+10:00 without summer time, all over the market.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.protocols.exchange.delivery import (
    BadRecord,
    Delivery,
    Parsed,
    Rejected,
    number,
    unit_of,
    whole_seconds,
)
from openami.protocols.exchange.lines import lines

MARKET_TIME = timezone(timedelta(hours=10))
LENGTHS_MIN = (1, 5, 10, 15, 30, 60)
FLOWS = {"E": 1, "B": 2, "Q": 3, "K": 4}
"""First letter of a suffix to OBIS group c: energy to and from the customer, reactive energy with either."""
LETTERS = {quantity: letter for letter, quantity in FLOWS.items()}
QUALITIES = {
    "A": Quality.MEASURED,
    "E": Quality.ESTIMATED,
    "F": Quality.ESTIMATED,
    "S": Quality.ESTIMATED,
    "N": Quality.MISSING,
}
ALTERNATE = "S18"
"""A substitute by another agreed method: what methods without a code of their own are told as."""


@dataclass(slots=True)
class _Stream:
    """What a 200 record opens: the data stream of which the 300 records tell days."""

    point: str
    obis: ObisCode
    meter: str
    unit: str
    minutes: int


@dataclass(slots=True)
class _Day:
    """A 300 record, and what its 400 records said: which intervals have which quality."""

    line: int
    last_line: int
    stream: _Stream
    stamps: tuple[int, ...]
    values: list[Decimal]
    flag: str
    qualities: list[Quality | None] = field(default_factory=list)


def parse_nem12(chunks: Iterable[bytes]) -> Parsed:
    """The days of a NEM12 file, one `Delivery` per 300 record. A record that cannot be is rejected and the next one
    read; 300 records under a rejected 200 record are rejected with it. A file without its 900 record was cut short.
    """
    reader = _Reader()
    for item in lines(chunks):
        if isinstance(item, Rejected):
            yield item
            continue
        yield from reader.take(*item)
    yield from reader.end()


class _Reader:
    def __init__(self) -> None:
        self._stream: _Stream | None = None
        self._day: _Day | None = None
        self._began = self._ended = False
        self._line = 0

    def take(self, line: int, text: str) -> Parsed:
        self._line = line
        try:
            row = next(csv.reader([text]), [])
        except csv.Error as error:
            yield Rejected(line, f"this is no line of comma-separated values: {error}")
            return
        kind = row[0].strip() if row else ""
        if kind != "400":
            yield from self._close()
        try:
            self._record(kind, line, [value.strip() for value in row])
        except BadRecord as error:
            if kind == "200":
                self._stream = None
            if kind == "400":
                self._day = None
            yield Rejected(line, str(error))

    def end(self) -> Parsed:
        yield from self._close()
        if not self._ended:
            yield Rejected(self._line + 1, "the file ends without its 900 record: it was cut short")

    def _close(self) -> Parsed:
        day, self._day = self._day, None
        if day is None:
            return
        try:
            yield _delivery(day)
        except BadRecord as error:
            yield Rejected(day.line, str(error))

    def _record(self, kind: str, line: int, row: list[str]) -> None:
        if kind == "100":
            self._header(row)
        elif not self._began:
            raise BadRecord("a NEM12 file begins with a 100 record")
        elif self._ended:
            raise BadRecord("there is a record after the 900 record")
        elif kind == "200":
            self._stream = _stream_of(row)
        elif kind == "300":
            self._day = _day_of(self._need_stream(), line, row)
        elif kind == "400":
            self._refine(line, row)
        elif kind == "900":
            self._ended = True
        elif kind != "500":
            raise BadRecord(f"{kind[:10]!r} is no record of NEM12")

    def _header(self, row: list[str]) -> None:
        self._began, self._ended, self._stream = True, False, None
        if len(row) < 2 or row[1] != "NEM12":
            raise BadRecord(f"this is a file of {[*row, ''][1][:10]!r}, not of NEM12")

    def _need_stream(self) -> _Stream:
        if self._stream is None:
            raise BadRecord("the 300 record follows no 200 record that can be read")
        return self._stream

    def _refine(self, line: int, row: list[str]) -> None:
        day = self._day
        if day is None:
            raise BadRecord("the 400 record follows no 300 record that can be read")
        if len(row) < 4 or not (row[1].isdecimal() and row[2].isdecimal()):
            raise BadRecord("a 400 record tells its first and last interval and their quality")
        first, last = int(row[1]), int(row[2])
        if not 1 <= first <= last <= len(day.values):
            raise BadRecord(f"a 400 record tells of intervals {first} to {last}, the day has {len(day.values)}")
        day.last_line = line
        day.qualities[first - 1 : last] = [_quality(row[3])] * (last - first + 1)


def _stream_of(row: list[str]) -> _Stream:
    if len(row) < 9:
        raise BadRecord(f"a 200 record has 9 or 10 fields, this one {len(row)}")
    point, suffix, meter, unit, minutes = row[1], row[4], row[6], row[7], row[8]
    if not point:
        raise BadRecord("the 200 record names no NMI")
    if not minutes.isdecimal() or int(minutes) not in LENGTHS_MIN:
        raise BadRecord(f"an interval of {minutes[:10]!r} minutes is not known")
    unit_of(unit)
    return _Stream(point, obis_of(suffix), meter, unit, int(minutes))


def obis_of(suffix: str) -> ObisCode:
    """The quantity of an NMI suffix such as E1: group c by its letter, group b by its second sign (0 for the first
    meter). Our own mapping; the market knows no OBIS.
    """
    if len(suffix) != 2 or suffix[0] not in FLOWS or not (suffix[1].isascii() and suffix[1].isdigit()):
        raise BadRecord(f"the suffix {suffix[:10]!r} is no energy of an interval meter; known are E1, B1, Q1, K1, E2 …")
    order = int(suffix[1])
    return ObisCode(1, 0 if order == 1 else order or 10, FLOWS[suffix[0]], 8, 0)


def suffix_of(obis: ObisCode) -> str:
    """The inverse of `obis_of`. Raises `BadRecord` for a quantity that has no suffix."""
    if obis.a != 1 or obis.c not in LETTERS or (obis.d, obis.e) != (8, 0) or not (obis.b == 0 or 2 <= obis.b <= 10):
        raise BadRecord(f"{obis} has no NMI suffix")
    return f"{LETTERS[obis.c]}{1 if obis.b == 0 else obis.b % 10}"


def _day_of(stream: _Stream, line: int, row: list[str]) -> _Day:
    count = 24 * 60 // stream.minutes
    if len(row) < count + 3:
        raise BadRecord(f"a day of {stream.minutes} min has {count} values and their quality; the record is too short")
    try:
        midnight = datetime.strptime(row[1], "%Y%m%d").replace(tzinfo=MARKET_TIME)
        start = whole_seconds(midnight)
    except (ValueError, OverflowError):
        raise BadRecord(f"{row[1][:20]!r} is no date; write it as 20261123") from None
    values = [number(text) for text in row[2 : count + 2]]
    flag = row[count + 2]
    qualities: list[Quality | None] = [None] * count if flag == "V" else [_quality(flag)] * count
    step = stream.minutes * 60
    stamps = tuple(range(start + step, start + DAY_S + 1, step))
    return _Day(line, line, stream, stamps, values, flag, qualities)


def _quality(flag: str) -> Quality:
    if flag[:1] not in QUALITIES or len(flag) not in (1, 3) or not (flag[1:].isdecimal() or len(flag) == 1):
        raise BadRecord(f"{flag[:10]!r} is no quality; known are A, E, F, N, S with a method, and V")
    return QUALITIES[flag[0]]


def _delivery(day: _Day) -> Delivery:
    unit, power = unit_of(day.stream.unit)
    if None in day.qualities:
        first = day.qualities.index(None) + 1
        raise BadRecord(f"the quality is V, and no 400 record tells that of interval {first}")
    qualities = tuple(quality for quality in day.qualities if quality is not None)
    values = tuple(
        None if quality is Quality.MISSING else value.scaleb(power)
        for value, quality in zip(day.values, qualities, strict=True)
    )
    stream = day.stream
    return Delivery(
        day.line, day.last_line, stream.point, stream.meter, stream.obis, unit, stream.minutes * 60,
        day.stamps, values, qualities,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nem12Day:
    """A whole day of market time of one stream: values in kWh (kvarh), flags such as `A`, `S14` or `N`."""

    point: str
    meter: str
    obis: ObisCode
    minutes: int
    day: datetime
    values: Sequence[Decimal]
    flags: Sequence[str]
    updated_at: datetime


def write_nem12(days: Iterable[Nem12Day], created_at: datetime, sender: str, receiver: str) -> Iterator[str]:
    """The lines of a NEM12 file, each with its end. Days of one stream that follow each other share a 200 record."""
    yield _row("100", "NEM12", _market(created_at, "%Y%m%d%H%M"), sender, receiver)
    before: tuple[str, str, ObisCode, int] | None = None
    for day in days:
        stream = day.point, day.meter, day.obis, day.minutes
        if stream != before:
            suffix = suffix_of(day.obis)
            unit = "kWh" if day.obis.c <= 2 else "kVArh"
            yield _row("200", day.point, suffix, suffix, suffix, "", day.meter, unit, str(day.minutes), "")
            before = stream
        yield from _day_rows(day)
    yield _row("900")


def _day_rows(day: Nem12Day) -> Iterator[str]:
    flags = list(dict.fromkeys(day.flags))
    # A flag N alone, or a method, is told by the 300 record where it holds for the whole day; otherwise by 400 records.
    flag = flags[0] if len(flags) == 1 else "V"
    values = [f"{value:f}" for value in day.values]
    updated = _market(day.updated_at, "%Y%m%d%H%M%S")
    yield _row("300", day.day.strftime("%Y%m%d"), *values, flag, "", "", updated, "")
    if flag == "V":
        for first, last, part in _runs(day.flags):
            yield _row("400", str(first), str(last), part, "", "")


def _runs(flags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    first = 0
    for at in range(1, len(flags) + 1):
        if at == len(flags) or flags[at] != flags[first]:
            yield first + 1, at, flags[first]
            first = at


def _market(at: datetime, form: str) -> str:
    return at.astimezone(UTC).astimezone(MARKET_TIME).strftime(form)


def _row(*fields: str) -> str:
    return ",".join(_quoted(value) for value in fields) + "\r\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\r\n') else text
