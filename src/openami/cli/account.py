"""`openami account`: who may log in to the pages."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.records import enter_command
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, console, print_json
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock
from openami.model.errors import SettingError
from openami.portal.accounts import Accounts, Role
from openami.portal.duties import Duty


def account(
    login: Annotated[str, typer.Argument(help="The log-in to make, or whose password to set anew.")],
    *,
    point: Annotated[
        str | None, typer.Option(help="A consumer's account: the code of the metering point that they are supplied at.")
    ] = None,
    duty: Annotated[
        list[Duty] | None, typer.Option(help="An operator's duty; give it again for more. None: all of them.")
    ] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Make a log-in with a fresh password: an operator's, or with `--point` that point's present consumer's.

    For a log-in that is there already the password is set anew and its sessions end; with `--duty` it has these
    duties from then on.
    """
    installation = Installation.load(settings)
    enter_command(installation, SystemClock(), Kind.ACCOUNT, login, "made it, or set its password anew")
    store = installation.open_store()
    try:
        accounts, password = Accounts(store, secrets.token_bytes), secrets.token_urlsafe(12)
        if accounts.find(login) is not None:
            accounts.set_password(login, password)
            if duty:
                accounts.set_duties(login, frozenset(duty))
        elif point is None:
            accounts.add(login, password, Role.OPERATOR, duties=frozenset(duty or Duty))
        else:
            accounts.add(login, password, Role.CONSUMER, consumer_at(Registry(store), point))
    finally:
        store.close()
    if as_json:
        print_json({"login": login, "password": password})
    else:
        console.print(f"log-in [cyan]{login}[/], password [cyan]{password}[/] (shown only now)", highlight=False)


def consumer_at(registry: Registry, code: str) -> int:
    """Who is supplied at the metering point `code` now; raise `SettingError`."""
    found = registry.point_by_code(code)
    if found is None:
        raise SettingError(f"--point {code!r}: there is no such metering point")
    current = [supply for supply in registry.supplies_of_point(found.id) if supply.end is None]
    if not current:
        raise SettingError(f"--point {code!r}: nobody is supplied there at present")
    return current[0].consumer
