"""Imports and closes that are killed on the way: run by `tests/unit/backoffice/mdm/test_killed.py`.

    python kill_points.py WORK FOLDER STEPS

Plays WORK (`import` or `close`) on a copy of FOLDER/WORK.sqlite per number in STEPS (comma-separated), each in a fork
of its own that is killed after so many times STEP instructions of SQLite's virtual machine (0: never). Prints per copy
whether it was killed, and how many steps it took.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from sqlalchemy import event

import intake_child
from closing_fleet import day_of, moment, reading, register_fleet, registers, step_of
from intake_child import BATCHES, Killer
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S

STEP = 20
POINTS, LAST = 4, 3


def prepare(work: str, url: str) -> None:
    """What is there before."""
    if work == "import":
        intake_child.found(url)[0].close()
        return
    store = Store(url)
    store.upgrade()
    mdm = register_fleet(store, POINTS)
    for day in range(LAST + 1):
        arriving = [part for point in range(1, POINTS + 1) for part in _day(point, day)]
        mdm.take_profile(arriving)
        if day == LAST - 1:
            Close(store, points_at_once=2).close(day_of(day), moment(day + 1, 7))
    store.close()


def _day(point: int, day: int) -> list:
    """Point 1 lacks hours of each day; point 2's day before the last comes late, with the last one."""
    per_day, values, known = DAY_S // step_of(point), registers(point, LAST + 1), moment(day + 1, 1)
    first, last = day * per_day + bool(day), (day + 1) * per_day
    if point == 1:
        return [reading(1, first, first + 9, values, known), reading(1, first + 13, last, values, known)]
    if point == 2 and day == LAST - 1:
        return []
    return [reading(point, first - per_day * (point == 2 and day == LAST), last, values, known)]


def play(work: str, store: Store) -> None:
    """What is killed, and what is done again."""
    if work == "close":
        Close(store, points_at_once=2).close(day_of(LAST), moment(LAST + 1, 7))
        return
    mdm = Mdm(store, Registry(store))
    for batch in range(len(BATCHES)):
        intake_child.take(store, mdm, batch)


def main(work: str, folder: str, steps: str) -> None:
    for number in steps.split(","):
        copy = Path(folder) / f"{work}-{number}.sqlite"
        shutil.copy(Path(folder) / f"{work}.sqlite", copy)
        if (child := os.fork()) == 0:
            _killed(work, f"sqlite:///{copy}", int(number))
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        counted = copy.with_suffix(".steps")
        sys.stdout.write(f"{number} {int(killed)} {counted.read_text() if counted.exists() else status}\n")


def _killed(work: str, url: str, number: int) -> None:
    store, killer = Store(url), Killer(f"step:{number}" if number else "never")
    event.listen(store._engine, "connect", lambda raw, _: raw.set_progress_handler(killer.step, STEP))
    try:
        play(work, store)
        Path(url.removeprefix("sqlite:///")).with_suffix(".steps").write_text(str(killer.steps))
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
