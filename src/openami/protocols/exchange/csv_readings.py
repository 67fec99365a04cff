"""Our own CSV of intervals, as it is exported, in: one line per interval or register value.

Needed are `metering_point`, `obis`, `end` and `value`; `start` (or `kind` register-snapshot) tells the length of the
interval; `unit` is Wh and `scaler` 0 where they are not there, `quality` measured.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.model.unit import Unit
from openami.protocols.exchange.delivery import (
    BadRecord,
    Delivery,
    Parsed,
    Rejected,
    instant,
    known_quality,
    number,
    unit_of,
)
from openami.protocols.exchange.lines import lines

NEEDED = ("metering_point", "obis", "end", "value")
TOGETHER_MAX = 2_000
"""Lines of one channel that follow each other become one `Delivery` of at most so many values."""
Channel = tuple[str, str, ObisCode, Unit, int]


@dataclass(slots=True)
class _Run:
    channel: Channel
    lines: list[int] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    values: list[Decimal | None] = field(default_factory=list)
    qualities: list[Quality] = field(default_factory=list)

    def delivery(self) -> Delivery:
        return Delivery(
            self.lines[0], self.lines[-1], *self.channel,
            tuple(self.stamps), tuple(self.values), tuple(self.qualities), self.channel[-1] == 0, tuple(self.lines),
        )  # fmt: skip


def parse_csv(chunks: Iterable[bytes]) -> Parsed:
    """The lines of a CSV file. A line that cannot be is rejected and the next one read."""
    columns: dict[str, int] | None = None
    run: _Run | None = None
    for item in lines(chunks):
        if isinstance(item, Rejected):
            yield item
            continue
        line, text = item
        try:
            row = next(csv.reader([text], strict=True), [])
            if columns is None:
                columns = _columns(row)
                continue
            channel, value = _line(columns, row)
        except (csv.Error, BadRecord) as error:
            yield Rejected(line, str(error))
            if columns is None:
                return
            continue
        if run is not None and (run.channel != channel or len(run.stamps) >= TOGETHER_MAX):
            yield run.delivery()
            run = None
        run = run or _Run(channel)
        run.lines.append(line)
        stamp, amount, quality = value
        run.stamps.append(stamp)
        run.values.append(amount)
        run.qualities.append(quality)
    if run is not None:
        yield run.delivery()
    if columns is None:
        yield Rejected(1, "the file is empty")


def _columns(row: list[str]) -> dict[str, int]:
    columns = {name.strip(): at for at, name in enumerate(row)}
    if len(columns) < len(row):
        raise BadRecord("the first line names a column twice")
    lacking = [name for name in NEEDED if name not in columns]
    if lacking:
        raise BadRecord(f"the first line names the columns; {', '.join(lacking)} is not among them")
    return columns


def _line(columns: dict[str, int], row: list[str]) -> tuple[Channel, tuple[int, Decimal | None, Quality]]:
    if len(row) != len(columns):
        raise BadRecord(f"the line has {len(row)} fields, the first line has {len(columns)}")

    def said(name: str, default: str = "") -> str:
        return row[columns[name]].strip() if name in columns else default

    try:
        obis = ObisCode.parse(said("obis"))
    except ValueError as error:
        raise BadRecord(str(error)) from None
    if not said("metering_point"):
        raise BadRecord("the line names no metering point")
    end = instant(said("end"))
    unit, power = unit_of(said("unit", "Wh"))
    scaler = number(said("scaler", "0") or "0")
    if scaler != int(scaler) or abs(scaler) > 12:
        raise BadRecord(f"the scaler {scaler} is no small whole number")
    registers = said("kind").endswith(("snapshot", "register"))
    length = 0 if registers or not said("start") else end - instant(said("start"))
    if length == 0 and not registers:
        raise BadRecord("an energy needs the start of its interval")
    if length < 0 or length > DAY_S:
        raise BadRecord(f"the interval lasts {length} s: at most a day is possible, and the start is before the end")
    text, quality = said("value"), known_quality(said("quality", "measured") or "measured")
    value = number(text).scaleb(power + int(scaler)) if text and quality is not Quality.MISSING else None
    point = said("metering_point")
    plain = point[1:] if point[:1] == "'" and point[1:2] in ("=", "+", "-", "@") else point
    told = (end, value, quality if value is not None else Quality.MISSING)
    return (plain, "", obis, unit, length), told
