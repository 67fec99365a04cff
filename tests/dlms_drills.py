"""Drills: an adversary's attack, and how to take away the guard that stops it. The twin without the guard must fall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Attack = Callable[[], None]
Remove = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Drill:
    """`attack` fails the test if the adversary succeeds; `remove` takes the guard away."""

    attack: Attack
    remove: Remove


class Drills(dict[str, Drill]):
    """The drills of one file, by name."""

    def drill(self, remove: Remove) -> Callable[[Attack], Attack]:
        def register(attack: Attack) -> Attack:
            self[attack.__name__] = Drill(attack, remove)
            return attack

        return register

    def fall(self, name: str, patch: pytest.MonkeyPatch) -> None:
        """The attack must succeed once its guard is removed."""
        self[name].remove(patch)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            self[name].attack()


def forget(module: object, name: str, instead: object) -> Remove:
    """The guard `name` of `module` (or class) is replaced by `instead`."""
    return lambda patch: patch.setattr(module, name, instead)


def ignore(*_args: object, **_named: object) -> None:
    """A guard that lets everything pass."""
