"""What some persons have signed and others have not yet, kept until enough have: one person after the other signs.

Nothing here decides: the guard verifies all consents together when it decides. They live as long as the process; after
a restart people sign anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from openami.backoffice.guard.people import TooFew
from openami.protocols.seal.passkey import Assertion

OPEN_MAX: Final = 64
_About = TypeVar("_About")
_Result = TypeVar("_Result")


class Open(NamedTuple, Generic[_About]):
    """A statement that too few have signed: what it is about, their consents, their names, how many it takes."""

    about: _About
    given: tuple[Assertion, ...]
    persons: tuple[str, ...]
    needed: int


class Consents(Generic[_About]):
    """At most `OPEN_MAX` statements; the oldest makes room for a new one."""

    def __init__(self) -> None:
        self._open: dict[bytes, Open[_About]] = {}

    def decide(
        self,
        statement: bytes,
        about: _About,
        assertions: Sequence[Assertion],
        decide: Callable[[Sequence[Assertion]], _Result],
    ) -> _Result:
        """Decide with these and all consents to `statement` that came before.

        Raises `TooFew`, then they are kept; or another `SecurityError`, then only those that came before are.
        """
        before = self._open[statement].given if statement in self._open else ()
        given = (*before, *(one for one in assertions if one not in before))
        try:
            result = decide(given)
        except TooFew as error:
            if error.persons:
                self._keep(statement, Open(about, given, error.persons, error.needed))
            raise
        self._open.pop(statement, None)
        return result

    def persons(self, statement: bytes) -> tuple[str, ...]:
        """Who has signed `statement` so far."""
        return self._open[statement].persons if statement in self._open else ()

    def open(self) -> list[Open[_About]]:
        """Every statement that waits for more persons, oldest first."""
        return list(self._open.values())

    def _keep(self, statement: bytes, one: Open[_About]) -> None:
        self._open[statement] = one
        while len(self._open) > OPEN_MAX:
            del self._open[next(iter(self._open))]
