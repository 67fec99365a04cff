"""An event loop whose time jumps: nobody waits, nothing depends on the machine, what waits for ever is found out."""

from __future__ import annotations

import asyncio
import functools
import itertools
import selectors


class VirtualSelector(selectors.BaseSelector):
    """Never waits: a request to sleep moves the clock."""

    def __init__(self):
        self.now, self.map = 0.0, {}

    def register(self, fileobj, events, data=None):
        self.map[fileobj] = key = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj):
        return self.map.pop(fileobj)

    def get_map(self):
        return self.map

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("every task waits and no timer is set")
        self.now += max(timeout, 0)
        return []


class NumberedTask(asyncio.Task):
    """Sets of tasks iterate in the order of their making, not of their addresses."""

    def __init__(self, coro, *, loop, **kw):
        self.number = next(loop.numbers)
        super().__init__(coro, loop=loop, **kw)

    def __hash__(self):
        return self.number


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.clock, self.numbers = VirtualSelector(), itertools.count(1)
        super().__init__(self.clock)
        self._clock_resolution = 1e-9
        self.set_task_factory(lambda loop, coro, **kw: NumberedTask(coro, loop=loop, **kw))

    def time(self):
        return self.clock.now


def in_virtual_time(test):
    """Run a coroutine function, a test, on a loop of its own; what it leaves running is cancelled."""

    @functools.wraps(test)
    def run(*args, **kw):
        loop = VirtualLoop()
        try:
            return loop.run_until_complete(_whole(test(*args, **kw)))
        finally:
            loop.close()

    return run


async def _whole(test):
    try:
        return await test
    finally:
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class VirtualClock:
    """The loop's time as a `Clock` that begins at `start` (UTC seconds)."""

    def __init__(self, start):
        self._start = start

    def time(self):
        return self._start + self.monotonic()

    def monotonic(self):
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)
