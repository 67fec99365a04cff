"""Whatever the bytes, a decoder answers with a value or with `DecodeError`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz_targets import fuzz_targets
from mutation import survive
from openami.model.errors import DecodeError

TARGETS = [pytest.param(target, id=name) for name, target in fuzz_targets().items()]
LONG_RUNS = 1_000_000
LONG_SECONDS = 240


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_messages(target):
    """Fuzzing starts from what decodes, else it would never get far."""
    for seed in target.seeds:
        try:
            target.target(seed)
        except DecodeError as error:
            pytest.fail(f"{seed.hex()}: {error}")


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_messages(target):
    survive(target.target, target.seeds, inputs=target.inputs)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("target", TARGETS)
def test_a_million_mutated_messages(target):
    survive(target.target, target.seeds, inputs=LONG_RUNS, seed=2)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("target", TARGETS)
def test_coverage_guided_fuzzing(target, tmp_path):
    pytest.importorskip("atheris")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(seed)
    script = Path(__file__).parents[1] / "fuzz_run.py"
    options = [f"-runs={LONG_RUNS}", f"-max_total_time={LONG_SECONDS}", "-seed=1", "-max_len=4096"]
    command = [sys.executable, str(script), target.name, str(corpus), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stderr[-4000:]
