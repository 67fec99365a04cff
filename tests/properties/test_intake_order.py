"""Any order and any repetition of the same readings gives the same current view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass, Quality
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit
from stores import copy_of, in_memory

START = datetime(2026, 3, 28, tzinfo=UTC)
ORIGIN = int(START.timestamp())
EXCHANGE = ORIGIN + 10 * 3_600 + 420
STEP_S = 3_600
DAYS = 3
HOURS = 24 * DAYS
OLD, NEW = 1, 2


@dataclass(frozen=True)
class Run:
    """Snapshots of `meter` for some hours; `bias` makes one register disagree with another reading of the same hour."""

    meter: int
    first: int
    count: int
    bias: int
    status: int
    known_h: int


runs = st.builds(
    Run,
    meter=st.sampled_from([OLD, NEW]),
    first=st.integers(0, HOURS),
    count=st.integers(1, 30),
    bias=st.sampled_from([0, 0, 0, 7, -900]),
    status=st.sampled_from([0, 0, 0, 4, 128]),
    known_h=st.integers(0, 3),
)
reads = st.tuples(st.sampled_from([OLD, NEW]), st.sampled_from([EXCHANGE, ORIGIN + DAY_S]), st.integers(0, 3))
arrivals = st.lists(st.one_of(runs, reads), min_size=1, max_size=7)


@cache
def template() -> Store:
    """A store with the registry of these tests, made once."""
    store = in_memory()
    registry = Registry(store)
    with store.transaction():
        point = registry.add_point("P1", "1 High Street", "Europe/Berlin").id
        kind = ChannelKind.INTERVAL_ENERGY
        registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, STEP_S, 100_000)
        for name in ("OLD", "NEW"):
            registry.add_meter(name, name.encode(), GuaranteeClass.SHARED_KEYS, None)
        registry.install(OLD, point, START + timedelta(hours=2))
        registry.exchange(OLD, NEW, datetime.fromtimestamp(EXCHANGE, UTC))
    return store


def fresh() -> tuple[Store, Mdm]:
    store = copy_of(template())
    return store, Mdm(store, Registry(store))


def register_at(meter: int, second: int) -> int:
    """Truth: the old meter rolls over in its time, the new one starts at 5."""
    return (99_000 + (second - ORIGIN) // 20) % 100_000 if meter == OLD else 5 + (second - EXCHANGE) // 20


def take(mdm: Mdm, arrival) -> None:
    if isinstance(arrival, Run):
        stamps = ORIGIN + STEP_S * np.arange(arrival.first, arrival.first + arrival.count, dtype=np.int64)
        registers = np.array([register_at(arrival.meter, int(stamp)) for stamp in stamps], dtype=np.int64)
        registers[0] += arrival.bias
        status = np.full(arrival.count, 0, dtype=np.uint8)
        status[-1] = arrival.status
        known_at = START + timedelta(days=5, hours=arrival.known_h)
        evidence = hash((arrival.meter, arrival.first, arrival.count, arrival.bias)) & 0xFFFF
        mdm.take_profile(
            [ProfileReading(arrival.meter, ACTIVE_ENERGY_IMPORT, STEP_S, stamps, registers, status, known_at, evidence)]
        )
        return
    meter, stamp, known_h = arrival
    known_at = START + timedelta(days=5, hours=known_h)
    at = datetime.fromtimestamp(stamp, UTC)
    mdm.take_register([RegisterReading(meter, ACTIVE_ENERGY_IMPORT, at, register_at(meter, stamp), known_at, 9)])


def view(mdm: Mdm):
    """All that anybody can see of the current state."""
    start, end = START - timedelta(days=1), START + timedelta(days=DAYS + 3)
    series = mdm.series(1, 1, start, end)
    registers = mdm.registers(1, ACTIVE_ENERGY_IMPORT, start, end)
    bill = mdm.bill(1, START, START + timedelta(days=DAYS))
    waiting = [(u.meter, u.start, u.end, u.count, u.reason, u.evidence) for u in mdm.unplaced()]
    columns = [column.tolist() for column in (series.stamps, series.values, series.quality, series.evidence)]
    return columns, registers, bill, mdm.missing(start, end), mdm.holes(OLD, start, end), sorted(waiting)


def rows(store: Store) -> int:
    with store.reading() as connection:
        names = ("interval_block", "stamped_register", "unplaced")
        return sum(connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(arrivals=arrivals, order=st.randoms(use_true_random=False))
def test_any_order_gives_the_same_view(arrivals, order):
    _, plain = fresh()
    for arrival in arrivals:
        take(plain, arrival)
    jumbled = arrivals + arrivals[: len(arrivals) // 2]
    order.shuffle(jumbled)
    _, other = fresh()
    for arrival in jumbled:
        take(other, arrival)
    assert view(other) == view(plain)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(arrivals=arrivals)
def test_the_same_again_stores_nothing(arrivals):
    store, mdm = fresh()
    for arrival in arrivals:
        take(mdm, arrival)
    before = rows(store)
    for arrival in arrivals:
        take(mdm, arrival)
    assert rows(store) == before


@settings(max_examples=150, derandomize=True, deadline=None)
@given(arrivals=st.lists(runs.filter(lambda run: not run.bias), min_size=1, max_size=7))
def test_measured_energy_is_true_energy(arrivals):
    """Whatever is missing, an interval that is measured holds what the meter counted in it: never a spike."""
    _, mdm = fresh()
    for arrival in arrivals:
        take(mdm, arrival)
    series = mdm.series(1, 1, START, START + timedelta(days=DAYS + 2))
    measured = series.values[series.quality == Quality.MEASURED]
    assert (measured == STEP_S // 20).all()
    assert (series.values[series.quality == Quality.MISSING] == 0).all()
