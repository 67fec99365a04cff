"""`openami token`: make, show and withdraw the tokens of programs that ask the public interface."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from openami.app.installation import Installation
from openami.app.records import enter_command
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.backoffice.registry.registry import Registry
from openami.cli.account import consumer_at
from openami.cli.output import JsonOption, console, print_json, print_note, print_rows
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock
from openami.model.errors import SettingError
from openami.portal.api.sender_proof import thumbprint_of
from openami.portal.api.tokens import Scope, Tokens

NameArgument = Annotated[str, typer.Argument(help="What the token is called; not a secret.")]


def make(
    name: NameArgument,
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it may ask for; give it again for more.")],
    point: Annotated[
        str | None, typer.Option(help="Only what the present consumer of this metering point may see.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 90,
    key: Annotated[
        Path | None, typer.Option(help="The program's public key (P-256, PEM): worth nothing without it (DPoP).")
    ] = None,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Make a token; it is shown now and never again."""
    installation = Installation.load(settings)
    bound_to = "" if key is None else thumbprint_of(key.read_bytes())
    whose = "everything" if point is None else f"the consumer at {point}"
    enter_command(installation, SystemClock(), Kind.CONSENT, f"token {name}", f"made, for {days} days, for {whose}")
    store = installation.open_store()
    try:
        consumer = None if point is None else consumer_at(Registry(store), point)
        now = datetime.now(UTC)
        times = now, now + timedelta(days=days)
        secret = Tokens(store).make(name, scope, consumer, times, secrets.token_bytes, bound_to=bound_to)
    finally:
        store.close()
    if as_json:
        print_json({"name": name, "token": secret})
    else:
        console.print(f"token [cyan]{secret}[/] (shown only now)", highlight=False, soft_wrap=True)


def show(*, settings: SettingsOption = Path(SETTINGS_FILE), as_json: JsonOption = False) -> None:
    """Show the tokens, without their secrets."""
    store = Installation.load(settings).open_store()
    try:
        rows = [
            (token.name, token.consumer, " ".join(sorted(token.scopes)), token.ends_at.isoformat())
            for token in Tokens(store).all()
        ]
    finally:
        store.close()
    print_rows("Tokens", ("name", "consumer", "scopes", "ends at"), rows, as_json=as_json)


def withdraw(name: NameArgument, *, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Make a token worthless, at once."""
    installation = Installation.load(settings)
    enter_command(installation, SystemClock(), Kind.CONSENT, f"token {name}", "withdrawn")
    store = installation.open_store()
    try:
        if not Tokens(store).withdraw(name):
            raise SettingError(f"there is no token {name!r}; see `openami token show`")
    finally:
        store.close()
    print_note(f"{name} is withdrawn")
