"""OBIS codes by pattern: lines of `C.D.E  name`, where a group is a number, a range `0-9`, a list or `*`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from openami.model.obis import ObisCode


class Groups(NamedTuple):
    """The values that a group may have."""

    values: frozenset[int]
    first: int

    @classmethod
    def parse(cls, text: str) -> Groups:
        """Read `7`, `0-9`, `1,3` or `*`."""
        if text == "*":
            return cls(frozenset(range(256)), 0)
        bounds = [tuple(map(int, part.split("-"))) for part in text.split(",")]
        return cls(frozenset(v for bound in bounds for v in range(bound[0], bound[-1] + 1)), bounds[0][0])


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: `{d}` and `{e}` in the name are the groups' values, `{n}` is D counted from its range's start."""

    d: Groups
    e: Groups
    name: str

    def name_of(self, code: ObisCode) -> str | None:
        """The name, if the line is about `code`."""
        if code.d not in self.d.values or code.e not in self.e.values:
            return None
        return self.name.format(d=code.d, e=code.e, n=code.d - self.d.first)


class ObisTable:
    """The lines of a table, by group C; the first that fits names a code."""

    def __init__(self, text: str) -> None:
        self._lines: dict[int, list[Pattern]] = {}
        for line in filter(None, text.splitlines()):
            groups, name = line.split(maxsplit=1)
            c, d, e = map(Groups.parse, groups.split("."))
            for value in sorted(c.values):
                self._lines.setdefault(value, []).append(Pattern(d, e, name))

    def name(self, code: ObisCode) -> str:
        """The name of `code` by its groups C, D and E; empty if no line fits."""
        names = (pattern.name_of(code) for pattern in self._lines.get(code.c, ()))
        return next((name for name in names if name is not None), "")
