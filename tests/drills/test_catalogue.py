"""Every drill of the catalogue: the attack fails, and its twin without the guard succeeds."""

from __future__ import annotations

import pytest

from openami.app.drills.all_drills import all_drills

DRILLS = [pytest.param(one, id=f"{one.id}-{one.name.replace(' ', '-')}") for one in all_drills()]


@pytest.mark.parametrize("drill", DRILLS)
def test_the_attack_fails(drill):
    assert drill.play() is None


@pytest.mark.parametrize("drill", DRILLS)
def test_without_its_guard_it_succeeds(drill):
    assert drill.removals
    assert drill.play_twin() is not None


def test_drills_are_named_apart():
    names = [one.name for one in all_drills()]
    assert len(set(names)) == len(names)
