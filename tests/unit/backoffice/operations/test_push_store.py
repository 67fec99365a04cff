"""Pushes that are settled together: each sender's counter counts once, whichever database keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import stores
from openami.backoffice.operations.push_store import PushState, PushStore
from openami.protocols.zones.message import Push, SpoolItem, SpoolItems, encode_push

NOW = datetime(2026, 3, 10, tzinfo=UTC)
ANNA, BERT = b"OAM00001", b"OAM00002"


@pytest.fixture(params=stores.KINDS)
def pushes(request):
    """A store with four pushes that wait."""
    with stores.opened(request.param) as store:
        made = PushStore(store)
        said = [encode_push(Push(NOW.timestamp(), "C1", "mesh", bytes((number,)))) for number in range(4)]
        made.take(SpoolItems("spool", [SpoolItem(number, content) for number, content in enumerate(said, start=1)]))
        yield made


def test_of_one_sender_and_counter_the_first_counts_within_a_batch_and_after_it(pushes):
    one, two, three, four = pushes.waiting(10)
    told = pushes.first_times([(one, ANNA, 7), (two, ANNA, 7), (three, BERT, 7), (four, ANNA, 8)])
    assert told == [True, False, True, True]
    assert pushes.first_times([(four, BERT, 7), (four, BERT, 1 << 31)]) == [False, True]
    assert not pushes.first_time(two, ANNA, 8)
    assert pushes.first_times([]) == []


def test_each_push_gets_its_state(pushes):
    one, two, three, _ = pushes.waiting(10)
    pushes.settle({one.id: PushState.OPENED, two.id: PushState.REPEATED, three.id: PushState.OPENED})
    assert pushes.counts() == {PushState.OPENED: 2, PushState.REPEATED: 1, PushState.WAITING: 1}
