"""Where batch work runs: processes of this machine, this process itself, or a Dask cluster. One interface:
`concurrent.futures.Executor`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from openami.model.errors import SettingError

A = TypeVar("A")
T = TypeVar("T")
AHEAD = 2
"""How many tasks wait for each worker: enough that none idles, few enough that memory stays flat."""


class InlineExecutor(Executor):
    """Runs each task where it is submitted."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is the caller's, by way of the future
            future.set_exception(error)
        return future


def open_executor(where: str) -> AbstractContextManager[tuple[Executor, int]]:
    """The executor `where` tells, and how many workers it has: `processes`, `processes:4`, `inline` or
    `dask://host:port`. Raises `SettingError` for anything else.
    """
    kind, _, rest = where.partition(":")
    if where == "inline":
        return _inline()
    if kind == "processes" and (not rest or (rest.isdecimal() and int(rest) > 0)):
        return _processes(int(rest) if rest else None)
    if kind == "dask" and rest.startswith("//"):
        return _dask(f"tcp:{rest}")
    raise SettingError(f"{where!r} is no executor; write processes, processes:4, inline or dask://host:port")


@contextmanager
def _inline() -> Iterator[tuple[Executor, int]]:
    with InlineExecutor() as executor:
        yield executor, 1


@contextmanager
def _processes(workers: int | None) -> Iterator[tuple[Executor, int]]:
    # Spawned, not forked: a fork of a process with threads or open databases may stand still for ever.
    count = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_collect_rarely) as executor:
        yield executor, count


def _collect_rarely() -> None:
    """Batch work makes very many rows and hardly a cycle: looking for cycles took a sixth of its time."""
    gc.set_threshold(100_000, 50, 100)


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise SettingError("an executor dask://… needs: pip install 'openami[dask]'") from error
    with Client(address) as client:  # type: ignore[no-untyped-call]  # distributed is typed in parts
        yield client.get_executor(pure=False), max(sum(client.nthreads().values()), 1)


def each(executor: Executor, workers: int, work: Callable[[A], T], tasks: Iterable[A]) -> Iterator[T]:
    """The results of `work` on each task, as they come; never more than a few tasks wait. The first error ends it."""
    waiting: set[Future[T]] = set()
    try:
        for task in tasks:
            waiting.add(executor.submit(work, task))
            if len(waiting) >= AHEAD * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in waiting:
            future.cancel()
