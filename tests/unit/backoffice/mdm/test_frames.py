"""The Python interface of data people: Arrow tables, pandas and Polars frames of the same values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from openami.backoffice.mdm.export import SCHEMA
from openami.backoffice.mdm.interfaces import record_batches, to_pandas, to_polars, to_table
from openami.backoffice.mdm.interfaces.exporting import Exporter
from openami.backoffice.mdm.judge import Judge

START = datetime(2026, 2, 10, tzinfo=UTC)
END = START + timedelta(days=1)


@pytest.fixture
def channels(house):
    house.mdm.take_profile([house.reading(0, 41), house.reading(45, 52)])
    Judge(house.store, house.registry).judge(START, END, END)
    exporter = Exporter(house.store, house.registry, house.mdm)
    return lambda: exporter.channels([house.point], START, END)


def test_a_table(channels):
    table = to_table(channels())
    assert table.schema == SCHEMA
    assert table.num_rows == 96
    assert sum(table.column("value").to_pylist()) == 9_600
    qualities = table.column("quality").to_pylist()
    assert (qualities.count("measured"), qualities.count("estimated")) == (91, 5)
    assert table.column("end").to_pylist()[-1] == END


def test_batches_make_the_same_table(channels):
    assert pa.Table.from_batches(list(record_batches(channels())), schema=SCHEMA) == to_table(channels())


def test_a_pandas_frame(channels):
    frame = to_pandas(channels())
    assert frame["value"].sum() == 9_600
    assert frame["value"].dtype.kind == "i"
    assert dict(frame.groupby("quality", observed=True)["value"].count()) == {"measured": 91, "estimated": 5}
    assert frame["end"].iloc[-1] == END
    assert str(frame["end"].dt.tz) == "UTC"


def test_a_polars_frame(channels):
    frame = to_polars(channels())
    assert frame["value"].sum() == 9_600
    assert frame["end"].dtype == pl.Datetime(frame["end"].dtype.time_unit, "UTC")
    assert frame.filter(pl.col("quality").cast(pl.String) == "estimated").height == 5


def test_no_points_make_an_empty_table_with_its_columns():
    assert to_table([]).schema == SCHEMA
    assert to_table([]).num_rows == 0
