"""The people of the demonstration who may ask for critical commands, approve them, and judge what is held back."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from openami.app.passkey_file import PasskeyFile, write_passkey
from openami.app.two_seals import TwoSeals, make_key
from openami.io.store.engine import Store
from openami.portal.accounts import Accounts, Role

OPERATORS: Final = ("operator", "olga", "oskar", "otto")
"""`operator` is the installation's first account; the others are made here."""


@dataclass(frozen=True, slots=True)
class DemoPeople:
    """`passkeys` are files for `openami approve`; `invitations` register a passkey of the browser."""

    password: str = field(repr=False)
    passkeys: dict[str, Path]
    invitations: dict[str, str] = field(repr=False)


def make_people(seals: TwoSeals, store: Store, folder: Path, random: Callable[[int], bytes]) -> DemoPeople:
    """Accounts, a software passkey each that is on the lists of authority and guard, and an invitation each."""
    folder.mkdir(parents=True)
    password, accounts = _word(random), Accounts(store, random, scrypt_log2_n=12)
    passkeys, invitations = {}, {}
    for name in OPERATORS:
        if accounts.find(name) is None:
            accounts.add(name, password, Role.OPERATOR)
        passkeys[name] = folder / f"{name}.passkey"
        write_passkey(passkeys[name], name, make_key(random), seals.party)
        for people in seals.people:
            people.add(PasskeyFile(passkeys[name]).authenticator.passkey)
        invitations[name] = _word(random)
        seals.invite(name, invitations[name])
    return DemoPeople(password, passkeys, invitations)


def _word(random: Callable[[int], bytes]) -> str:
    return b32encode(random(10)).decode().lower()
