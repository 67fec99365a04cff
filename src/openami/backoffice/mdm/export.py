"""Readings as streams for other programs: CSV for people and spreadsheets, Parquet for data tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.mdm.placement import BLOCK_KINDS
from openami.backoffice.mdm.series import Series
from openami.backoffice.registry.registry import Registry
from openami.model.interval import utc
from openami.model.point import Channel, MeteringPoint
from openami.model.quality import Quality

WORDS = [quality.name.lower() for quality in Quality]
CSV_COLUMNS = "metering_point,obis,kind,start,end,value,scaler,unit,quality,evidence"
SCHEMA = pa.schema(
    [
        ("metering_point", pa.dictionary(pa.int32(), pa.string())),
        ("obis", pa.dictionary(pa.int32(), pa.string())),
        ("kind", pa.dictionary(pa.int32(), pa.string())),
        ("start", pa.timestamp("s", tz="UTC")),
        ("end", pa.timestamp("s", tz="UTC")),
        ("value", pa.int64()),
        ("scaler", pa.int8()),
        ("unit", pa.dictionary(pa.int32(), pa.string())),
        ("quality", pa.dictionary(pa.int32(), pa.string())),
        ("evidence", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """The values of one channel of one point."""

    point: MeteringPoint
    channel: Channel
    series: Series


Choice = Callable[[Channel], bool]


def channels_between(
    mdm: Mdm, registry: Registry, points: Iterable[int], start: datetime, end: datetime, wanted: Choice = lambda _: True
) -> Iterator[Exported]:
    """The interval channels of `points` that are `wanted`, one at a time, so that memory holds one channel."""
    for number in points:
        point = registry.point(number)
        for channel in registry.channels(number):
            if channel.kind in BLOCK_KINDS and wanted(channel):
                yield Exported(point, channel, mdm.series(number, channel.number, start, end))


def write_csv(exported: Iterable[Exported], out: TextIO) -> int:
    """Write a header and one line per interval; how many lines of data. Times are UTC in ISO 8601; a missing value is
    an empty field, never a 0. `value` × 10^`scaler` is in `unit`.
    """
    out.write(CSV_COLUMNS + "\n")
    lines = 0
    for one in exported:
        for line in _lines(one):
            out.write(line)
            lines += 1
    return lines


def _lines(one: Exported) -> Iterator[str]:
    channel, series = one.channel, one.series
    head = f"{_quoted(one.point.code)},{channel.obis},{channel.kind.value}"
    tail = f"{channel.scaler},{channel.unit.symbol}"
    columns = series.stamps.tolist(), series.values.tolist(), series.quality.tolist(), series.evidence.tolist()
    for stamp, value, quality, evidence in zip(*columns, strict=True):
        start, end = _iso(stamp - channel.resolution_s), _iso(stamp)
        told = "" if quality == Quality.MISSING else str(value)
        yield f"{head},{start},{end},{told},{tail},{WORDS[quality]},{evidence or ''}\n"


def _iso(second: int) -> str:
    return utc(second).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(text: str) -> str:
    """A CSV field (RFC 4180); a leading sign that a spreadsheet would run as a formula is kept as text."""
    if text[:1] in ("=", "+", "-", "@"):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\r\n') else text


def write_parquet(exported: Iterable[Exported], out: BinaryIO) -> int:
    """Write one row per interval with the columns of `SCHEMA`, a row group per channel; how many rows. A missing value
    is null. Codes are dictionaries, times are UTC.
    """
    rows = 0
    with pq.ParquetWriter(out, SCHEMA, compression="zstd") as writer:
        for one in exported:
            writer.write_batch(batch_of(one))
            rows += len(one.series)
    return rows


def batch_of(one: Exported) -> pa.RecordBatch:
    """One row per interval with the columns of `SCHEMA`."""
    channel, series = one.channel, one.series
    count, missing = len(series), series.quality == Quality.MISSING
    return pa.record_batch(
        [
            _same(one.point.code, count),
            _same(str(channel.obis), count),
            _same(channel.kind.value, count),
            pa.array(series.stamps - channel.resolution_s, type=SCHEMA.field("start").type),
            pa.array(series.stamps, type=SCHEMA.field("end").type),
            pa.array(series.values, mask=missing),
            pa.array(np.full(count, channel.scaler, dtype=np.int8)),
            _same(channel.unit.symbol, count),
            pa.DictionaryArray.from_arrays(pa.array(series.quality.astype(np.int32)), pa.array(WORDS)),
            pa.array(series.evidence, mask=series.evidence == 0),
        ],
        schema=SCHEMA,
    )


def _same(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text]))
