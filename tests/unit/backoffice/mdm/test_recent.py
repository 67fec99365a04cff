"""Recent intervals as rows: what the values are that hold, and nothing that was not asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from openami.backoffice.mdm.erasing import erase
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.recent import refresh
from openami.model.interval import DAY_S
from openami.model.quality import Quality

START = datetime(2026, 2, 10, tzinfo=UTC)
DAY = int(START.timestamp()) // DAY_S


def told(store):
    """The rows, as any SQL client reads them."""
    query = "SELECT metering_point, day, channel, ends_at, energy, quality FROM recent_interval ORDER BY ends_at"
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture
def read(house):
    """Two days; of the second an hour is lacking, which is estimated."""
    house.mdm.take_profile([house.reading(0, 97 + 20), house.reading(97 + 24, 72)])
    Judge(house.store, house.registry).judge(START, START + timedelta(days=2), START + timedelta(days=3))
    return house


def test_rows_are_the_values_that_hold(read):
    assert refresh(read.store, read.registry, DAY, DAY + 1) == 192
    rows = told(read.store)
    validated = Judge(read.store, read.registry).validated(read.point, 1, START, START + timedelta(days=2))
    series = zip(validated.stamps.tolist(), validated.values.tolist(), validated.quality.tolist(), strict=True)
    assert [row[3:] for row in rows] == list(series)
    assert {row[:3] for row in rows} == {(read.point, DAY, 1), (read.point, DAY + 1, 1)}
    assert [row[5] for row in rows].count(Quality.ESTIMATED) == 5, "estimates are marked"


def test_the_documented_query_tells_daily_totals(read):
    page = (Path(__file__).parents[4] / "docs/reference/storage.md").read_text()
    query = page.split("```sql\n")[1].split("```")[0].rstrip().rstrip(";")
    with read.store.reading() as connection:
        rows = connection.execute(text(f"{query} ORDER BY b.day")).all()
    refresh(read.store, read.registry, DAY, DAY + 1)
    totals = {day: sum(row[4] for row in told(read.store) if row[1] == day) for day in (DAY, DAY + 1)}
    assert {row.day: row.energy for row in rows} == totals
    assert [row.estimated for row in rows] == [0, 5]


def test_again_is_the_same_and_other_days_go(read):
    refresh(read.store, read.registry, DAY, DAY + 1)
    both = told(read.store)
    refresh(read.store, read.registry, DAY, DAY + 1)
    assert told(read.store) == both
    refresh(read.store, read.registry, DAY + 1, DAY + 1)
    assert told(read.store) == [row for row in both if row[1] == DAY + 1]
    assert refresh(read.store, read.registry, DAY + 1, DAY) == 0
    assert told(read.store) == []


def test_what_is_erased_is_erased_here_too(read):
    refresh(read.store, read.registry, DAY, DAY + 1)
    with read.store.transaction() as connection:
        erase(connection, read.point, DAY + 1)
    assert {row[1] for row in told(read.store)} == {DAY + 1}
