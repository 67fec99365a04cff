"""The benchmarks run: a measurement that nobody can repeat is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_benchmark_can_be_run_by_name():
    program = """
from importlib import import_module
from benchmarks.__main__ import NAMES
assert all(callable(import_module(f"benchmarks.{name}").run) for name in NAMES)
print(bool(NAMES))
"""
    done = python("-c", program)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_an_unknown_name_is_answered_with_the_known_ones():
    done = python("-m", "benchmarks", "speed")
    assert done.returncode == 2
    assert "there is no benchmark 'speed'; there are profile_decode, secured_session" in done.stderr


def test_many_sessions_at_once_small():
    program = """
from benchmarks import concurrency
concurrency.SESSIONS, concurrency.LONGEST_S = 50, 0.05
print(concurrency.run().text())
"""
    done = python("-c", program)
    assert "50 of 50" in done.stdout, done.stderr
    assert done.stderr == ""


def test_tables_for_the_screen_and_for_the_documentation():
    program = """
from benchmarks.table import Table, count
rows = [("ours", count(69_632_123)), ("theirs", count(1234.5))]
table = Table("speed", "How fast", ("what", "rows/s"), rows, ("A note.",))
print(table.text())
print(table.markdown())
"""
    assert python("-c", program).stdout.splitlines() == [
        "speed: How fast",
        "what    rows/s",
        "ours    69.6 M",
        "theirs  1,234",
        "  A note.",
        "",
        "## How fast",
        "",
        "`python -m benchmarks speed`",
        "",
        "| what | rows/s |",
        "| --- | --- |",
        "| ours | 69.6 M |",
        "| theirs | 1,234 |",
        "",
        "A note.",
        "",
    ]
