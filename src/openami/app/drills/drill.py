"""What a drill is, how it is played, and the list of all of them.

A drill plays one attack of the catalogue with what its position has. It is green when the attack fails. Its twin is
the same attack with one guard taken away, and is red when the attack then succeeds: a guard that nobody would miss
guards nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple


class Fallen(Exception):
    """The adversary has succeeded; the text says with what."""


def stands(condition: object, what: str) -> None:
    """Raise `Fallen` with `what` unless `condition` holds."""
    if not condition:
        raise Fallen(what)


class Removal(NamedTuple):
    """A guard and what stands in its place when it is taken away: the attribute `name` of a module or class."""

    where: Any
    name: str
    instead: Any


@dataclass(frozen=True, slots=True)
class Drill:
    """`attack` raises `Fallen` if the adversary succeeds. `id` is the catalogue's; several drills may share one."""

    id: str
    position: str
    name: str
    attack: Callable[[], None]
    removals: tuple[Removal, ...]

    def play(self) -> str | None:
        """`None` if the attack failed, otherwise what the adversary has achieved."""
        try:
            self.attack()
        except Fallen as fallen:
            return str(fallen)
        return None

    def play_twin(self) -> str | None:
        """The same without the guard."""
        with ExitStack() as stack:
            for removal in self.removals:
                stack.enter_context(_removed(removal))
            return self.play()


@contextmanager
def _removed(removal: Removal) -> Iterator[None]:
    kept = vars(removal.where)[removal.name]
    setattr(removal.where, removal.name, removal.instead)
    try:
        yield
    finally:
        setattr(removal.where, removal.name, kept)


DRILLS: Final[list[Drill]] = []
"""Every drill, in the order of the files; `openami.app.drills.all_drills` fills it."""


def drill(number: str, position: str, *removals: Removal) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register an attack under its id of the catalogue."""

    def register(attack: Callable[[], None]) -> Callable[[], None]:
        name = attack.__name__.replace("_", " ")
        DRILLS.append(Drill(number, position, name, attack, removals))
        return attack

    return register


def ignored(*_args: object, **_named: object) -> None:
    """In place of a guard that raises or returns a reason."""
