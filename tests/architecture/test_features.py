"""The table of features says nothing that no test shows."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUPS = tomllib.loads((ROOT / "docs" / "reference" / "dlms-features.toml").read_text())["group"]
ROWS = [pytest.param(row, id=row["what"]) for group in GROUPS for row in group["rows"]]


@cache
def shown_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@pytest.mark.parametrize("row", ROWS)
def test_every_cell_leads_to_a_test(row):
    assert row["ours"].strip()
    assert ("peer" in row) == ("peer_test" in row)
    for key in ("test", "peer_test"):
        if key in row:
            file, _, name = row[key].partition("::")
            assert file.startswith("tests/")
            assert name in shown_in(file), row[key]


def test_no_feature_is_named_twice():
    names = [row["what"] for group in GROUPS for row in group["rows"]]
    assert len(names) == len(set(names))
