"""`openami ask`: ask for a critical command with a passkey in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openami.app.console_client import ConsoleClient, Verb
from openami.app.passkey_file import PasskeyFile
from openami.cli.output import JsonOption, console, print_json


def ask(
    url: Annotated[str, typer.Argument(help="The console, such as https://openami.localhost:8443.")],
    serial: Annotated[str, typer.Argument(help="Serial number of the meter.")],
    verb: Annotated[Verb, typer.Argument(help="What it shall do; keys: take new keys.")],
    *,
    login: Annotated[str, typer.Option(help="Your account in the console.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="OPENAMI_PASSWORD", help="Its password.")
    ],
    passkey: Annotated[Path, typer.Option(help="The file with your passkey.")],
    authority: Annotated[Path, typer.Option(help="The certificate of the authority that the console's is from, PEM.")],
    as_json: JsonOption = False,
) -> None:
    """Ask for a critical command without a browser; another person has to approve it.

    The passkey signs the exact list's hash on this machine; the authority verifies it, as it verifies a browser's.
    """
    client = ConsoleClient(url, authority)
    client.log_in(login, password)
    name = client.ask(serial, verb, PasskeyFile(passkey))
    if as_json:
        print_json({"request": name, "state": "waiting"})
    else:
        console.print(f"order {name} waits for another person", highlight=False, soft_wrap=True)
