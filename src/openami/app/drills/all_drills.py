"""All drills: importing the files registers them."""

from __future__ import annotations

from openami.app.drills import insiders, meters, postmen
from openami.app.drills.drill import DRILLS, Drill

FILES = (postmen, insiders, meters)


def all_drills() -> list[Drill]:
    """Every drill, by id."""
    return sorted(DRILLS, key=lambda one: one.id)
