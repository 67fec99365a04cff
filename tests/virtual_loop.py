"""Tests in virtual time, on the simulation's loop."""

from __future__ import annotations

import asyncio
import functools

from openami.simulation.loop import VirtualClock, VirtualLoop

__all__ = ["VirtualClock", "VirtualLoop", "in_virtual_time"]


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
