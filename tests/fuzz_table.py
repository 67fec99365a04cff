"""Writes what `fuzz_record.py` recorded as a table: `python tests/fuzz_table.py COMMIT RECORD.jsonl …`."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def rows(commit: str, record: Path) -> list[str]:
    """One line of Markdown for each target."""
    lines = []
    for text in record.read_text().splitlines():
        said = json.loads(text)
        grown = (said["peak_kb"] - said["held_kb"]) / 1024
        cells = (
            f"`{said['target']}`",
            f"{said['executions']:,}",
            str(said["crashes"]),
            f"{1000 * said['slowest_s']:.1f} ms",
            f"{said['peak_kb'] / 1024:.0f} MiB (+{grown:.1f})",
            f"{said['seconds']:.0f} s",
            f"`{commit}`",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Print the table."""
    commit, *records = sys.argv[1:]
    print("| Target | Executions | Crashes | Slowest input | Memory at most | Processor time | Commit |")
    print("|---|---|---|---|---|---|---|")
    for record in records:
        print("\n".join(rows(commit, Path(record))))


if __name__ == "__main__":
    main()
