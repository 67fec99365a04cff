"""The network's own time: what a station makes of it, how wrong it may be, and that nonsense says nothing."""

from __future__ import annotations

from math import inf

import pytest

from openami.protocols.mesh.confirmed import Confirmed
from openami.protocols.mesh.link_time import DRIFT, ERROR_MAX_S, UNKNOWN, LinkTime
from openami.protocols.mesh.parameters import MeshParameters

UTC = 1_800_000_000.0
WRAP_S = (1 << 32) / 1000


def root():
    time = LinkTime()
    time.lead(lambda now: now + UTC)
    return time


def test_a_station_knows_nothing_at_first():
    assert LinkTime().stamp(5.0) == UNKNOWN
    assert LinkTime().error_s(5.0) == inf
    assert root().age_s(UNKNOWN, 5.0) is None


def test_what_was_written_in_between_is_wrong_by_half_of_the_span():
    station = LinkTime()
    station.learn(root().stamp(10.9), 10.0, 11.0)
    assert station.error_s(11.0) == 0.5
    assert root().age_s(station.stamp(20.0), 21.0) == pytest.approx(0.6, abs=0.002)
    assert station.error_s(11.0 + 0.5 / DRIFT) == pytest.approx(1.0)


def test_only_what_tells_more_is_taken():
    station = LinkTime()
    station.learn(root().stamp(10.0), 10.0, 10.1)
    station.learn(root().stamp(11.0), 11.0, 13.0)
    assert station.error_s(13.0) < 0.06
    station.learn(root().stamp(9_990.0), 9_990.0, 9_991.0)
    assert station.error_s(9_991.0) == 0.5


def test_a_station_that_is_not_sure_says_nothing():
    station = LinkTime()
    station.learn(root().stamp(10.0), 10.0, 10.0 + 2 * ERROR_MAX_S + 0.1)
    assert station.stamp(13.0) == UNKNOWN


@pytest.mark.parametrize("now", [0.5, WRAP_S - UTC % WRAP_S - 0.2, WRAP_S - UTC % WRAP_S + 0.2])
def test_ages_pass_the_end_of_the_numbers(now):
    sent = root().stamp(now - 0.4)
    assert root().age_s(sent, now) == pytest.approx(0.4, abs=0.002)


def test_stamps_from_the_future_or_from_long_ago():
    assert root().age_s(root().stamp(100.9), 100.0) == 0.0
    assert root().age_s(root().stamp(200.0), 100.0) is None
    assert root().age_s(root().stamp(0.0), 90_000.0) is None


def test_a_root_learns_from_nobody():
    time = root()
    time.learn(12345, 0.0, 0.0)
    assert time.stamp(10.0) == root().stamp(10.0)


class Line:
    """A station and the root, each datagram on its way for `delay_s`."""

    def __init__(self):
        self.times = LinkTime(), root()
        self.sent = []
        ranks = (lambda: 640), None
        self.ends = [
            Confirmed(MeshParameters(), bytes, lambda _to, payload, _now: self.sent.append(payload), time, rank)
            for time, rank in zip(self.times, ranks, strict=True)
        ]

    def push(self, at, delay_s):
        station, collector = self.ends
        station.send(station.next_number(), b"R" * 16, 4059, b"push", at)
        arrived = collector.receive(b"S" * 16, self.sent.pop(), at + delay_s)
        collector.confirm(b"S" * 16, arrived.number, at + delay_s)
        station.receive(b"R" * 16, self.sent.pop(), at + 2 * delay_s)
        return arrived


def test_after_one_confirmation_the_root_sees_how_long_datagrams_are_on_their_way():
    line = Line()
    assert line.push(50.0, 0.3)[2:] == (b"push", 640, None)
    assert line.push(60.0, 0.2)[2:] == (b"push", 640, pytest.approx(0.2, abs=0.002))


def test_a_root_that_lies_about_the_time_changes_its_own_sight_alone():
    line = Line()
    line.push(50.0, 0.3)
    line.times[1].lead(lambda now: now + UTC - 365 * 86_400)
    assert line.push(60.0, 0.2).latency_s is None
    line.push(70.0, 0.1)
    assert line.push(80.0, 0.2).latency_s == pytest.approx(0.2, abs=0.002)
