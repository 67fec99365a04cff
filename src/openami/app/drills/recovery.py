"""Whoever says that a passkey was lost: he has the person's log-in and password, and no invitation."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from openami.app import people_file
from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import PARTY, key_of
from openami.app.people_file import PeopleFile
from openami.backoffice.authority.registration import registration_challenge
from openami.model.errors import OpenAmiError
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from openami.simulation.disk import FaultDisk

USER: Final = "portal user"
USED, OPEN, OTHERS = "the one that anna has used", "the one that anna has not used", "the one of bela"


def _registered(people: PeopleFile, shown: str, key: str) -> bool:
    """Whether anna gets the passkey of `key` for the invitation that is shown."""
    authenticator = SoftwareAuthenticator("anna", key_of(key), PARTY)
    try:
        people.register(PARTY, "anna", shown, *authenticator.registration(registration_challenge(shown)))
    except OpenAmiError:
        return False
    return True


@drill("A078", USER, Removal(people_file, "compare_digest", lambda *_: True))
def a_passkey_is_said_to_be_lost() -> None:
    """There is no other way to a passkey than the first one: an invitation of one's own, which counts once."""
    people = PeopleFile(Path("/people/authority.json"), FaultDisk())
    people.invite("anna", USED)
    people.invite("bela", OTHERS)
    stands(_registered(people, USED, "anna"), "the genuine invitation is refused")
    people.invite("anna", OPEN)
    for shown in ("", "0" * 16, USED, OTHERS):
        stands(not _registered(people, shown, "thief"), f"a thief got a passkey of anna's with {shown!r}")
    stands(_registered(people, OPEN, "anna, new"), "after the thief the genuine invitation is refused")
    stands(not _registered(people, OPEN, "anna, third"), "an invitation counts twice")
    stands(len(people.passkeys) == 2, "somebody else's passkey is on the list")
