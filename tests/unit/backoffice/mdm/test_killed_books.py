"""Killed at any point of a registry import or a billing run: doing it again ends where it would have ended."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

import books_child
import openami.backoffice.mdm.billing.tables
import openami.backoffice.mdm.tables  # noqa: F401 - declares tables
from openami.io.store.engine import Store
from openami.io.store.schema import metadata

TABLES = ("metering_point", "meter", "channel", "installation", "consumer", "supply", "registry_fact",
          "stamped_register", "billing_run", "billing_result")  # fmt: skip


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
    command = [sys.executable, "-W", "error", books_child.__file__, work, str(folder), ",".join(map(str, steps))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def kill_everywhere(work, folder, points):
    books_child.prepare(work, f"sqlite:///{folder / work}.sqlite")
    [(_, killed, steps)] = played(work, folder, [0])
    assert not killed
    assert steps > points, "there must be as many places to be killed at"
    whole = content(f"sqlite:///{folder / work}-0.sqlite")
    assert whole["registry_fact"]
    assert bool(whole["billing_result"]) == (work == "bill")
    where = sorted(random.Random(work).sample(range(1, steps + 1), points))
    for number, killed, _ in played(work, folder, where):
        assert killed
        url = f"sqlite:///{Path(folder) / work}-{number}.sqlite"
        books_child.again(work, url)
        assert content(url) == whole, f"{work} killed at step {number}"


@pytest.mark.parametrize("work", ["registry", "bill"])
def test_killed_and_done_again(work, tmp_path):
    kill_everywhere(work, tmp_path, 25)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("work", ["registry", "bill"])
def test_killed_at_many_points(work, tmp_path):
    kill_everywhere(work, tmp_path, 500)
