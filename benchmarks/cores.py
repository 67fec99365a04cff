"""One core each: the cores that this process may use, and timing on one of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CORES = sorted(os.sched_getaffinity(0))
OURS = CORES[0]
OTHER = CORES[-1]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """This process on `core` alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def seconds_each(work: Callable[[], object], *, at_least_s: float = 0.05, samples: int = 9) -> float:
    """Processor seconds of one `work`: the median of `samples`, each at least `at_least_s` long."""
    work()
    repeat = 1
    while (taken := _timed(work, repeat)) < at_least_s:
        repeat = max(2 * repeat, round(repeat * at_least_s / max(taken, 1e-9)))
    return statistics.median(_timed(work, repeat) for _ in range(samples)) / repeat


def _timed(work: Callable[[], object], repeat: int) -> float:
    start = time.process_time()
    for _ in range(repeat):
        work()
    return time.process_time() - start
