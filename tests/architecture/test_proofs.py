"""Every test that the documentation names as a proof is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "proofs.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CHECKLIST = (
    "HSTS",
    "308",
    "content security policy",
    "headers",
    "cookies",
    "forms",
    "guessing",
    "large",
    "logged",
    "TLS",
)


def named():
    return sorted(set(NAMED.findall(PAGE.read_text())))


@pytest.mark.parametrize(("file", "name"), named())
def test_the_named_test_is_there(file, name):
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_line_names_what_shows_it():
    shown = PAGE.read_text().partition("## What `make long` measured last")[0]
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "Shown by" not in line]
    assert len(rows) > 25
    for row in rows:
        assert NAMED.search(row) or ".ci/run" in row or "long" in row, row


@pytest.mark.parametrize("item", CHECKLIST)
def test_every_item_of_the_checklist_of_the_pages_is_there(item):
    pages = PAGE.read_text().partition("## The pages")[2].partition("## ")[0]
    assert item in pages


def test_a_step_of_the_pipeline_wants_every_branch():
    step = (ROOT / ".ci" / "run").read_text()
    assert "--cov-fail-under=100" in step
    assert {"openami.protocols.seal", "openami.backoffice.guard"} <= set(re.findall(r"--cov=([\w.]+)", step))
