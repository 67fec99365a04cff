"""`openami approve`: approve a critical command with a passkey in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openami.app.console_client import ConsoleClient
from openami.app.passkey_file import PasskeyFile
from openami.cli.output import JsonOption, console, print_json, print_rows


def approve(
    url: Annotated[str, typer.Argument(help="The console, such as https://openami.localhost:8443.")],
    request: Annotated[str, typer.Argument(help="The order's name; without it those that wait are listed.")] = "",
    *,
    login: Annotated[str, typer.Option(help="Your account in the console.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="OPENAMI_PASSWORD", help="Its password.")
    ],
    passkey: Annotated[Path, typer.Option(help="The file with your passkey.")],
    authority: Annotated[Path, typer.Option(help="The certificate of the authority that the console's is from, PEM.")],
    as_json: JsonOption = False,
) -> None:
    """Approve an order for critical commands without a browser, having seen its exact list.

    The passkey signs the list's hash on this machine; the authority verifies it, as it verifies a browser's.
    """
    client = ConsoleClient(url, authority)
    client.log_in(login, password)
    if not request:
        rows = [(name, order["state"], "; ".join(order["lines"])) for name, order in client.waiting()]
        print_rows("Orders that wait", ("Order", "State", "Commands"), rows, as_json=as_json)
        return
    lines = client.approve(request, PasskeyFile(passkey))
    if as_json:
        print_json({"request": request, "commands": lines, "state": "sent"})
    else:
        console.print(f"approved: {'; '.join(lines)}", highlight=False)
