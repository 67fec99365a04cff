"""Every decoder with the messages from which fuzzing starts.

A file in `fuzz/` declares its decoders:

    @fuzz_target("dlms-data", seeds=[bytes.fromhex("0f01")])
    def target(data: bytes) -> None:
        decode_data(data)

A target may raise `DecodeError`; anything else is a defect. `properties/test_fuzz.py` runs a seeded mutator over
all of them, and `make long` a coverage-guided fuzzer.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

Target = Callable[[bytes], None]


@dataclass(frozen=True)
class FuzzTarget:
    """One decoder: `inputs` is what the seeded mutator tries in `make test`."""

    name: str
    target: Target
    seeds: tuple[bytes, ...]
    inputs: int


_TARGETS: dict[str, FuzzTarget] = {}


def fuzz_target(name: str, seeds: Iterable[bytes], *, inputs: int = 100_000) -> Callable[[Target], Target]:
    """Register the decorated function under `name`."""

    def register(target: Target) -> Target:
        if name in _TARGETS:
            raise ValueError(f"two fuzz targets are named {name}")
        _TARGETS[name] = FuzzTarget(name, target, tuple(seeds), inputs)
        return target

    return register


def fuzz_targets() -> dict[str, FuzzTarget]:
    """All targets by name, in the order of files and lines."""
    for file in sorted((Path(__file__).parent / "fuzz").glob("*.py")):
        importlib.import_module(f"fuzz.{file.stem}")
    return dict(_TARGETS)
