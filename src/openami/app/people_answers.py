"""Who is on the list of authority or guard, and how somebody gets on it: each keeps a list of its own.

The file is read again before each answer, so that an invitation or a removal at the command line counts at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from openami.app.people_file import PeopleFile
from openami.backoffice.audit.answering import REFUSALS, refused
from openami.protocols.seal.passkey import Passkey, RelyingParty
from openami.protocols.zones.inner_message import InnerAnswer, PasskeyIs, Passkeys, PeopleRequest, Register
from openami.protocols.zones.log_message import Done


class PeopleAnswers:
    """`party` is the console that passkeys are made for."""

    def __init__(self, people: PeopleFile, party: RelyingParty) -> None:
        self._people = people
        self._party = party

    def answer(self, request: PeopleRequest) -> InnerAnswer:
        """The answer about people; whatever is refused is an answer too."""
        try:
            self._people.refresh()
            if isinstance(request, Register):
                return self._register(request)
        except REFUSALS as error:
            return refused(error)
        return Passkeys([PasskeyIs(key.person, key.credential_id) for key in self._people.passkeys.values()])

    def _register(self, request: Register) -> Done:
        person, invitation = request.person, request.invitation
        self._people.register(self._party, person, invitation, request.attestation, request.client_data)
        return Done()


class PasskeysOf(Mapping[bytes, Passkey]):
    """Of all passkeys of a list those of some persons, as the list is at the moment of asking."""

    def __init__(self, passkeys: Mapping[bytes, Passkey], persons: Collection[str]) -> None:
        self._passkeys = passkeys
        self._persons = persons

    def __getitem__(self, credential_id: bytes) -> Passkey:
        found = self._passkeys[credential_id]
        if found.person not in self._persons:
            raise KeyError(credential_id)
        return found

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, one in self._passkeys.items() if one.person in self._persons)

    def __len__(self) -> int:
        return sum(1 for _ in self)
