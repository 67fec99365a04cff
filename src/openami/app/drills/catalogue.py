"""The catalogue of attacks: what an adversary in each position tries, and what must come of it.

The columns of requirements name where others ask for the same: components of the NIST AMI security profile (its
controls are not numbered here, since the text was not at hand), BSI TR-03109 and TR-03116-3, the British smart
metering documents (GBCS, SEC, DCUSA), and OWASP ASVS 5.0.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Attack:
    """One line of the catalogue; ids above A103 are ours. `waits_for` is why there is no drill, or empty."""

    id: str
    position: str
    priority: str
    attack: str
    safe_result: str
    nist_ami_profile: str
    tr_03109: str
    gb: str
    asvs: str
    waits_for: str


@cache
def catalogue() -> tuple[Attack, ...]:
    """Every attack, by id."""
    text = files("openami.app.drills").joinpath("catalogue.csv").read_text(encoding="utf-8")
    return tuple(Attack(**row) for row in csv.DictReader(text.splitlines()))


def positions() -> tuple[str, ...]:
    """Where an adversary may sit."""
    return tuple(dict.fromkeys(attack.position for attack in catalogue()))


def without_drill() -> dict[str, str]:
    """Attacks without a drill, each with the reason."""
    return {attack.id: attack.waits_for for attack in catalogue() if attack.waits_for}


def requirements() -> dict[str, list[Attack]]:
    """What others ask for, as document and clause, and the attacks against it; components of the NIST profile apart."""
    found: dict[str, list[Attack]] = {}
    for attack in catalogue():
        clauses = [f"ASVS {clause}" for clause in attack.asvs.split(", ") if clause]
        profile = [f"NIST AMI profile, {one}" for one in attack.nist_ami_profile.split(", ") if one]
        for clause in (*filter(None, (attack.tr_03109, attack.gb)), *clauses, *profile):
            found.setdefault(clause, []).append(attack)
    return dict(sorted(found.items()))
