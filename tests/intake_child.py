"""A process that takes readings and is killed on the way: run by `tests/unit/backoffice/mdm/test_crash.py`.

    python intake_child.py URL POINT

POINT is `never`, `step:N` (after N×STEP instructions of SQLite's virtual machine), `before:N` or `after:N` (around
the N-th commit). Prints the number of each batch once its commit is done, and at the end how many steps it took.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import event

from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

START = datetime(2026, 3, 28, tzinfo=UTC)
ORIGIN = int(START.timestamp())
METERS = 5
STEP = 50
BATCHES = [(first, count) for first in (0, 48, 90, 150, 240) for count in (60, 110)]  # overlapping, crossing midnights


def found(url: str) -> tuple[Store, Mdm]:
    """The store, with its registry made if it is not there."""
    store = Store(url)
    store.upgrade()
    register(store)
    return store, Mdm(store, Registry(store))


def register(store: Store) -> None:
    """Make the points and meters that are not there."""
    registry = Registry(store)
    with store.transaction():
        for number in range(1, METERS + 1 - len(registry.points())):
            point = registry.add_point(f"P{number}", "1 High Street", "Europe/Berlin").id
            meter = registry.add_meter(f"M{number}", bytes([number]), GuaranteeClass.SHARED_KEYS, None).id
            kind = ChannelKind.INTERVAL_ENERGY
            registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 900)
            if number < METERS:  # the last one hangs nowhere: its readings wait
                registry.install(meter, point, START)


def take(store: Store, mdm: Mdm, batch: int) -> None:
    """Evidence, profile and daily register of all meters, in one commit."""
    first, count = BATCHES[batch]
    known_at = START + timedelta(days=4, hours=batch)
    stamps = ORIGIN + 900 * np.arange(first, first + count, dtype=np.int64)
    with store.transaction():
        for meter in range(1, METERS + 1):
            said = f"batch {batch} meter {meter}".encode()
            evidence = mdm.keep_evidence(meter, known_at, "test", [said], said * 10, "")
            registers = meter * 1_000 + (stamps - ORIGIN) // (8 + meter)
            status = np.zeros(count, dtype=np.uint8)
            mdm.take_profile(
                [ProfileReading(meter, ACTIVE_ENERGY_IMPORT, 900, stamps, registers, status, known_at, evidence)]
            )
            noon = RegisterReading(
                meter, ACTIVE_ENERGY_IMPORT, START + timedelta(days=1), DAY_S // (8 + meter), known_at, evidence
            )
            mdm.take_register([noon])


class Killer:
    """Ends this process, without any farewell, at its point."""

    def __init__(self, point: str) -> None:
        self.kind, _, number = point.partition(":")
        self.number = int(number or 0)
        self.steps = self.commits = 0

    def at(self, kind: str, count: int) -> None:
        if kind == self.kind and count == self.number:
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self) -> int:
        self.steps += 1
        self.at("step", self.steps)
        return 0

    def before_commit(self, _connection: Any) -> None:
        self.commits += 1
        self.at("before", self.commits)


def main(url: str, point: str) -> None:
    killer = Killer(point)
    store, mdm = found(url)
    store.close()
    event.listen(store._engine, "connect", lambda raw, _: raw.set_progress_handler(killer.step, STEP))
    event.listen(store._engine, "commit", killer.before_commit)
    for batch in range(len(BATCHES)):
        take(store, mdm, batch)
        killer.at("after", killer.commits)
        sys.stdout.write(f"{batch}\n")
        sys.stdout.flush()
    sys.stdout.write(f"steps {killer.steps}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
