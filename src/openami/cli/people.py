"""`openami people`: who may ask, approve and judge, in the lists that authority and guard each keep."""

from __future__ import annotations

import secrets
from base64 import b32encode
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openami.app.settings import SETTINGS_FILE
from openami.cli.output import JsonOption, console, print_json, print_rows
from openami.model.errors import SettingError

if TYPE_CHECKING:
    from openami.app.people_file import PeopleFile

SettingsOption = Annotated[Path, typer.Option("--settings", "-s", help="The part's configuration file.")]
PersonArgument = Annotated[str, typer.Argument(help="The person, by the log-in at the pages.")]


class Keeper(StrEnum):
    """Who keeps a list of its own."""

    AUTHORITY = "authority"
    GUARD = "guard"


KeeperArgument = Annotated[Keeper, typer.Argument(help="Whose list.")]


def invite(
    keeper: KeeperArgument,
    person: PersonArgument,
    *,
    invitation: Annotated[
        str, typer.Option(help="The word that the other one gave for this person; empty: a new one.")
    ] = "",
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Let a person register one passkey at the pages, with an invitation that counts once.

    Invite at the authority first, then with the same invitation at the guard. Hand the word over on another way than
    the pages. It counts at once, while the part runs.
    """
    word = invitation or b32encode(secrets.token_bytes(10)).decode().lower()
    _people(keeper, settings).invite(person, word)
    if as_json:
        print_json({"person": person, "invitation": word})
    else:
        console.print(f"{person} may register a passkey with the invitation [cyan]{word}[/]", highlight=False)


def show(
    keeper: KeeperArgument, *, settings: SettingsOption = Path(SETTINGS_FILE), as_json: JsonOption = False
) -> None:
    """Show whose passkeys are on the list: people compare the ids with their authenticators."""
    rows = [(key.person, key.credential_id.hex()) for key in _people(keeper, settings).passkeys.values()]
    print_rows(f"Passkeys at the {keeper.value}", ("Person", "Passkey"), rows, as_json=as_json)


def remove(keeper: KeeperArgument, person: PersonArgument, *, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Take a person off the list: no passkey of theirs counts from now on."""
    count = _people(keeper, settings).remove(person)
    console.print(f"{person} is off the list, with {count} passkeys", highlight=False)


def _people(keeper: Keeper, settings: Path) -> PeopleFile:
    from openami.app.installation import Installation
    from openami.app.people_file import PeopleFile
    from openami.io.disk import SystemDisk

    installation = Installation.load(settings)
    section = installation.settings.authority if keeper is Keeper.AUTHORITY else installation.settings.guard
    path = installation.path(section.people)
    if not path.parent.is_dir():
        raise SettingError(f"{path.parent} is not there: give --settings of the {keeper.value}")
    return PeopleFile(path, SystemDisk())
