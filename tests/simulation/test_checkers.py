from __future__ import annotations

import pytest

from openami.simulation.checkers import (
    LOOP_MAX_S,
    Bounds,
    DutyCycle,
    FrameCounters,
    InvocationCounters,
    RoutingLoops,
    loops_in,
)


def secured(counter, source=b"\x11" * 8, key=1, payload=b"payload"):
    """A secured data frame to everybody, key by index."""
    header = (0x1 | 0x8 | 0x40 | 0x1000 | 2 << 10 | 3 << 14).to_bytes(2, "little") + b"\x05\x41\x4f\xff\xff"
    return header + source[::-1] + bytes((0x0D,)) + counter.to_bytes(4, "little") + bytes((key,)) + payload


def test_a_frame_may_be_repeated_but_no_counter_used_twice():
    checker = FrameCounters()
    for psdu in (secured(1), secured(2), secured(1), secured(2), secured(1, source=b"\x12" * 8), secured(1, key=2)):
        checker.watch(0.0, psdu)
    assert checker.passed
    assert checker.checked == 6
    checker.watch(9.0, secured(2, payload=b"another"))
    assert not checker.passed
    assert "used frame counter 2" in checker.findings[0]


def test_a_station_that_forgot_its_counter_is_found():
    checker = FrameCounters()
    for counter in range(1000):
        checker.watch(0.0, secured(counter))
    checker.watch(1.0, secured(3, payload=b"after the reboot"))
    assert checker.broken == 1


def test_what_is_no_frame_is_found():
    checker = FrameCounters()
    checker.watch(0.0, b"\x07")
    assert "what is no frame" in checker.findings[0]


def test_two_pushes_under_one_counter():
    checker = InvocationCounters()
    checker.watch(0.0, b"OAM00001", 5, b"sealed")
    checker.watch(1.0, b"OAM00001", 5, b"sealed")
    checker.watch(2.0, b"OAM00002", 5, b"other")
    assert checker.passed
    checker.watch(3.0, b"OAM00001", 5, b"sealed anew")
    assert "invocation counter 5" in checker.findings[0]


@pytest.mark.parametrize(
    ("parents", "loops"),
    [
        ({0: None, 1: 0, 2: 1}, []),
        ({0: None, 1: 2, 2: 1, 3: 1}, [(1, 2)]),
        ({1: 1}, [(1,)]),
        ({5: 3, 3: 4, 4: 5, 6: 5, 7: 8, 8: 7}, [(3, 4, 5), (7, 8)]),
        ({1: 99}, []),
    ],
)
def test_loops(parents, loops):
    assert loops_in(parents) == loops


def test_a_loop_is_a_fault_only_when_it_stays():
    checker = RoutingLoops()
    for now in (0, LOOP_MAX_S / 2, LOOP_MAX_S):
        checker.look(now, {1: 2, 2: 1})
    checker.look(LOOP_MAX_S + 1, {1: 2, 2: 0, 0: None})
    checker.look(LOOP_MAX_S + 2, {1: 2, 2: 1})
    assert checker.passed
    assert checker.seen == 2
    checker.look(3 * LOOP_MAX_S, {1: 2, 2: 1})
    assert not checker.passed


def test_the_duty_cycle_by_the_hour():
    checker = DutyCycle(10)
    for minute in range(200):
        checker.watch(minute * 60.0, 1, 599_000)
    assert checker.passed
    checker.watch(200 * 60.0, 1, 700_000)
    assert "station 1" in checker.findings[0]


def test_bounds():
    checker = Bounds()
    checker.look(0.0, [("queue", 3, 5), ("queue", 5, 5)])
    assert checker.passed
    assert checker.most == {"queue": 5}
    checker.look(1.0, [("queue", 6, 5)])
    assert "holds 6" in checker.findings[0]
