"""Guessing passwords: three at once, then one in a minute, two, four, and one in an hour at least."""

from __future__ import annotations

from openami.protocols.wire.lockout import Lockout


def lock(lockout, now=0.0):
    assert [lockout.wrong(now) for _ in range(3)] == [False, False, True]


def test_the_third_wrong_one_locks_for_a_minute():
    lockout = Lockout()
    assert not lockout.holds(0.0)
    lock(lockout)
    assert lockout.holds(59.9)
    assert not lockout.holds(60.0)


def test_each_further_wrong_one_doubles_the_pause_up_to_an_hour():
    lockout, now, pauses = Lockout(), 0.0, []
    lock(lockout)
    for _ in range(8):
        until = next(second for second in range(int(now), int(now) + 10_000) if not lockout.holds(second))
        pauses.append(until - now)
        now = until
        assert lockout.wrong(now)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_the_right_one_begins_anew():
    lockout = Lockout()
    lockout.wrong(0.0)
    lockout.wrong(0.0)
    lockout.right()
    lock(lockout, 5.0)
    assert lockout.holds(64.9)
    lockout.right()
    assert not lockout.holds(64.9)
