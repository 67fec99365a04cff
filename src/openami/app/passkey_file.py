"""A software authenticator in a file, for the command line: whoever reads the file is the person."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from openami.model.errors import SettingError
from openami.protocols.seal.passkey import Assertion, RelyingParty
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator


class _Contents(msgspec.Struct):
    person: str
    secret: int
    signatures: int
    party: str
    origin: str

    def __repr__(self) -> str:
        return f"passkey of {self.person}"


def write_passkey(path: Path, person: str, key: ec.EllipticCurvePrivateKey, party: RelyingParty) -> None:
    """A new file, readable by its owner only; raises `FileExistsError`."""
    contents = _Contents(person, 0, 0, party.id, party.origins[0])
    raw = _encode(contents, key.private_numbers().private_value)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(raw)


class PasskeyFile:
    """The authenticator in the file `path`; raises `SettingError` if it is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            fields = msgspec.json.decode(path.read_bytes(), type=dict[str, str | int])
            contents = msgspec.convert({**fields, "secret": int(str(fields["secret"]), 16)}, _Contents)
            key = ec.derive_private_key(contents.secret, ec.SECP256R1())
        except (OSError, KeyError, ValueError, msgspec.MsgspecError):
            raise SettingError(f"{path}: this is no passkey file that can be read") from None
        self._contents = contents
        party = RelyingParty(contents.party, (contents.origin,))
        self.authenticator = SoftwareAuthenticator(contents.person, key, party)
        self.authenticator.signatures = contents.signatures

    def consent(self, challenge: bytes) -> Assertion:
        """The assertion over `challenge`; its count is in the file before it is given."""
        assertion = self.authenticator.consent(challenge)
        self._contents.signatures = self.authenticator.signatures
        new = self._path.with_name(self._path.name + ".new")
        new.touch(mode=0o600)
        new.write_bytes(_encode(self._contents, self._contents.secret))
        new.replace(self._path)
        return assertion


def _encode(contents: _Contents, secret: int) -> bytes:
    return msgspec.json.encode({**msgspec.structs.asdict(contents), "secret": f"{secret:064x}"})
