"""Readings leave as CSV and Parquet with the same content, and what is missing is empty, not 0."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from openami.backoffice.mdm.export import CSV_COLUMNS, channels_between, write_csv, write_parquet

HOURS = timedelta(hours=2)


@pytest.fixture
def exported(house):
    house.mdm.take_profile([house.reading(0, 4), house.reading(5, 2)])
    start = house.registry.installations(house.meter)[0].start
    return lambda: channels_between(house.mdm, house.registry, [house.point], start, start + HOURS)


def test_csv(exported):
    out = io.StringIO()
    assert write_csv(exported(), out) == 8
    lines = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert list(lines[0]) == CSV_COLUMNS.split(",")
    assert [line["value"] for line in lines] == ["100", "100", "100", "", "", "100", "", ""]
    assert [line["quality"] for line in lines][3:6] == ["missing", "missing", "measured"]
    assert lines[0]["start"] == "2026-02-10T00:00:00Z"
    assert lines[0]["end"] == "2026-02-10T00:15:00Z"


def test_parquet_holds_what_csv_holds(exported):
    text, raw = io.StringIO(), io.BytesIO()
    write_csv(exported(), text)
    assert write_parquet(exported(), raw) == 8
    rows = pq.read_table(io.BytesIO(raw.getvalue())).to_pylist()
    lines = list(csv.DictReader(io.StringIO(text.getvalue())))
    for row, line in zip(rows, lines, strict=True):
        assert ("" if row["value"] is None else str(row["value"])) == line["value"]
        assert row["end"].strftime("%Y-%m-%dT%H:%M:%SZ") == line["end"]
        assert (row["quality"], row["obis"], row["unit"]) == (line["quality"], line["obis"], line["unit"])


def test_codes_that_a_spreadsheet_would_run(house):
    evil = house.registry.add_point('=HYPERLINK("x"),1', "", "UTC").id
    channel = house.registry.channel(house.point, 1)
    house.registry.add_channel(evil, 1, channel.obis, channel.kind, channel.unit, 0, 900)
    start = house.registry.installations(house.meter)[0].start
    out = io.StringIO()
    write_csv(channels_between(house.mdm, house.registry, [evil], start, start + HOURS), out)
    assert out.getvalue().splitlines()[1].startswith('"\'=HYPERLINK(""x""),1",1-0:1.8.0*255')
