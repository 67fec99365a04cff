"""Intervals as Arrow: record batches as a stream, a table, data frames, and Parquet in a folder per month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from openami.backoffice.mdm.export import SCHEMA, Exported, batch_of
from openami.backoffice.mdm.series import Series


def record_batches(exported: Iterable[Exported]) -> Iterator[Any]:
    """One `pyarrow.RecordBatch` with the columns of `export.SCHEMA` per channel: memory holds one channel."""
    return (batch_of(one) for one in exported)


def to_table(exported: Iterable[Exported]) -> Any:
    """All of it as one `pyarrow.Table`; `Table.to_pandas` and `polars.from_arrow` take it without conversion."""
    return pa.Table.from_batches(list(record_batches(exported)), schema=SCHEMA)


def to_pandas(exported: Iterable[Exported]) -> Any:
    """All of it as a `pandas.DataFrame`; pandas must be installed."""
    return to_table(exported).to_pandas()


def to_polars(exported: Iterable[Exported]) -> Any:
    """All of it as a `polars.DataFrame`; polars must be installed."""
    import polars as pl

    return pl.from_arrow(to_table(exported))


def write_arrow(exported: Iterable[Exported], out: Any) -> int:
    """Write an Arrow IPC stream, a batch per channel; how many rows."""
    rows = 0
    with pa.ipc.new_stream(out, SCHEMA, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=False)) as writer:
        for one in exported:
            writer.write_batch(batch_of(one))
            rows += len(one.series)
    return rows


def write_months(exported: Iterable[Exported], folder: Path) -> int:
    """Write `folder/month=2026-02/readings.parquet` and so on, by the UTC month in which an interval begins; how many
    rows. Data tools read the folder as one table with a column `month`.
    """
    writers: dict[str, Any] = {}
    rows = 0
    try:
        for one in exported:
            for month, part in _months(one):
                if month not in writers:
                    writers[month] = _writer(folder / f"month={month}" / "readings.parquet")
                writers[month].write_batch(batch_of(part))
                rows += len(part.series)
    finally:
        for writer in writers.values():
            writer.close()
    return rows


def _writer(file: Path) -> Any:
    file.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(file, SCHEMA, compression="zstd")


def _months(one: Exported) -> Iterator[tuple[str, Exported]]:
    series, begin = one.series, one.series.stamps - one.channel.resolution_s
    months = begin.astype("datetime64[s]").astype("datetime64[M]")
    for month in np.unique(months):
        mine = months == month
        part = Series(series.stamps[mine], series.values[mine], series.quality[mine], series.evidence[mine])
        yield str(month), Exported(one.point, one.channel, part)
