"""`openami order`: what has become of an order for critical commands, and bringing it on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openami.app.console_client import ConsoleClient, Step
from openami.cli.output import JsonOption, print_rows


def order(
    url: Annotated[str, typer.Argument(help="The console, such as https://openami.localhost:8443.")],
    name: Annotated[str, typer.Argument(help="The order's name.")],
    step: Annotated[
        Step,
        typer.Argument(
            help="check: ask its meters; send: once more to those that do not have it; alone: by the emergency rule."
        ),
    ] = Step.SHOW,
    *,
    login: Annotated[str, typer.Option(help="Your account in the console.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="OPENAMI_PASSWORD", help="Its password.")
    ],
    authority: Annotated[Path, typer.Option(help="The certificate of the authority that the console's is from, PEM.")],
    as_json: JsonOption = False,
) -> None:
    """Show an order, or bring it on; what a meter has taken it does not take again."""
    client = ConsoleClient(url, authority)
    client.log_in(login, password)
    told = client.step(name, step)
    rows = [(told["state"], line, outcome) for line, outcome in zip(told["lines"], told["outcomes"], strict=True)]
    print_rows(f"Order {name[:8]}", ("State", "Command", "Outcome"), rows, as_json=as_json)
