"""Runs one fuzz target under atheris: `python tests/fuzz_run.py NAME [CORPUS] [libFuzzer options]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["openami.model", "openami.protocols"]):
    from fuzz_targets import fuzz_targets

from openami.model.errors import DecodeError


def main() -> None:
    name, *options = sys.argv[1:]
    target = fuzz_targets()[name].target

    def once(data: bytes) -> None:
        try:
            target(data)
        except DecodeError:
            return

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
