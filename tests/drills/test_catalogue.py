"""Every drill of the catalogue: the attack fails, and its twin without the guard succeeds."""

from __future__ import annotations

import pytest

from openami.app.drills.all_drills import all_drills
from openami.app.drills.catalogue import catalogue, requirements, without_drill

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


ANCHORS = {
    "GBCS 13.3.3.1": {"A057"},
    "GBCS firmware chapter": {"A036", "A101"},
    "GBCS 4.3.1.5": {"A058", "A059", "A070", "A071", "A103"},
    "SEC threshold anomaly detection": {"A088", "A090", "A104", "A105", "A106"},
    "SECMP0062": {"A006", "A061", "A062"},
    "DCUSA DCP 204": {"A092"},
    "TR-03109 wake-up": {"A045"},
    "TR-03109 connections from inside": {"A065"},
    "TR-03109-1 Annex III b": {"A023", "A044"},
    "TR-03109-1 LMN": {"A019", "A020"},
    "TR-03116-3 TLS profile": {"A047", "A048"},
    "ASVS 3.4.1": {"A074"},
    "ASVS 3.5.1": {"A075"},
    "ASVS 6.3.3": {"A086"},
    "ASVS 16.4.1": {"A012"},
}


def test_every_attack_leads_to_a_requirement_and_each_anchor_to_an_attack_that_is_played():
    found = {clause: {attack.id for attack in attacks} for clause, attacks in requirements().items()}
    assert {attack.id for attack in catalogue()} == set().union(*found.values())
    played = {one.id for one in all_drills()}
    for clause, attacks in ANCHORS.items():
        assert attacks <= found[clause] & played, clause


def test_at_least_101_of_the_catalogue_are_played():
    """103 attacks are the catalogue's own; those above are ours."""
    own = {attack.id for attack in catalogue() if attack.id <= "A103"}
    assert len(own) == 103
    assert len(own & {one.id for one in all_drills()}) >= 101
    assert {one.id for one in all_drills()} - own
