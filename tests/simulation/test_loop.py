from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from math import inf

import pytest

from openami.simulation.loop import VirtualClock, VirtualLoop
from openami.simulation.streams import Streams, mixed
from openami.simulation.trace import Trace

ORDER = """
import asyncio
from openami.simulation.loop import VirtualLoop
padding = [object() for _ in range({padding})]
async def child(number, said):
    try:
        await asyncio.sleep(1000)
    finally:
        said.append(number)
async def main():
    said = []
    tasks = {{asyncio.get_running_loop().create_task(child(number, said)) for number in range(50)}}
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    print(said)
VirtualLoop().run_until_complete(main())
"""


def test_time_jumps_and_nobody_waits():
    loop = VirtualLoop()
    clock = VirtualClock(1000.0, loop)
    loop.run_until_complete(clock.sleep(86_400))
    assert clock.time() == 87_400
    loop.close()


def test_sets_of_tasks_have_one_order_in_every_process():
    orders = [
        subprocess.run(
            [sys.executable, "-c", ORDER.format(padding=seed * 1000)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    ]
    assert orders[0] == orders[1]
    assert orders[0].count(",") == 49


def test_threads_are_refused():
    loop = VirtualLoop()

    async def main():
        await asyncio.to_thread(print, "never")

    with pytest.raises(RuntimeError, match="no threads in virtual time"):
        loop.run_until_complete(main())
    loop.close()


def test_waiting_for_nothing_is_found_out():
    loop = VirtualLoop()
    with pytest.raises(RuntimeError, match="every task waits"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_streams_do_not_know_of_each_other():
    streams = Streams(7)
    alone = streams.bytes("a")(40)
    other = streams.bytes("b")
    again = streams.bytes("a")
    other(1000)
    assert again(15) + again(25) == alone
    assert Streams(8).bytes("a")(40) != alone
    assert streams.random("x").random() == Streams(7).random("x").random()
    assert [mixed(number) for number in (0, 1)] == [0, 0x5692161D100B05E5]


def test_a_trace_tells_any_two_histories_apart():
    hashes = set()
    for at, kind, detail in ((1.0, "frame", 1), (1.000001, "frame", 1), (1.0, "lost", 1), (1.0, "frame", 2)):
        trace = Trace()
        trace.note(at, kind, detail)
        hashes.add(trace.hash)
        assert trace.hash == trace.hash
    assert len(hashes) == 4


def test_a_loop_can_be_brought_forward_by_hand():
    loop, told = VirtualLoop(), []
    late = loop.call_at(2.5, told.append, "cancelled")
    for when in (2.0, 1.0, 3.0):
        loop.call_at(when, lambda: told.append(loop.time()))
    late.cancel()
    loop.live_until(2.7)
    assert told == [1.0, 2.0]
    assert loop.time() == 2.7
    assert loop.next_timer() == 3.0
    loop.live_until(9.0)
    assert (told[-1], loop.time(), loop.next_timer()) == (3.0, 9.0, inf)
    loop.close()
