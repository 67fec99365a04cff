"""`openami plan show|prepare|activate|ask`: emergency plans, with passkeys in files."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from openami.app.console_client import ConsoleClient, Verb
from openami.app.passkey_file import PasskeyFile
from openami.app.plan_client import PlanClient
from openami.backoffice.guard.plans import EmergencyPlan
from openami.cli.output import JsonOption, console, print_json, print_rows
from openami.protocols.seal.verbs import CriticalVerb


class Switching(StrEnum):
    """What a plan may do."""

    DISCONNECT = "disconnect"
    RECONNECT = "reconnect"
    LOAD_LIMIT = "load-limit"


UrlArgument = Annotated[str, typer.Argument(help="The console, such as https://openami.localhost:8443.")]
NameArgument = Annotated[str, typer.Argument(help="The plan's name.")]
LoginOption = Annotated[str, typer.Option(help="Your account in the console.")]
PasswordOption = Annotated[
    str, typer.Option(prompt=True, hide_input=True, envvar="OPENAMI_PASSWORD", help="Its password.")
]
PasskeyOption = Annotated[Path, typer.Option(help="The file with your passkey.")]
AuthorityOption = Annotated[
    Path, typer.Option(help="The certificate of the authority that the console's is from, PEM.")
]


def show(
    url: UrlArgument,
    *,
    login: LoginOption,
    password: PasswordOption,
    authority: AuthorityOption,
    as_json: JsonOption = False,
) -> None:
    """Show what is prepared and in force, and what waits for other planners."""
    told = _plans(url, login, password, authority).state()
    rows = [
        (one.name, "in force" if one.until else "prepared", ", ".join(one.persons), one.power_w) for one in told.plans
    ]
    print_rows("Emergency plans", ("Plan", "State", "Signed by", "Watts"), rows, as_json=as_json)


def prepare(
    url: UrlArgument,
    name: NameArgument,
    *,
    verb: Annotated[list[Switching], typer.Option(help="What may be done; give it again for more.")],
    feeder: Annotated[list[str], typer.Option(help="On which feeder; give it again for more.")],
    power_w: Annotated[int, typer.Option(min=1, help="How many watts in all.")],
    lasts_s: Annotated[int, typer.Option(min=1, max=86_400, help="For how long after its activation, seconds.")],
    login: LoginOption,
    password: PasswordOption,
    passkey: PasskeyOption,
    authority: AuthorityOption,
    as_json: JsonOption = False,
) -> None:
    """Sign a plan, as one of the planners; it is prepared once three have signed exactly the same."""
    verbs = frozenset(CriticalVerb[one.name] for one in verb)
    plan = EmergencyPlan(name=name, verbs=verbs, feeders=frozenset(feeder), power_w=power_w, lasts_s=lasts_s)
    told = _plans(url, login, password, authority).prepare(plan, PasskeyFile(passkey))
    _tell(name, told, as_json=as_json)


def activate(
    url: UrlArgument,
    name: NameArgument,
    *,
    login: LoginOption,
    password: PasswordOption,
    passkey: PasskeyOption,
    authority: AuthorityOption,
    as_json: JsonOption = False,
) -> None:
    """Sign, as one of the planners, that a plan is in force from now on; it is once two have within two minutes."""
    minute = int(datetime.now(UTC).timestamp() // 60)
    told = _plans(url, login, password, authority).activate(name, minute, PasskeyFile(passkey))
    _tell(name, told, as_json=as_json)


def ask(
    url: UrlArgument,
    name: NameArgument,
    verb: Annotated[Verb, typer.Argument(help="disconnect or reconnect.")],
    serials: Annotated[list[str], typer.Argument(help="Serial numbers of the meters.")],
    *,
    login: LoginOption,
    password: PasswordOption,
    passkey: PasskeyOption,
    authority: AuthorityOption,
    as_json: JsonOption = False,
) -> None:
    """Ask for meters to be switched under a plan in force; another person has to approve it (`openami approve`)."""
    order = _plans(url, login, password, authority).ask(name, verb, serials, PasskeyFile(passkey))
    if as_json:
        print_json({"request": order, "state": "waiting"})
    else:
        console.print(f"order {order} waits for another person", highlight=False, soft_wrap=True)


def _plans(url: str, login: str, password: str, authority: Path) -> PlanClient:
    client = ConsoleClient(url, authority)
    client.log_in(login, password)
    return PlanClient(client)


def _tell(name: str, persons: tuple[str, ...], *, as_json: bool) -> None:
    """Who has signed so far; nobody waits any more once enough have."""
    if as_json:
        print_json({"plan": name, "done": not persons, "signed": list(persons)})
    elif persons:
        console.print(f"plan {name}: signed by {', '.join(persons)}; others have to", highlight=False)
    else:
        console.print(f"plan {name}: enough have signed", highlight=False)
