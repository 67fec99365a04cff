"""What comes late for a closed day and is no block of its own: a register, or what a check channel measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from closing_fleet import START, day_of, moment, reading, register_fleet, registers, step_of
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT
from openami.backoffice.mdm.tables import judged_block, late_block
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.interval import DAY_S
from openami.model.quality import Quality
from openami.model.reading import RegisterReading

OBIS = str(ACTIVE_ENERGY_IMPORT)


def day_reading(point, day, known_at):
    per_day = DAY_S // step_of(point)
    return reading(point, day * per_day + bool(day), (day + 1) * per_day, registers(point, 12), known_at)


def judged(store):
    """The latest judgement of each channel-day."""
    with store.reading() as connection:
        rows = connection.execute(select(judged_block).order_by(judged_block.c.version)).all()
    return {(row.metering_point, row.channel, row.day): tuple(row)[6:] for row in rows}


def energies(store, day):
    judge = Judge(store, Registry(store))
    series = judge.validated(1, 1, moment(day, 0), moment(day + 1, 0))
    return series.quality.tolist(), int(series.values.sum())


@pytest.fixture
def gap(store):
    """Days 3 to 5 of the first point were never read; each day was closed."""
    mdm = register_fleet(store, 2)
    for day in range(8):
        if day not in {3, 4, 5}:
            mdm.take_profile([day_reading(1, day, moment(day + 1, 1))])
        mdm.take_profile([day_reading(2, day, moment(day + 1, 1))])
        Close(store).close(day_of(day), moment(day + 1, 7))
    return mdm


def test_a_late_register_rescales_all_days_of_its_gap(store, gap):
    _, before = energies(store, 3)
    at, register = START + timedelta(days=6), registers(1, 12)[6 * (DAY_S // step_of(1)) + 1]
    there = registers(1, 12)[3 * (DAY_S // step_of(1))]
    asked = START + timedelta(days=5)
    gap.take_register([RegisterReading(1, ACTIVE_ENERGY_IMPORT, asked, int(there), moment(8, 5), 7)])
    with store.reading() as connection:
        assert len(connection.execute(select(late_block)).all()) > 0
    Close(store).close(day_of(7), moment(8, 9))
    quality, after = energies(store, 3)
    assert set(quality) == {int(Quality.ESTIMATED)}
    assert (before > 0, after) == (True, 0), "nothing flowed up to the late register"
    series = Judge(store, Registry(store)).validated(1, 1, asked, at + timedelta(hours=1))
    assert int(series.values.sum()) == register - there
    with store.reading() as connection:
        assert connection.execute(select(late_block)).all() == []
    closed = judged(store)
    Judge(store, Registry(store)).judge(START, at + timedelta(days=2), moment(8, 9))
    assert judged(store) == closed, "judging all again finds the same"


def test_what_comes_late_for_a_check_channel_is_late_for_the_main_one(store):
    mdm = register_fleet(store, 4)
    main, check = 1, 2
    code = Registry(store).point(check).code
    content = {OBIS: f"{code}={OBIS}"}
    Timeline(store).enter(FactKind.CHECK, main, START, None, content, moment(0, 1))
    mdm.take_profile([day_reading(1, 0, moment(1, 1)), day_reading(2, 0, moment(1, 1))])
    Close(store, points_at_once=1).close(day_of(0), moment(1, 7))
    mdm.take_profile([day_reading(1, 2, moment(3, 1)), day_reading(2, 2, moment(3, 1))])
    for day in (1, 2):
        Close(store, points_at_once=1).close(day_of(day), moment(day + 1, 7))
    mdm.take_profile([day_reading(2, 1, moment(4, 1))])
    Close(store, points_at_once=1).close(day_of(3), moment(4, 7))
    told = Judge(store, Registry(store)).explain(main, 1, moment(1, 12))
    assert "check_meter" in [reason.name for reason in told.reasons]
    closed = judged(store)
    Judge(store, Registry(store)).judge(START, moment(4, 0), moment(4, 7))
    assert judged(store) == closed, "judging all again finds the same"
    with store.reading() as connection:
        assert connection.execute(select(late_block)).all() == []
