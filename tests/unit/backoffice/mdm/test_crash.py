"""Killed around a commit of intake: nothing that was acknowledged is lost, and doing it all again doubles nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import intake_child
from intake_child import BATCHES, METERS, START

CHILD = Path(intake_child.__file__)
TABLES = ("interval_block", "stamped_register", "evidence", "unplaced")


def run(url: str, point: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-W", "error", str(CHILD), url, point]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def content(store) -> dict[str, list]:
    """Every row of every table: versions, values, bytes."""
    with store.reading() as connection:
        return {name: sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}"))) for name in TABLES}


def visible(mdm) -> list:
    """What the store answers for every meter that hangs somewhere."""
    end = START + timedelta(days=5)
    told = []
    for point in range(1, METERS):
        series = mdm.series(point, 1, START, end)
        told.append((series.values.tolist(), series.quality.tolist(), mdm.bill(point, START, end)))
    return told


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('whole') / 'store.sqlite'}"
    code, _ = run(url, "never")
    assert code == 0
    store, mdm = intake_child.found(url)
    return content(store), visible(mdm)


POINTS = ["before:1", "before:7", "after:1", "after:7"]  # within a transaction: `test_killed.py`


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_resumed(point, uninterrupted, tmp_path):
    rows, told = uninterrupted
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    code, acknowledged = run(url, point)
    assert code == -signal.SIGKILL, "the process must have been killed on its way"

    store, mdm = intake_child.found(url)
    kept = content(store)
    for batch in map(int, acknowledged):  # nothing acknowledged is lost
        intake_child.take(store, mdm, batch)
    assert content(store) == kept

    for batch in range(len(BATCHES)):  # resumed from the beginning: nothing is doubled
        intake_child.take(store, mdm, batch)
    assert content(store) == rows
    assert visible(mdm) == told
