"""Choosing and keeping a parent, waiting for one that has lost its way, giving up one that swallows."""

from __future__ import annotations

from math import inf

import pytest

from mesh_ether import name
from openami.protocols.mesh.address import address_of
from openami.protocols.mesh.advertisement import Advertisement, Outcome
from openami.protocols.mesh.dodag import LEAVE_AFTER_S, Dodag
from openami.protocols.mesh.neighbours import LINK_METRIC_MAX, Climate, Neighbour
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.rpl_messages import (
    GROUNDED_NON_STORING,
    INFINITE_RANK,
    DioHead,
    RplCode,
    encode_dio,
)

PARAMETERS = MeshParameters()
NEAR, WEAK = -60, -99
ROOT, LEFT, RIGHT, OWN = name(0), name(1), name(2), name(9)
HALF = b"\x80"
GRACE_MAX_S = 50.0


def half(size):
    """Chance that is always in the middle."""
    return HALF * size


class Log:
    """What a `Dodag` asks of its station."""

    def __init__(self):
        self.spoken, self.parents, self.wanted, self.reasons = [], 0, 0, []

    def send_rpl(self, code, body, neighbour, now):
        self.spoken.append((now, code, body, neighbour))

    def routes_wanted(self, now):
        self.wanted += 1

    def parent_changed(self, now):
        self.parents += 1

    def lost(self, reason, now):
        self.reasons.append(reason)


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def member(log):
    dodag = Dodag(OWN, PARAMETERS, half, log)
    dodag.search(0.0)
    return dodag


def dio(rank):
    """What a station of rank `rank` says, with the options that the root made."""
    root = Dodag(ROOT, PARAMETERS, half, Log())
    root.found(address_of(ROOT, PARAMETERS.prefix), 0, 0.0)
    head = DioHead(0, root.graph.version, rank, GROUNDED_NON_STORING, 0, 0, 0, root.graph.dodag_id)
    return encode_dio(head, root.graph._options)


def until(dodag, now, end):
    """Let everything happen that is due before `end`."""
    while dodag.due < end:
        now = max(now, dodag.due)
        dodag.act(now)
    return end


def test_a_parent_that_works_is_kept_for_a_while_and_then_left_for_a_much_better_one(member, log):
    member.receive_dio(LEFT, dio(1024), NEAR, 1.0)
    assert member.parent.eui64 == LEFT
    member.receive_dio(RIGHT, dio(256), NEAR, 2.0)
    assert member.parent.eui64 == LEFT, "each change costs a message over all hops"
    member.receive_dio(RIGHT, dio(256), NEAR, 1.0 + PARAMETERS.parent_hold_s)
    assert member.parent.eui64 == RIGHT
    assert log.parents == 2


def test_a_slightly_better_parent_is_no_reason(member):
    member.receive_dio(LEFT, dio(512), NEAR, 1.0)
    member.receive_dio(RIGHT, dio(384), NEAR, 2.0 + PARAMETERS.parent_hold_s)
    assert member.parent.eui64 == LEFT


def test_a_dead_parent_is_left_at_once(member):
    member.receive_dio(LEFT, dio(256), NEAR, 1.0)
    member.receive_dio(RIGHT, dio(300), NEAR, 2.0)
    for second in range(4):
        member.parent.sent(8, 3.0 + second, delivered=False)
        member.measured(member.neighbours.get(LEFT), 3.0 + second)
    assert member.parent.eui64 == RIGHT


def test_who_waits_for_a_parent_without_a_way_is_silent_and_goes_on_when_it_has_one_again(member, log):
    member.receive_dio(LEFT, dio(256), NEAR, 1.0)
    rank = member.rank
    member.receive_dio(LEFT, dio(INFINITE_RANK), NEAR, 10.0)
    log.spoken.clear()
    until(member, 10.0, 35.0)
    assert log.spoken == [], "neither poison nor invitation"
    assert (member.parent.eui64, member.rank) == (LEFT, rank)
    member.receive_dio(LEFT, dio(300), NEAR, 36.0)
    until(member, 36.0, 36.0 + GRACE_MAX_S)
    assert member.attached
    assert not any(body[2:4] == b"\xff\xff" for _, code, body, _ in log.spoken if code == RplCode.DIO)


def test_after_the_grace_it_poisons_asks_around_and_at_last_leaves(member, log):
    member.receive_dio(LEFT, dio(256), NEAR, 1.0)
    member.receive_dio(LEFT, dio(INFINITE_RANK), NEAR, 10.0)
    until(member, 10.0, 10.0 + GRACE_MAX_S)
    assert member.parent is None
    poison = next(body for _, code, body, neighbour in log.spoken if code == RplCode.DIO and neighbour is None)
    assert poison[2:4] == b"\xff\xff"
    until(member, 10.0 + GRACE_MAX_S, 10.0 + GRACE_MAX_S + LEAVE_AFTER_S + 130)
    assert sum(code == RplCode.DIS for _, code, _, _ in log.spoken) >= 3
    assert log.reasons == ["no neighbour offers a way up"]


def test_nobody_waits_for_a_parent_whose_link_is_gone(member):
    member.receive_dio(LEFT, dio(256), NEAR, 1.0)
    member.parent.blame(5.0)
    member.measured(member.neighbours.get(LEFT), 5.0)
    assert member.parent is None
    assert member.rank == INFINITE_RANK


def test_each_failure_in_a_row_costs_a_neighbour_twice_the_time():
    neighbour = Neighbour(LEFT, NEAR, 0.0, Climate(-91))
    now = 0.0
    for patience_s in (600.0, 1200.0, 2400.0):
        neighbour.blame(now)
        neighbour.hear(NEAR, now + patience_s)
        assert neighbour.link_metric > LINK_METRIC_MAX
        now += patience_s + 1
        neighbour.hear(NEAR, now)
        assert neighbour.link_metric <= LINK_METRIC_MAX
    neighbour.trust()
    neighbour.blame(now)
    neighbour.hear(NEAR, now + 601)
    assert neighbour.link_metric <= LINK_METRIC_MAX, "the root has confirmed what went through it"


def test_who_has_no_other_way_forgives_sooner():
    neighbour = Neighbour(LEFT, NEAR, 0.0, Climate(-91))
    neighbour.blame(0.0)
    neighbour.hear(NEAR, 31.0)
    assert neighbour.link_metric > LINK_METRIC_MAX
    neighbour.hear(NEAR, 31.0, alone=True)
    assert neighbour.link_metric <= LINK_METRIC_MAX


def test_what_nobody_confirms_makes_a_station_ask_the_root_and_then_give_up_its_parent():
    advertisement = Advertisement(PARAMETERS, half)
    advertisement.plan(0.0)
    assert advertisement.act(advertisement.due) is Outcome.SEND
    advertisement.acknowledge(advertisement._sequence, 28_800.0, 10.0)
    assert advertisement.due > 3600
    advertisement.doubt(1000.0)
    outcomes = []
    while advertisement.due < inf:
        outcomes.append(advertisement.act(advertisement.due))
    assert outcomes == [Outcome.SEND] * PARAMETERS.dao_tries + [Outcome.GIVE_UP]
