"""Results of billing runs as they are kept: lines as JSON, and the versions of what they rest on."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, select

from openami.backoffice.mdm.billing.determinants import Line
from openami.backoffice.mdm.billing.tables import billing_result
from openami.io.store.among import among

T = TypeVar("T")
LINE = tuple(field.name for field in fields(Line))
Inputs = list[tuple[str, int, int, int, int, int, bytes]]
"""Per flow: name, channel, resolution, scaler, first day, days, and the versions of each day. Of a channel of single
reads the resolution is 0, and instead of versions stands what `single_reads` rests on.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """The lines of one point; none if nothing is measured there. Version 1 is the bill, later ones correct it."""

    metering_point: int
    run: int
    version: int
    made_at: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a later version changes of a line; `value` is new - old, None where one of them is unknown."""

    metering_point: int
    name: str
    unit: str
    before: int | None
    after: int | None

    @property
    def value(self) -> int | None:
        return None if self.before is None or self.after is None else self.after - self.before


def differences(point: int, before: Sequence[Line], after: Sequence[Line]) -> list[Difference]:
    """The lines whose value changed; one that is not there bills nothing."""
    old, new = ({line.name: line for line in lines} for lines in (before, after))
    found = []
    for name in dict.fromkeys((*old, *new)):
        was, now = (lines[name].value if name in lines else 0 for lines in (old, new))
        if was != now:
            found.append(Difference(point, name, (new.get(name) or old[name]).unit, was, now))
    return found


def written(lines: Sequence[Line]) -> str:
    """Lines as they are kept."""
    return json.dumps([{name: getattr(line, name) for name in LINE} for line in lines], sort_keys=True)


def packed(inputs: object) -> bytes:
    """Inputs as they are kept."""
    return zlib.compress(msgspec.msgpack.encode(inputs), 1)


def unpacked(blob: bytes, kind: type[T]) -> T:
    """The inverse of `packed`."""
    return msgspec.msgpack.decode(zlib.decompress(blob), type=kind)


def latest_results(connection: Connection, run: int, points: Sequence[int]) -> dict[int, Result]:
    """Of those of `points` that the run has billed, the latest version."""
    table = billing_result.c
    chosen = table.run == run, among(table.metering_point, points)
    rows = connection.execute(select(billing_result).where(*chosen).order_by(table.version))
    return {row.metering_point: result_of(row) for row in rows}


def result_of(row: Row[Any]) -> Result:
    """A row as a result."""
    lines = tuple(Line(**line) for line in json.loads(row.content))
    return Result(row.metering_point, row.run, row.version, row.made_at, lines)
