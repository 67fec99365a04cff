"""Every drill of the catalogue: the attack fails, and its twin without the guard succeeds."""

from __future__ import annotations

import pytest

from openami.app.drills.all_drills import all_drills
from openami.app.drills.catalogue import catalogue, without_drill

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


def test_every_attack_has_a_drill_or_a_reason_why_it_has_none():
    played = {one.id for one in all_drills()}
    known = {attack.id for attack in catalogue()}
    assert played <= known
    assert set(without_drill()) == known - played


def test_a_drill_has_no_more_than_its_attack_s_position():
    positions = {attack.id: attack.position for attack in catalogue()}
    assert {one.id: one.position for one in all_drills()} == {one.id: positions[one.id] for one in all_drills()}
