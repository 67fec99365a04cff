"""Killed at any point of an import, a close or a billing run: doing it again ends where it would have ended, to the
last row.
"""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from sqlalchemy import select

import kill_points
import openami.backoffice.mdm.billing.tables
import openami.backoffice.mdm.interfaces.tables
import openami.backoffice.mdm.tables  # noqa: F401 - declares tables
from openami.io.store.engine import Store
from openami.io.store.schema import metadata

TABLES = ("metering_point", "meter", "channel", "installation", "consumer", "supply", "registry_fact", "interval_block",
          "stamped_register", "evidence", "unplaced", "judged_block", "channel_statistic", "late_block", "close_run",
          "close_count", "billing_run", "billing_result", "delivered_file")  # fmt: skip


def content(url):
    store = Store(url)
    try:
        with store.reading() as connection:
            return {
                name: sorted(map(tuple, connection.execute(select(metadata.tables[name]))), key=repr) for name in TABLES
            }
    finally:
        store.close()


def played(work, folder, steps):
    command = [sys.executable, "-W", "error", kill_points.__file__, work, str(folder), ",".join(map(str, steps))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def kill_everywhere(work, folder, points):
    """Kill at `points` random places, and play what was killed again."""
    kill_points.prepare(work, f"sqlite:///{folder / work}.sqlite")
    before = content(f"sqlite:///{folder / work}.sqlite")
    [(_, killed, steps)] = played(work, folder, [0])
    assert not killed
    assert steps > points, "there must be as many places to be killed at"
    whole = content(f"sqlite:///{folder / work}-0.sqlite")
    fills = kill_points.WORKS[work].fills
    assert len(whole[fills]) > len(before[fills])
    where = sorted(random.Random(work).sample(range(1, steps + 1), points))
    for number, killed, _ in played(work, folder, where):
        assert killed
        url = f"sqlite:///{folder / work}-{number}.sqlite"
        kill_points.again(work, url)
        assert content(url) == whole, f"{work} killed at step {number}"


@pytest.mark.parametrize("work", kill_points.WORKS)
def test_killed_and_done_again(work, tmp_path):
    kill_everywhere(work, tmp_path, 12)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("work", kill_points.WORKS)
def test_killed_at_many_points(work, tmp_path):
    kill_everywhere(work, tmp_path, 1_000)
