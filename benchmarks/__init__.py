"""Measurements beside a peer, in one run: `python -m benchmarks [name ...] [--markdown FILE]`."""
