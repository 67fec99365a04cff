"""Run the benchmarks named, or all of them."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.table import Table, machine
from openami.cli.commands import COLLECTION

NAMES = (
    "profile_decode",
    "secured_session",
    "concurrency",
    "idle_associations",
    "store_ingest",
    "close_day",
    "registry_import",
    "recall",
    "tariff_sums",
    "validation",
    "meter_memory",
    "mbus_decode",
    "dlms_wire",
    "wmbus_decode",
    "local_ports",
    "collector",
    "two_seals",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, and write the documentation's tables if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to this file as well")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in NAMES]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    gc.set_threshold(*COLLECTION)  # as every command does
    before = machine()
    tables = []
    for name in options.names or NAMES:
        table = import_module(f"benchmarks.{name}").run()
        print(table.text(), flush=True)
        tables.append(table)
    print(f"{before} before")
    if options.markdown:
        options.markdown.write_text(_page(before, tables))


def _page(before: str, tables: Sequence[Table]) -> str:
    head = (
        "# Benchmarks\n\n"
        "Each table is made by the command above it, ours and the peer's in one run on one machine. Figures of two\n"
        "runs differ, on shared machines by up to a factor of two: the ratios are what to look at. The whole page is\n"
        'made by `make bench BENCH="--markdown docs/reference/benchmarks.md"`.\n\n'
        f"Machine of this page: {before} before the run.\n\n"
    )
    return head + "\n".join(table.markdown() for table in tables)


if __name__ == "__main__":
    main()
