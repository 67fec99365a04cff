"""Who may ask, approve and judge, as the authority and the guard each keep it: one file, written as a whole."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

import msgspec

from openami.backoffice.authority.registration import verify_registration
from openami.io.disk import Disk, write_whole
from openami.model.errors import SecurityError
from openami.protocols.seal.passkey import Passkey, RelyingParty


class _Key(msgspec.Struct, frozen=True):
    person: str
    credential_id: bytes
    public_key: bytes


class _Contents(msgspec.Struct):
    """`invitations`: the hash of each invitation that is open, by person."""

    keys: list[_Key] = []
    invitations: dict[str, bytes] = {}


class PeopleFile:
    """Passkeys by credential id, in `passkeys`; that mapping changes when somebody registers or is taken off."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._raw = b""
        self._contents = _Contents()
        self.passkeys: dict[bytes, Passkey] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take what stands in the file now: somebody else may have written it."""
        there = self._path.name in self._disk.names(self._path.parent)
        raw = self._disk.read(self._path) if there else b"{}"
        if raw != self._raw:
            self._raw = raw
            self._contents = msgspec.json.decode(raw, type=_Contents)
            self._index()

    def invite(self, person: str, invitation: str) -> None:
        """`person` may register one passkey with `invitation`; an older invitation ends."""
        self._contents.invitations[person] = sha256(invitation.encode()).digest()
        self._write()

    def register(
        self, party: RelyingParty, person: str, invitation: str, attestation: bytes, client_data: bytes
    ) -> Passkey:
        """Put what an authenticator has made on the list; raises `SecurityError`. The invitation is used up."""
        expected = self._contents.invitations.get(person, b"")
        if not compare_digest(expected, sha256(invitation.encode()).digest()):
            raise SecurityError(f"{person} has no such invitation: ask for a new one")
        passkey = verify_registration(party, person, invitation, attestation, client_data)
        if passkey.credential_id in self.passkeys:
            raise SecurityError(f"passkey {passkey.credential_id.hex()} is on the list already")
        del self._contents.invitations[person]
        self.add(passkey)
        return passkey

    def add(self, passkey: Passkey) -> None:
        """Put a passkey on the list: for whoever administers it, without an invitation."""
        self._contents.keys.append(_Key(passkey.person, passkey.credential_id, passkey.public_key))
        self._write()

    def remove(self, person: str) -> int:
        """Take all passkeys and the invitation of `person` off the list; how many passkeys there were."""
        before = len(self._contents.keys)
        self._contents.keys = [key for key in self._contents.keys if key.person != person]
        self._contents.invitations.pop(person, None)
        self._write()
        return before - len(self._contents.keys)

    def _write(self) -> None:
        self._raw = msgspec.json.encode(self._contents)
        write_whole(self._disk, self._path, self._raw)
        self._index()

    def _index(self) -> None:
        keys = (Passkey(*msgspec.structs.astuple(key)) for key in self._contents.keys)
        new = {key.credential_id: key for key in keys}
        self.passkeys.clear()
        self.passkeys.update(new)
