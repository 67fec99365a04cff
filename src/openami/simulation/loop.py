"""An event loop whose time jumps: nobody waits, nothing depends on the machine, what waits for ever is found out.

Plain asyncio is not deterministic: sets of tasks iterate by their addresses. Here tasks are numbered and hash by
their numbers, and threads, whose order nobody can repeat, are refused.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from math import inf
from typing import Any, NoReturn, TypeVarTuple

Arguments = TypeVarTuple("Arguments")


class Timer(asyncio.TimerHandle):
    """What `call_at` gives. It copies no context, and what its callback raises ends the run."""

    def __init__(self, when: float, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._when = when
        self._callback: Callable[..., object] | None = callback
        self._args = args
        self._cancelled = False

    def __repr__(self) -> str:
        return f"<timer for {self._when:.6f} s>"

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = None
        self._args = ()

    def run(self) -> None:
        """Its time has come."""
        if self._callback is not None:
            self._callback(*self._args)

    _run = run  # what the loop calls


class NumberedTask(asyncio.Task[Any]):
    """Sets of tasks iterate in the order of their making, not of their addresses."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: VirtualLoop, context: Context | None = None) -> None:
        self._number = next(loop.numbers)
        super().__init__(coro, loop=loop, context=context)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """Starts at 0 s and never waits: when nothing is left to do, the clock jumps to the next timer.

    Timers for one moment run in the order in which they were set. Everything that would need a thread, or input from
    outside, raises.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self.numbers = itertools.count(1)
        self._ready: Any
        self._stopping: bool
        self.set_task_factory(_numbered)

    def time(self) -> float:
        return self._now

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> Timer:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,  # noqa: ARG002
    ) -> Timer:
        timer = Timer(when, callback, args)
        heappush(self._timers, (when, next(self._order), timer))
        return timer

    def run_in_executor(
        self,
        executor: object,  # noqa: ARG002
        func: Callable[[*Arguments], object],
        *args: *Arguments,  # noqa: ARG002
    ) -> NoReturn:
        raise RuntimeError(f"no threads in virtual time: {func} was to run in one; inject `inline` instead")

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> NoReturn:
        raise RuntimeError(f"no threads in virtual time: one of them wants to call {callback}")

    def _run_once(self) -> None:
        """What asyncio calls again and again: everything that is ready, once; then, if nothing is, the next timers."""
        ready, timers = self._ready, self._timers
        if ready:
            while timers and timers[0][0] <= self._now:
                ready.append(heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - as asyncio's own loop does
        while not ready and not self._stopping:
            for timer in self._next_timers():
                timer.run()

    def next_timer(self) -> float:
        """When the next timer is due; infinite without one."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heappop(timers)
        return timers[0][0] if timers else inf

    def live_until(self, when: float) -> None:
        """Run the timers up to `when`, and stand there: for whoever brings the clock forward himself, without tasks."""
        while self.next_timer() <= when:
            for timer in self._next_timers():
                timer.run()
        self._now = max(self._now, when)

    def _next_timers(self) -> list[Timer]:
        """The clock jumps to the next timer; it, and all others of that moment in the order of their making."""
        if self.next_timer() == inf:
            raise RuntimeError("every task waits and no timer is set")
        timers = self._timers
        when, _, timer = heappop(timers)
        self._now = max(self._now, when)
        due = [timer]
        while timers and timers[0][0] <= self._now:
            due.append(heappop(timers)[2])
        return due


def _numbered(loop: asyncio.AbstractEventLoop, coro: Any, context: Context | None = None) -> NumberedTask:
    assert isinstance(loop, VirtualLoop)
    return NumberedTask(coro, loop=loop, context=context)


class VirtualClock:
    """The loop's time as a `Clock` that begins at `start` (UTC seconds)."""

    def __init__(self, start: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._start = start
        self._loop = loop

    def time(self) -> float:
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        return (self._loop or asyncio.get_running_loop()).time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
