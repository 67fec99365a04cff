"""Playing drills: the result of each attack of the catalogue, over all drills that bear its id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from openami.app.drills.all_drills import all_drills
from openami.app.drills.catalogue import catalogue, positions
from openami.app.drills.drill import Drill
from openami.model.errors import SettingError


@dataclass(frozen=True, slots=True)
class Result:
    """`fallen` says what the adversary achieved (nothing: the wanted state), `unmissed` names drills whose twin,
    without its guard, stood all the same (none: the wanted state).
    """

    id: str
    position: str
    names: tuple[str, ...]
    fallen: tuple[str, ...]
    unmissed: tuple[str, ...]
    seconds: float

    @property
    def result(self) -> str:
        """`green` if every attack failed."""
        return "red" if self.fallen else "green"

    @property
    def twin(self) -> str:
        """`red` if every attack succeeds without the guard."""
        return "green" if self.unmissed else "red"

    @property
    def wanted(self) -> bool:
        """Whether the guard holds, and is needed."""
        return not self.fallen and not self.unmissed


def chosen(ids: Iterable[str], position: str) -> list[Drill]:
    """The drills of these ids (none: all) and this position (empty: any); raises `SettingError`."""
    wanted = {one.upper() for one in ids}
    known = {attack.id for attack in catalogue()}
    if strange := sorted(wanted - known):
        raise SettingError(f"{', '.join(strange)}: not in the catalogue, which has {min(known)} to {max(known)}")
    if position and position.lower() not in map(str.lower, positions()):
        raise SettingError(f"--position {position!r}: take one of {', '.join(positions())}")
    return [
        drill
        for drill in all_drills()
        if (not wanted or drill.id in wanted) and (not position or drill.position.lower() == position.lower())
    ]


def play(drills: Iterable[Drill], seconds: Callable[[], float]) -> Iterator[Result]:
    """Play each drill and its twin; `seconds` tells the time that passes."""
    for (number, position), group in groupby(drills, key=lambda one: (one.id, one.position)):
        started, some = seconds(), list(group)
        fallen = [f"{one.name}: {text}" for one in some if (text := one.play()) is not None]
        unmissed = [one.name for one in some if one.play_twin() is None]
        names = tuple(one.name for one in some)
        yield Result(number, position, names, tuple(fallen), tuple(unmissed), seconds() - started)
