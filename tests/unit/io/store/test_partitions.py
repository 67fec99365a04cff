"""Parts by month: made ahead, a late day is never refused, old months go as a whole."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

import stores
from openami.backoffice.mdm.tables import judged_block
from openami.io.store.bulk import insert_rows
from openami.io.store.partitions import BEGINNING, make_ahead, retire
from openami.model.errors import Conflict

DAYS = [date(2019, 5, 3), date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 31), date(2031, 1, 1)]


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


def put(store, days=DAYS):
    rows = [(7, (day - BEGINNING).days, 1, 1, 900, 0, 1, "x", 5, 0, 0, b"\x00\xff", None, None) for day in days]
    with store.transaction() as connection:
        insert_rows(connection, judged_block, rows)


def there(store):
    with store.reading() as connection:
        return [
            date.fromordinal(BEGINNING.toordinal() + day)
            for day in connection.execute(select(judged_block.c.day).order_by(judged_block.c.day)).scalars()
        ]


def ahead(store, first, last):
    with store.transaction() as connection:
        return make_ahead(connection, first, last)


def test_days_of_no_month_are_taken_and_move_when_their_month_is_made(store):
    put(store)
    made = ahead(store, date(2026, 10, 15), date(2026, 12, 1))
    if store.name.startswith("postgresql"):
        months = ["2026_10", "2026_11", "2026_12"]
        assert made == [f"{table}_{month}" for table in ("interval_block", "judged_block") for month in months]
        with store.reading() as connection:
            left = connection.exec_driver_sql("SELECT count(*) FROM judged_block_default").scalar()
        assert left == 2
    assert there(store) == DAYS
    assert ahead(store, date(2026, 10, 15), date(2026, 12, 1)) == []


def test_old_days_go_by_part_and_by_row(store):
    ahead(store, date(2026, 10, 1), date(2026, 12, 1))
    put(store)
    with store.transaction() as connection:
        assert retire(connection, date(2026, 11, 2)) == 3
    assert there(store) == DAYS[3:]
    put(store, DAYS[:2])  # a correction of a day long gone is still taken
    assert there(store)[:2] == DAYS[:2]


def test_a_row_that_is_there_is_a_conflict_and_nothing_of_its_batch_stays(store):
    put(store, DAYS[1:2])
    with pytest.raises(Conflict):
        put(store)
    assert there(store) == DAYS[1:2]
