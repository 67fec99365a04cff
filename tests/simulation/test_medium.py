from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import pairwise

import pytest

from openami.simulation.loop import VirtualLoop
from openami.simulation.medium import SUCCESS, Medium, Neighbour, Phy
from openami.simulation.streams import mixed
from openami.simulation.trace import Trace

PHY = Phy(50_000, 12, -103, -100, 100)
NEAR, FAR = -80, -99


class Ear:
    def __init__(self):
        self.got, self.sent_clear = [], []

    def heard(self, psdu, level_dbm):
        self.got.append((psdu, level_dbm))

    def sent(self, *, clear):
        self.sent_clear.append(clear)


@pytest.fixture
def made():
    """Makes stations whose links are given as {receiver: level}."""
    with ExitStack() as stack:

        def make(*links, phy=PHY):
            loop = stack.enter_context(closing(VirtualLoop()))
            table = [[Neighbour(other, level, 0) for other, level in of.items()] for of in links]
            medium = Medium(loop, phy, table, [mixed(number + 1) for number in range(len(links))], Trace())
            ears = [Ear() for _ in links]
            for number, ear in enumerate(ears):
                medium.attach(number, ear)
            return loop, medium, ears

        yield make


def run(loop, seconds):
    loop.call_later(seconds, loop.stop)
    loop.run_forever()


def test_a_frame_takes_its_airtime_and_reaches_those_who_hear(made):
    loop, medium, ears = made({1: NEAR}, {0: NEAR}, {})
    medium.transmit(0, b"\x01" * 111)
    run(loop, 0.0199)
    assert ears[1].got == []
    run(loop, 0.0002)
    assert ears[1].got == [(b"\x01" * 111, NEAR)]
    assert ears[0].sent_clear == [True]
    assert ears[2].got == []


def test_a_busy_channel_is_told_but_acknowledgements_go_out(made):
    loop, medium, ears = made({1: NEAR}, {0: NEAR})
    medium.transmit(0, b"\x01" * 100)
    medium.transmit(1, b"\x01" * 100)
    run(loop, 0.001)
    assert ears[1].sent_clear == [False]
    medium.transmit(1, b"\x02\x00\x07")
    run(loop, 1)
    assert ears[1].sent_clear == [False, True]
    assert ears[1].got == [], "nobody hears while sending"


def test_hidden_stations_collide_unless_one_is_much_stronger(made):
    loop, medium, ears = made({1: NEAR}, {0: NEAR, 2: NEAR}, {1: NEAR})
    medium.transmit(0, b"\x01" * 50)
    medium.transmit(2, b"\x01" * 50)
    run(loop, 1)
    assert ears[1].got == []
    assert medium.counts.collided == 2
    loop, medium, ears = made({1: NEAR}, {0: NEAR, 2: FAR}, {1: FAR})
    medium.transmit(0, b"\x01" * 50)
    medium.transmit(2, b"\x01" * 51)
    run(loop, 1)
    assert [level for _, level in ears[1].got] == [NEAR], "captured"


def test_the_duty_cycle_of_any_hour_is_kept(made):
    loop, medium, ears = made({1: NEAR}, {0: NEAR}, phy=Phy(50_000, 12, -103, -100, 1))
    for _ in range(200):
        medium.transmit(0, b"\x01" * 111)
        run(loop, 1)
    assert ears[0].sent_clear.count(True) == 180, "3.6 s of 20 ms"
    assert medium.counts.duty_refused == 20
    run(loop, 3500)
    medium.transmit(0, b"\x01" * 111)
    run(loop, 1)
    assert ears[0].sent_clear[-1]


def test_levels_and_noise_decide_by_integers(made):
    short, long = SUCCESS[0], SUCCESS[15]
    assert all(low <= high for low, high in pairwise(short))
    assert abs(long[10] / (1 << 20) - 0.9) < 0.01, "10 % of 250 octets are lost at the sensitivity"
    loop, medium, ears = made({1: -100}, {0: -100})
    medium.noise_db[1] = 20
    for _ in range(20):
        medium.transmit(0, b"\x01" * 50)
        run(loop, 1)
    assert ears[1].got == []
    medium.noise_db[1] = 0
    medium.transmit(0, b"\x01" * 50)
    run(loop, 1)
    assert len(ears[1].got) == 1


def test_a_station_that_loses_its_supply_sends_half_a_frame(made):
    loop, medium, ears = made({1: NEAR}, {0: NEAR})
    medium.transmit(0, b"\x01" * 100)
    medium.cut(0)
    run(loop, 1)
    assert ears[1].got == []
