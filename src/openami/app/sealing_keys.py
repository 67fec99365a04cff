"""The keys of authority and guard, of logs and of the witness: where settings say, in folders, files or tokens."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.app.installation import Installation
from openami.io.disk import SystemDisk, write_whole
from openami.io.keystore.hsm import SCHEME, Hsm, parse_token
from openami.io.keystore.key_folder import KeyFolder
from openami.model.errors import SettingError
from openami.protocols.seal.roles import Role

GUARD_TITLE: Final = b"OAM\x00\x00\x00\x02\x01"
AGREEMENT_LABEL: Final = "guard"
WRAPPING_LABEL: Final = "meters"
SealingKeys = Hsm | KeyFolder


class SigningRole(NamedTuple):
    """A role that the authority signs for: the system title under which it does, and the label of its key."""

    role: Role
    title: bytes
    label: str


ROLES: Final = (
    SigningRole(Role.NETWORK_OPERATOR, b"OAM\x00\x00\x00\x01\x01", "network operator"),
    SigningRole(Role.KEY_CUSTODIAN, b"OAM\x00\x00\x00\x01\x02", "key custodian"),
)


def signing_role(label: str) -> SigningRole:
    """The role with this label; raises `SettingError`."""
    for one in ROLES:
        if one.label == label:
            return one
    raise SettingError(f"{label!r} is no role of the authority: {', '.join(one.label for one in ROLES)}")


def open_sealing_keys(installation: Installation, keys: str, passphrase_file: str) -> SealingKeys:
    """The keys of authority or guard as a setting names them: a folder, or a token."""
    if keys.startswith(SCHEME):
        return Hsm(parse_token(keys, installation.folder), random=secrets.token_bytes)
    return KeyFolder(installation.path(keys), first_line(installation.path(passphrase_file)))


def ed25519_key(file: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in `file`, made if it is not there. Raises `SettingError`."""
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        write_whole(SystemDisk(), file, made.private_bytes(encoding, form, serialization.NoEncryption()))
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingError(f"{file} holds no Ed25519 key")
    return key


def first_line(file: Path) -> str:
    """The first line of a file that holds a secret; raises `SettingError`."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingError(f"{file}: {error.strerror}") from error
    if not lines or not lines[0]:
        raise SettingError(f"{file}: its first line is empty")
    return lines[0]
