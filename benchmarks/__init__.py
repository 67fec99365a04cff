"""Measurements beside a peer, in one run: `python -m benchmarks [name ...] [--markdown FILE]`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # benches, peers: what tests and measurements share
