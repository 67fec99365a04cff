"""Facts with both times: what held when, and what was known of it when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import stores
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import Conflict
from openami.model.quality import GuaranteeClass

JAN, FEB, MAR, APR, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 6))


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


@pytest.fixture
def point(store):
    return Registry(store).add_point("P1", "1 High Street", "Europe/Berlin").id


def contract(timeline, point, at, known=None):
    found = timeline.at(FactKind.CONTRACT, point, at, known)
    return found and found.content["supplier"]


def test_what_was_known_when(store, point):
    timeline = Timeline(store)
    timeline.enter(FactKind.CONTRACT, point, JAN, None, {"supplier": "A"}, JAN)
    timeline.correct(FactKind.CONTRACT, point, FEB, None, {"supplier": "B"}, APR)  # told two months late
    assert [contract(timeline, point, at) for at in (JAN, FEB, MAY)] == ["A", "B", "B"]
    assert [contract(timeline, point, at, MAR) for at in (JAN, FEB, MAY)] == ["A", "A", "A"]
    assert contract(timeline, point, JAN, JAN - timedelta(days=1)) is None
    timeline.correct(FactKind.CONTRACT, point, FEB, MAR, None, MAY)
    assert [contract(timeline, point, at) for at in (JAN, FEB, MAR)] == ["A", None, "B"]
    assert [contract(timeline, point, at, APR) for at in (JAN, FEB, MAR)] == ["A", "B", "B"]


def test_telling_again_changes_nothing(store, point):
    timeline = Timeline(store)
    registry = Registry(store)
    assert timeline.enter(FactKind.TOPOLOGY, point, JAN, None, {"feeder": "F1"}, JAN)
    state = registry.state()
    assert not timeline.enter(FactKind.TOPOLOGY, point, JAN, None, {"feeder": "F1"}, FEB)
    assert registry.state() == state
    assert timeline.enter(FactKind.TOPOLOGY, point, JAN, MAR, {"feeder": "F1"}, FEB), "now its end is known"
    assert not timeline.enter(FactKind.TOPOLOGY, point, JAN, MAR, {"feeder": "F1"}, MAR)
    assert timeline.at(FactKind.TOPOLOGY, point, APR) is None
    assert timeline.at(FactKind.TOPOLOGY, point, APR, JAN) is not None


def test_something_else_at_that_time_is_a_conflict(store, point):
    timeline = Timeline(store)
    timeline.enter(FactKind.TOPOLOGY, point, JAN, None, {"feeder": "F1"}, JAN)
    with pytest.raises(Conflict, match="end that first"):
        timeline.enter(FactKind.TOPOLOGY, point, FEB, None, {"feeder": "F2"}, FEB)
    with pytest.raises(Conflict, match="is before"):
        timeline.correct(FactKind.TOPOLOGY, point, FEB, None, None, JAN - timedelta(days=1))


def test_the_registry_s_own_changes_are_facts(store, point):
    registry, timeline = Registry(store), Timeline(store)
    old, new = (registry.add_meter(name, name.encode(), GuaranteeClass.SHARED_KEYS, None).id for name in ("M1", "M2"))
    registry.install(old, point, JAN)
    registry.exchange(old, new, MAR)
    registry.change_address(point, "2 High Street", APR)
    installed = timeline.history(FactKind.INSTALLATION, [point])
    assert [(each.content["meter"], each.start, each.end) for each in installed] == [(old, JAN, MAR), (new, MAR, None)]
    before = timeline.history(FactKind.INSTALLATION, [point], FEB)
    assert [(each.content["meter"], each.start, each.end) for each in before] == [(old, JAN, None)]
    told = timeline.at(FactKind.ADDRESS, point, MAY)
    assert told.content == {"service_address": "2 High Street"}
    assert timeline.at(FactKind.ADDRESS, point, MAR).content == {"service_address": "1 High Street"}


def test_a_correction_is_what_the_registry_answers(store, point):
    registry, timeline = Registry(store), Timeline(store)
    old, new = (registry.add_meter(name, name.encode(), GuaranteeClass.SHARED_KEYS, None).id for name in ("M1", "M2"))
    registry.install(old, point, JAN)
    timeline.correct(FactKind.INSTALLATION, point, FEB, None, {"meter": new}, MAR)
    found = registry.installations_of_point(point)
    assert [(each.meter, each.start, each.end) for each in found] == [(old, JAN, FEB), (new, FEB, None)]
