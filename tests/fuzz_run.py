"""Runs one fuzz target under atheris: `python tests/fuzz_run.py NAME [CORPUS] [libFuzzer options]`."""

from __future__ import annotations

import sys

import atheris

from fuzz_targets import fuzz_targets
from openami.model.errors import DecodeError

# The decoders are imported by the registry, so that this instruments them.
with atheris.instrument_imports(include=["openami.protocols"]):
    TARGETS = fuzz_targets()


def main() -> None:
    name, *options = sys.argv[1:]
    target = TARGETS[name].target

    def once(data: bytes) -> None:
        try:
            target(data)
        except DecodeError:
            return

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
