"""Any order of arrival, judged as often as one likes in between, ends in one judgement; nothing measured changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass, Quality
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit
from stores import copy_of, in_memory

START = datetime(2026, 3, 27, tzinfo=UTC)  # a weekend later legal time changes
ORIGIN = int(START.timestamp())
STEP_S = 3_600
DAYS = 16
HOURS = 24 * DAYS
END = START + timedelta(days=DAYS)
NOW = END + timedelta(hours=1)


@dataclass(frozen=True)
class Run:
    """Snapshots for some hours; `bias` makes the middle register wrong."""

    first: int
    count: int
    bias: int
    status: int
    known_h: int


runs = st.builds(
    Run,
    first=st.integers(0, HOURS - 1),
    count=st.integers(1, 200),
    bias=st.sampled_from([0, 0, 0, 0, 7, -900, 10**6]),
    status=st.sampled_from([0, 0, 0, 4, 128]),
    known_h=st.integers(0, 3),
)
reads = st.tuples(st.integers(0, DAYS), st.integers(0, 3))
arrivals = st.lists(st.one_of(runs, runs, reads), min_size=1, max_size=6)


@cache
def template() -> Store:
    store = in_memory()
    registry = Registry(store)
    with store.transaction():
        point = registry.add_point("P1", "1 High Street", "Europe/Berlin").id
        kind = ChannelKind.INTERVAL_ENERGY
        registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, STEP_S, 100_000)
        registry.add_meter("M1", b"M1", GuaranteeClass.SHARED_KEYS, None)
        registry.install(1, point, START)
    return store


def fresh() -> tuple[Store, Mdm, Judge]:
    store = copy_of(template())
    registry = Registry(store)
    return store, Mdm(store, registry), Judge(store, registry)


def energy(hour: int) -> int:
    return 100 + 40 * (hour % 24) + 300 * (hour // 24 % 7 == 5)


TRUTH = np.concatenate(([99_000], 99_000 + np.cumsum([energy(hour) for hour in range(HOURS + 400)])))


def take(mdm: Mdm, arrival) -> None:
    if isinstance(arrival, Run):
        after = min(arrival.first + arrival.count, HOURS + 1)
        at = np.arange(arrival.first, after, dtype=np.int64)
        registers = TRUTH[at] % 100_000
        registers[len(at) // 2] += arrival.bias
        registers = np.maximum(registers, 0)
        status = np.zeros(len(at), dtype=np.uint8)
        status[-1] = arrival.status
        known_at = END + timedelta(days=1, hours=arrival.known_h)
        evidence = 1 + arrival.first * 1_000 + arrival.count
        stamps = ORIGIN + STEP_S * at
        mdm.take_profile(
            [ProfileReading(1, ACTIVE_ENERGY_IMPORT, STEP_S, stamps, registers, status, known_at, evidence)]
        )
        return
    day, known_h = arrival
    known_at = END + timedelta(days=1, hours=known_h)
    register = int(TRUTH[24 * day] % 100_000)
    stamp = START + timedelta(days=day)
    mdm.take_register([RegisterReading(1, ACTIVE_ENERGY_IMPORT, stamp, register, known_at, 9)])


def view(judge: Judge):
    """All that anybody can see of the judgement but how many versions it took."""
    series = judge.validated(1, 1, START, END)
    told = []
    for hour in range(0, HOURS, 11):
        one = judge.explain(1, 1, START + timedelta(hours=hour))
        told.append((one.measured, one.value, one.quality, one.stale, one.rule_set, one.reasons))
    return [column.tolist() for column in (series.stamps, series.values, series.quality, series.evidence)], told


@settings(max_examples=30, derandomize=True, deadline=None)
@given(arrivals=arrivals, order=st.randoms(use_true_random=False))
def test_any_order_gives_the_same_judgement(arrivals, order):
    _, plain, judge = fresh()
    for arrival in arrivals:
        take(plain, arrival)
    judge.judge(START, END, NOW)
    jumbled = arrivals + arrivals[: len(arrivals) // 2]
    order.shuffle(jumbled)
    _, other, often = fresh()
    for arrival in jumbled:
        take(other, arrival)
        first = order.randint(0, DAYS - 1)
        often.judge(START + timedelta(days=first), START + timedelta(days=order.randint(first + 1, DAYS)), NOW)
    cut = order.randint(1, DAYS - 1)
    parts = [(0, cut), (cut, DAYS)]
    order.shuffle(parts)
    for first, last in parts:
        often.judge(START + timedelta(days=first), START + timedelta(days=last), NOW)
    assert view(often) == view(judge)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(arrivals=arrivals)
def test_judging_again_stores_nothing_and_alters_nothing_measured(arrivals):
    store, mdm, judge = fresh()
    for arrival in arrivals:
        take(mdm, arrival)
    before = everything(store, "interval_block"), everything(store, "stamped_register")
    judge.judge(START, END, NOW)
    rows = everything(store, "judged_block")
    assert judge.judge(START, END, NOW + timedelta(minutes=5)).stored == 0
    assert everything(store, "judged_block") == rows
    assert (everything(store, "interval_block"), everything(store, "stamped_register")) == before
    raw, judged = mdm.series(1, 1, START, END), judge.validated(1, 1, START, END)
    kept = judged.quality == Quality.MEASURED
    assert (judged.values[kept] == raw.values[kept]).all()
    assert (raw.quality[kept] == Quality.MEASURED).all()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    lost=st.lists(st.tuples(st.integers(0, HOURS), st.integers(1, 120)), min_size=1, max_size=5),
    wrong=st.lists(st.tuples(st.integers(1, HOURS - 1), st.sampled_from([-500, 10**6])), max_size=1),
)
def test_estimates_sum_to_the_registers(lost, wrong):
    """Between any two registers that are known, all intervals together are what the registers say."""
    _, mdm, judge = fresh()
    keep = np.ones(HOURS + 1, dtype=np.bool_)
    for first, count in lost:
        keep[first : first + count] = False
    registers = TRUTH[: HOURS + 1].copy() + 10**6
    at = np.flatnonzero(keep)
    if not len(at):
        return
    for hour, by in wrong:
        inside = keep[hour] and at[0] < hour < at[-1] and keep[hour - 1] and keep[hour + 1]
        registers[hour] += by if inside else 0
    status = np.zeros(len(at), dtype=np.uint8)
    stamps = ORIGIN + STEP_S * at
    mdm.take_profile([ProfileReading(1, ACTIVE_ENERGY_IMPORT, STEP_S, stamps, registers[at], status, NOW, 1)])
    judge.judge(START, END, NOW)
    series = judge.validated(1, 1, START, END)
    first, last = int(at[0]), int(at[-1])
    assert int(series.values[first:last].sum()) == int(TRUTH[last] - TRUTH[first])
    assert (series.quality[first:last] != Quality.MISSING).all()
    bad = {hour for hour, _ in wrong} | {hour - 1 for hour, _ in wrong}
    for one, two in pairwise(at):
        if not {int(one) - 1, int(one), int(two), int(two) - 1} & bad:
            assert int(series.values[one:two].sum()) == int(TRUTH[two] - TRUTH[one])


def everything(store: Store, table: str) -> list[tuple]:
    with store.reading() as connection:
        return sorted((tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")), key=repr)


def test_the_days_of_these_tests_hold_a_change_of_legal_time():
    assert ORIGIN % DAY_S == 0
    assert START < datetime(2026, 3, 29, 1, tzinfo=UTC) < END
