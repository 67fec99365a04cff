"""The tests of seal and guard notice small changes of their code."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

import mutation_score
from mutants import mutants

SOURCE = '''
"""Of the module."""
from x import y
LIMIT = 3
def judge(a: int, b: "text") -> bool:
    """What it does."""
    if a < LIMIT and not b:
        raise ValueError("too little")
    a += 1
    return a == 5
'''


def test_a_mutant_is_one_change():
    changes = [(one.line, one.change) for one in mutants(SOURCE)]
    assert changes == [
        (4, "3 → 4"),
        (7, "if a < LIMIT and (not b): → if True:"),
        (7, "if a < LIMIT and (not b): → if False:"),
        (7, "a < LIMIT and (not b) → a < LIMIT or not b"),
        (7, "a < LIMIT → a <= LIMIT"),
        (7, "a < LIMIT → a >= LIMIT"),
        (7, "not b → b"),
        (8, "raise ValueError('too little') → pass"),
        (9, "a += 1 → pass"),
        (9, "1 → 2"),
        (10, "return a == 5 → return None"),
        (10, "a == 5 → a != 5"),
        (10, "5 → 6"),
    ]


def test_every_mutant_is_another_program_that_can_be_read():
    seen = {ast.unparse(ast.parse(SOURCE))}
    for one in mutants(SOURCE):
        made = ast.unparse(ast.parse(one.source))
        assert made not in seen
        seen.add(made)


def test_what_is_mutated_is_there():
    found = {path.relative_to(path.parents[1]).as_posix() for path in mutation_score.files()}
    assert {"seal/opening.py", "seal/closing.py", "guard/decide.py", "guard/checks.py"} <= found


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_19_of_20_mutants_are_noticed(tmp_path):
    """In a process of its own, since what is mutated must not be loaded before."""
    out = tmp_path / "mutants.jsonl"
    subprocess.run([sys.executable, mutation_score.__file__, str(out)], check=True, capture_output=True)
    tried = [json.loads(line) for line in out.read_text().splitlines()]
    alive = [one for one in tried if not one["killed"]]
    assert len(alive) <= len(tried) * 0.05, alive
