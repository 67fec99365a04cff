"""An event loop whose time jumps: nobody waits, nothing depends on the machine, what waits for ever is found out.

Plain asyncio is not deterministic: sets of tasks iterate by their addresses. Here tasks are numbered and hash by
their numbers, and threads, whose order nobody can repeat, are refused.
"""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections.abc import Coroutine, Mapping
from contextvars import Context
from typing import Any, NoReturn


class VirtualSelector(selectors.BaseSelector):
    """Never waits: a request to sleep moves the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._keys[fileobj] = key = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits and no timer is set")
        if timeout > 0:
            self.now += timeout
        return []


class NumberedTask(asyncio.Task[Any]):
    """Sets of tasks iterate in the order of their making, not of their addresses."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: VirtualLoop, context: Context | None = None) -> None:
        self._number = next(loop.numbers)
        super().__init__(coro, loop=loop, context=context)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at 0 s. Everything that would need a thread raises `RuntimeError`."""

    def __init__(self) -> None:
        self._virtual = VirtualSelector()
        self.numbers = itertools.count(1)
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9
        self.set_task_factory(_numbered)

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]  # noqa: ARG002
        raise RuntimeError(f"no threads in virtual time: {func} was to run in one; inject `inline` instead")

    def call_soon_threadsafe(self, *args: Any, **kw: Any) -> NoReturn:  # type: ignore[override]  # noqa: ARG002
        raise RuntimeError("no threads in virtual time: one of them wants to call in")


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
