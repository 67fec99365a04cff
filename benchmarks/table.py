"""What a benchmark found, for people: a table on the screen and in the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header, and notes that say what was measured and how."""

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """For a terminal."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([f"{self.name}: {self.title}", *body, *(f"  {note}" for note in self.notes), ""])

    def markdown(self) -> str:
        """For the documentation."""
        lines = [_line(self.header), _line(["---"] * len(self.header)), *map(_line, self.rows)]
        return "\n".join(
            [f"## {self.title}", "", f"`python -m benchmarks {self.name}`", "", *lines, "", *self.notes, ""]
        )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def count(value: float) -> str:
    """A number with three digits that count and a thousands separator."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:,.3g} M" if value < 1e9 else f"{value / 1_000_000:,.0f} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """The machine in a line: processor, cores, Python, and how busy it is (load average of the last minute)."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}, load {load:.1f}"
