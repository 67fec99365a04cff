"""What the meter does by itself at its own times: functions with a due time, lived through in order."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final, Protocol

NEVER: Final = inf
AT_ONCE: Final = -inf


class Function(Protocol):
    """Something that acts by time. All times are meter time, UTC seconds of the meter's own clock."""

    due: float
    """When it wants to act next, `NEVER` if nothing is planned. A time that has passed means at once."""

    def act(self, second: float) -> None:
        """Do what is due at `second` and set `due` to a later time."""
        ...

    def plan(self, second: float) -> None:
        """The clock shows `second`, and not because time went by: find anew what is due after it."""
        ...


class Agenda:
    """The functions of one meter; those that are due at the same second act in the order in which they were added."""

    __slots__ = ("_acting", "_functions")

    def __init__(self) -> None:
        self._functions: list[Function] = []
        self._acting = False

    def __iter__(self) -> Iterator[Function]:
        return iter(self._functions)

    def add(self, function: Function) -> None:
        """From now on `function` acts at its times."""
        self._functions.append(function)

    def remove(self, function: Function) -> None:
        """`function` acts no more."""
        self._functions.remove(function)

    @property
    def due(self) -> float:
        """The earliest due time; `NEVER` while a function acts, so that nothing happens inside of something else."""
        if self._acting:
            return NEVER
        due = NEVER
        for function in self._functions:  # a loop of comparisons: everybody who runs a meter asks again and again
            wanted = function.due
            if wanted < due:  # noqa: PLR1730 - min() takes three times as long
                due = wanted
        return due

    def act(self, second: float) -> None:
        """Let the first function that is due at `second` act."""
        self._acting = True
        try:
            for function in self._functions:
                if function.due <= second:
                    function.act(second)
                    return
        finally:
            self._acting = False

    def plan(self, second: float) -> None:
        """The clock was set to `second`."""
        for function in self._functions:
            function.plan(second)
