"""The demo's radio: faster than the machine's time, exact within, and slowed rather than broken by a busy machine."""

from __future__ import annotations

import asyncio

import pytest

from openami.app.radio_time import SPEED, RadioTime
from virtual_loop import in_virtual_time

START = 1_800_000_000.0


class Clock:
    """A `ScaledClock` of a district that lives 60 times as fast as the (virtual) machine; `lost_s` is a stall."""

    def __init__(self):
        self.lost_s = 0.0

    def time(self):
        return self.utc(self.monotonic())

    def monotonic(self):
        return asyncio.get_running_loop().time() + self.lost_s

    def utc(self, monotonic):
        return START + 60.0 * monotonic

    def monotonic_at(self, utc):
        return (utc - START) / 60.0


@pytest.fixture
def radio():
    made = []

    def make():
        clock = Clock()
        made.append(RadioTime(clock))
        return made[-1], clock

    yield make
    for one in made:
        one.loop.close()


@in_virtual_time
async def lived(radio, clock, seconds, stall_s=0.0):
    """What timers a tenth of a millisecond apart saw, and where the radio's time stands in the end."""
    seen, running = [], asyncio.get_running_loop().create_task(radio.run())
    for step in range(100):
        radio.loop.call_at(step * 1e-4, lambda: seen.append(radio.monotonic()))
    await asyncio.sleep(seconds)
    clock.lost_s += stall_s
    await asyncio.sleep(seconds)
    running.cancel()
    return seen, radio.monotonic()


def test_moments_closer_than_the_machine_s_timers_follow_exactly_and_time_runs_faster(radio):
    seen, end = lived(*radio(), 1.0)
    assert seen == [step * 1e-4 for step in range(100)]
    assert end == pytest.approx(2 * SPEED, rel=0.06)


def test_a_machine_that_stood_still_has_lost_that_time(radio):
    _, end = lived(*radio(), 1.0, stall_s=60.0)
    assert end == pytest.approx(2 * SPEED, rel=0.06)


@in_virtual_time
async def stirred(radio):
    running = asyncio.get_running_loop().create_task(radio.run())
    await asyncio.sleep(1.003)
    told = asyncio.get_running_loop().create_future()
    begun = asyncio.get_running_loop().time()
    radio.loop.call_later(0.001, lambda: told.set_result(asyncio.get_running_loop().time()))
    radio.stir()
    took = await told - begun
    running.cancel()
    return took


def test_what_is_done_from_outside_is_not_waited_for(radio):
    assert stirred(radio()[0]) < 0.005


@in_virtual_time
async def scale(radio, clock):
    await asyncio.sleep(2.0)
    now = radio.monotonic()
    assert radio.utc(now) == clock.time()
    assert radio.utc(now + SPEED) == pytest.approx(clock.time() + 60)
    assert radio.monotonic_at(clock.time() + 60) == pytest.approx(now + SPEED)


def test_the_district_s_time_follows_from_the_radio_s(radio):
    scale(*radio())
