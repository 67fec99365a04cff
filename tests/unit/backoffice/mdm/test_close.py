"""Closing days: what is counted, late readings, and where the work may run."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from closing_fleet import day_of, moment, reading, register_fleet, registers, step_of
from openami.backoffice.mdm.close.close import Close, kpis
from openami.backoffice.mdm.tables import close_run, judged_block, late_block
from openami.backoffice.registry.registry import Registry
from openami.io.executor import open_executor
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.interval import DAY_S

POINTS = 5


def day_reading(point, day, known_at):
    per_day = DAY_S // step_of(point)
    return reading(point, day * per_day + bool(day), (day + 1) * per_day, registers(point, 40), known_at)


@pytest.fixture
def fleet(store):
    mdm = register_fleet(store, POINTS)
    for day in range(29):
        mdm.take_profile([day_reading(point, day, moment(day + 1, 1)) for point in range(1, POINTS + 1)])
    return mdm


def rows(store, table):
    with store.reading() as connection:
        return sorted(map(tuple, connection.execute(select(table))), key=repr)


def test_reads_in_time_late_and_not_at_all(store, fleet):
    """Of five points (six channels) on day 29: two in time, one at noon, one after a week, one never."""
    for point, hours in ((1, 1), (2, 1), (3, 12), (4, 7 * 24)):
        arriving = day_reading(point, 29, moment(30, hours))
        if hours < 7 * 24:
            fleet.take_profile([arriving])
    total = Close(store).close(day_of(29), moment(30, 23)).total
    assert (total.channels, total.by_deadline, total.by_billing, total.late_changes) == (6, 2, 3, 1)
    assert total.measured == 3 * 24
    assert total.estimated == 96 + 24
    fleet.take_profile([day_reading(4, 29, moment(37, 1))])
    assert len(rows(store, late_block)) == 1
    total = Close(store).close(day_of(29), moment(37, 7)).total
    assert (total.by_deadline, total.by_billing, total.late_changes) == (2, 3, 2)
    assert rows(store, late_block) == []
    with store.reading() as connection:
        whole, *parts = kpis(connection)
    assert whole.read_by_deadline == pytest.approx(2 / 6)
    assert whole.completeness == pytest.approx((3 * 24 + 96) / (5 * 24 + 96))
    assert whole.estimated_energy == pytest.approx(total.estimated_energy / total.energy)
    causes = {(one.collector, one.cause): one.channels for one in parts}
    assert causes[("tcp://collector:4059", "nothing arrived")] == 2  # the export of point 3 was never read, nor point 5
    assert causes[("direct", "")] == 2
    assert sum(causes.values()) == 6


def test_a_day_that_is_not_over_cannot_be_closed(store, fleet):
    with pytest.raises(SettingError, match="not over"):
        Close(store).close(day_of(29), moment(29, 23))
    assert rows(store, close_run) == []
    del fleet


def test_a_close_of_nothing(store):
    assert Close(store).close(day_of(0), moment(1, 7)).total.channels == 0


@pytest.mark.parametrize("where", ["nowhere", "processes:0", "dask:host", "processes:x"])
def test_no_such_executor(where):
    with pytest.raises(SettingError, match="no executor"), open_executor(where):
        pass


def test_a_store_in_memory_is_closed_inline():
    with open_executor("processes:1") as (executor, workers), pytest.raises(SettingError, match="inline"):
        Close(Store("sqlite://"), executor, workers)


def test_processes_and_dask_judge_as_inline(tmp_path):
    """The same days closed in three places; the Dask scheduler has two workers of its own process."""
    found = []
    for where in ("inline", "processes:2", "dask"):
        store = Store(f"sqlite:///{tmp_path / where.replace(':', '')}.sqlite")
        store.upgrade()
        mdm = register_fleet(store, POINTS)
        for day in range(8):
            mdm.take_profile([day_reading(point, day, moment(day + 1, 1)) for point in range(1, POINTS + day % 2)])
        with _opened(where) as (executor, workers):
            closing = Close(store, executor, workers, points_at_once=2)
            totals = [closing.close(day_of(day), moment(day + 1, 7)).total for day in (6, 7)]
        found.append((totals, rows(store, judged_block)))
        assert Registry(store).shared_links() == ["tcp://collector:4059"]
        store.close()
    assert found[0] == found[1] == found[2]
    assert found[0][0][1].estimated > 0


def _opened(where):
    return _on_dask() if where == "dask" else open_executor(where)


class _on_dask:  # noqa: N801 - used like a function
    def __enter__(self):
        from distributed import LocalCluster

        self.cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp"
        )
        self.executor = open_executor(self.cluster.scheduler_address.replace("tcp://", "dask://"))
        return self.executor.__enter__()

    def __exit__(self, *error):
        self.executor.__exit__(*error)
        self.cluster.close(timeout=10)
