"""A close of all points and the judge of each point alone come to the same judgements, to the last byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import stores
from closing_fleet import EXPORT, day_of, moment, reading, register_fleet, registers, stamped, step_of
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.tables import judged_block
from openami.backoffice.registry.registry import Registry
from openami.model.interval import DAY_S

POINTS, DAYS = 6, 36
FAULTS = ("none", "none", "gap", "lost", "spike", "dip", "flagged", "power down", "reset", "exchange", "zero", "stuck",
          "stamped", "off grid", "unread")  # fmt: skip


def judgements(store):
    """The current judgement of each channel-day, all of it but its version and when it was made."""
    with store.reading() as connection:
        rows = connection.execute(select(judged_block).order_by(judged_block.c.version)).mappings()
        latest = {(row["metering_point"], row["channel"], row["day"]): dict(row) for row in rows}
    return {key: row | {"version": 0, "judged_at": 0} for key, row in latest.items()}


def told(store):
    """As above, without the number of the measured version: it counts in how many parts a day came."""
    return {key: row | {"raw_version": 0} for key, row in judgements(store).items()}


def spoilt(values, fault, hit, day_begin):
    """The registers as the meter shows them."""
    if fault == "spike":
        values[hit:] += 500_000
    elif fault == "reset":
        values[hit:] -= values[hit]
    elif fault == "dip":
        values[hit] -= 3_000
    elif fault == "zero":
        values[day_begin:] = values[day_begin]
    elif fault == "stuck":
        flat = slice(hit, min(hit + 12, len(values)))
        values[flat] = values[hit] + 777 * np.arange(len(values[flat]))
    return values % 10**6


def take(mdm, point, fault, at, length, day):
    """A month of the point's values, with `fault` near the end of day number `day`."""
    per_day = DAY_S // step_of(point)
    hit, last, known = day * per_day + at % per_day, (day + 1) * per_day, moment(day + 1, 1)
    end = min(hit + length, last)
    values = spoilt(registers(point, DAYS), fault, hit, day * per_day)
    parts = {"gap": [(0, hit), (end, last)], "lost": [(0, day * per_day)], "unread": []}
    for begin, after in parts.get(fault, [(0, last)]):
        mdm.take_profile([reading(point, begin, after, values, known)])
        if point % 3 == 0:
            mdm.take_profile([reading(point, begin, after, values // 2, known, obis=EXPORT)])
    if fault in {"flagged", "power down"}:
        status = 4 if fault == "flagged" else 128
        mdm.take_profile([reading(point, hit, end, values, known + timedelta(hours=1), status)])
    if fault in {"stamped", "off grid"}:
        second = hit * step_of(point) + (77 if fault == "off grid" else 0)
        mdm.take_register([stamped(point, second, int(values[hit]) + 1, known)])


def exchange(store, mdm, point, day):
    registry = Registry(store)
    new = registry.add_meter(f"N{point}", (100 + point).to_bytes(8, "big"), 2, None)
    registry.exchange(point, new.id, moment(day, 10))
    del mdm


CASES = st.lists(
    st.tuples(st.sampled_from(FAULTS), st.integers(0, 95), st.integers(1, 140)), min_size=POINTS, max_size=POINTS
)


@settings(max_examples=8, derandomize=True, deadline=None, phases=[Phase.generate])
@given(cases=CASES, day=st.integers(27, DAYS - 2), chunk=st.integers(1, POINTS), before=st.booleans())
def test_a_close_judges_as_the_judge(cases, day, chunk, before):
    with stores.opened("sqlite") as one, stores.opened("sqlite") as many:
        for store in (one, many):
            mdm = register_fleet(store, POINTS)
            for point, (fault, at, length) in enumerate(cases, 1):
                if fault == "exchange":
                    exchange(store, mdm, point, day)
                take(mdm, point, fault, at, length, day)
        now = moment(day + 1, 7)
        first = day - 1 if before else day
        Judge(one, Registry(one)).judge(moment(first), moment(day + 1), now)
        for number in range(first, day + 1):
            Close(many, points_at_once=chunk).close(day_of(number), now)
        assert judgements(many) == judgements(one)
        Close(many, points_at_once=POINTS).close(day_of(day), now)
        assert judgements(many) == judgements(one), "closing again changes nothing"


@settings(max_examples=4, derandomize=True, deadline=None, phases=[Phase.generate])
@given(late=st.lists(st.tuples(st.integers(1, POINTS), st.integers(20, 30), st.integers(0, 3)), max_size=4))
def test_what_comes_late_ends_in_the_same_judgements(late):
    """Days that were kept back until later closes: in the end all is as if each day had been judged knowing all."""
    kept = {(point, day): wait for point, day, wait in late}
    with stores.opened("sqlite") as store, stores.opened("sqlite") as other:
        mdm, whole = register_fleet(store, POINTS), register_fleet(other, POINTS)
        arriving = {}
        for point in range(1, POINTS + 1):
            per_day, values = DAY_S // step_of(point), registers(point, DAYS)
            for day in range(33):
                wait = kept.get((point, day), 0)
                part = reading(point, day * per_day + bool(day), (day + 1) * per_day, values, moment(day + 1 + wait, 1))
                parts = [part, replace(part, obis=EXPORT)] if point % 3 == 0 else [part]
                whole.take_profile(parts)
                arriving.setdefault(day + wait, []).extend(parts)
        for day in range(36):
            if parts := arriving.get(day):
                mdm.take_profile(parts)
            if 28 <= day < 33:
                Close(store).close(day_of(day), moment(day + 1, 7))
        closed = Close(store).close(day_of(32), moment(36, 7))
        Judge(other, Registry(other)).judge(moment(28), moment(33), moment(36, 7))
        assert told(store) == told(other)
        assert closed.total.missing == 0
