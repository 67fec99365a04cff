"""`openami passkey`: a passkey in a file, registered at the pages with an invitation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric import ec

from openami.app.console_client import ConsoleClient
from openami.app.passkey_file import PasskeyFile, write_passkey
from openami.cli.output import JsonOption, console, print_json
from openami.model.errors import OpenAmiError


def passkey(
    url: Annotated[str, typer.Argument(help="The console, such as https://openami.localhost:8443.")],
    file: Annotated[Path, typer.Argument(help="The file for the passkey, which must not be there yet.")],
    *,
    login: Annotated[str, typer.Option(help="Your account in the console.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="OPENAMI_PASSWORD", help="Its password.")
    ],
    invitation: Annotated[
        str, typer.Option(prompt=True, envvar="OPENAMI_INVITATION", help="The invitation that you were given.")
    ],
    authority: Annotated[Path, typer.Option(help="The certificate of the authority that the console's is from, PEM.")],
    as_json: JsonOption = False,
) -> None:
    """Make a passkey in a file and register it at authority and guard, as a browser does with its own.

    Whoever can read the file is the person: keep it like a key. Compare the id that is printed with the lists that
    authority and guard show (`openami people show`).
    """
    client = ConsoleClient(url, authority)
    client.log_in(login, password)
    write_passkey(file, login, ec.generate_private_key(ec.SECP256R1()), client.party)
    try:
        identity = client.register(invitation, PasskeyFile(file))
    except OpenAmiError:
        file.unlink()
        raise
    if as_json:
        print_json({"person": login, "passkey": identity})
    else:
        console.print(f"{file} is the passkey {identity} of {login}", highlight=False, soft_wrap=True)
