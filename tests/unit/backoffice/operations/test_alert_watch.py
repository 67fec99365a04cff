"""Pushes in the order of their numbers: silence and holes are heard, what only overtook or began again is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openami.backoffice.operations.alert_watch import AlertWatch, Noticed
from openami.backoffice.registry.registry import Registry
from openami.model.quality import GuaranteeClass
from stores import in_memory

HOUR = 3600.0
NOW = 1_767_225_600.0


@pytest.fixture
def registry():
    store = in_memory()
    registry = Registry(store)
    for number in range(4):
        point = registry.add_point(f"P{number}", "1 Mill Lane", "UTC", f"T{number // 2}")
        title = b"OAM\0\0\0\0" + bytes([number])
        meter = registry.add_meter(f"M{number}", title, GuaranteeClass.SHARED_KEYS, f"collector://c-1/{number}")
        registry.install(meter.id, point.id, datetime(2020, 1, 1, tzinfo=UTC))
    return registry


@pytest.fixture
def watch(registry):
    return AlertWatch(registry, HOUR)


def told(watch):
    return {(each.cause, each.code): (each.alerts, len(each.meters), each.paged) for each in watch.incidents()}


def regular(meter, *numbers):
    return [Noticed(meter, number=number, regular=True) for number in numbers]


def test_events_of_a_transformer_are_one_incident_and_somebody_is_called(watch, caplog):
    watch.take([Noticed(1, "last gasp", 1), Noticed(2, "last gasp", 1), Noticed(3, "cover opened", 1)], NOW)
    assert told(watch) == {
        ("transformer T0", "last gasp"): (2, 2, True),
        ("transformer T1", "cover opened"): (1, 1, True),
    }
    assert "alert: transformer T0, last gasp" in caplog.text


def test_what_only_the_head_end_says_is_a_class_of_its_own_and_calls_once(watch, caplog):
    watch.take([Noticed(None)] * 1000, NOW)
    assert told(watch) == {("head-end", "unverified claims"): (1000, 1, True)}
    assert len(caplog.records) == 1


def test_silence_of_all_meters_of_a_collector_is_one_alarm(watch):
    watch.take([one for meter in (1, 2, 3, 4) for one in regular(meter, 1)], NOW)
    watch.check(NOW + 2 * HOUR)
    assert told(watch) == {}
    watch.check(NOW + 2.25 * HOUR)
    assert told(watch) == {("carrier c-1", "heartbeats are missing"): (4, 4, True)}
    watch.check(NOW + 2.3 * HOUR)
    assert told(watch) == {("carrier c-1", "heartbeats are missing"): (4, 4, True)}, "it looks four times a period"


def test_who_never_pushed_regularly_is_not_silent(watch):
    watch.take([Noticed(1, "cover opened", 5)], NOW)
    watch.check(NOW + 10 * HOUR)
    assert told(watch) == {("transformer T0", "cover opened"): (1, 1, True)}


def test_a_number_that_does_not_come_within_a_period_is_a_hole(watch):
    watch.take(regular(1, 1, 2, 4), NOW)
    watch.check(NOW + HOUR / 2)
    assert told(watch) == {}
    watch.check(NOW + HOUR)
    assert told(watch) == {("carrier c-1", "items are missing"): (1, 1, True)}


def test_an_alarm_that_overtook_the_bulk_leaves_no_hole(watch):
    watch.take(regular(1, 1), NOW)
    watch.take([Noticed(1, "cover opened", 4)], NOW)
    watch.take(regular(1, 3, 2), NOW + HOUR / 2)
    watch.check(NOW + 1.5 * HOUR)
    assert list(told(watch)) == [("transformer T0", "cover opened")]


def test_a_meter_that_counts_from_one_again_leaves_no_hole_and_is_watched_on(watch):
    watch.take(regular(1, *range(100, 300)), NOW)
    watch.take(regular(1, 1, 2), NOW + HOUR)
    assert told(watch) == {}
    watch.take(regular(1, 4), NOW + HOUR)
    watch.check(NOW + 2 * HOUR)
    assert list(told(watch)) == [("carrier c-1", "items are missing")]
