"""`openami continuity`: is the head-end cut off, another one made ready, and a person's choice between them."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openami.app.continuity import (
    Verdict,
    check_headend,
    choose_headend,
    dial_directly,
    headend_like,
    lately,
    prepare_headend,
)
from openami.app.continuity import probe as look
from openami.app.installation import Installation
from openami.app.records import enter_command
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.audit.entry import Kind
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, console, print_json
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock
from openami.model.errors import SettingError


def probe(
    *,
    sample: Annotated[int, typer.Option(min=1, max=1000, help="How many meters to look at.")] = 20,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Look at some meters without asking the head-end: what arrived sealed, and who takes a call by another path.

    Changes nothing. Exit status 1 if sealed values do not arrive. May run beside the back office.
    """
    installation = Installation.load(settings)
    store = installation.open_store()
    try:
        registry = Registry(store)
        since = lately(installation, datetime.now(UTC))
        found = asyncio.run(look(registry, Mdm(store, registry), sample, since, dial_directly, random.SystemRandom()))
    finally:
        store.close()
    if as_json:
        counts = {"sampled": found.sampled, "answered": found.answered, "heard": found.heard}
        print_json({**counts, "verdict": found.verdict.name.lower()})
    else:
        counted = f"of {found.sampled} meters {found.answered} take a call, {found.heard} were heard lately"
        console.print(f"{counted}: {found.verdict.value}", highlight=False)
    return int(found.verdict is not Verdict.FINE)


def prepare(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet, for the other machine.")],
    *,
    listen: Annotated[str, typer.Option(help="Where the back office will connect, host:port.")],
    push_listen: Annotated[str, typer.Option(help="Where meters will push to, host:port.")],
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """Make the installation of another head-end: settings and a certificate of its own, and no meter's key.

    Carry the folder to its machine and start `openami up headend` there. Needs the key of the zones' authority.
    """
    installation = Installation.load(settings)
    section = headend_like(installation.settings.headend, listen, push_listen)
    file = prepare_headend(installation, folder, section, datetime.now(UTC))
    enter_command(installation, SystemClock(), Kind.CONTINUITY, listen, "another head-end was made ready")
    console.print(f"{file} is ready", highlight=False)


def choose(
    headend: Annotated[str, typer.Argument(help="One of operations.headend and operations.fallbacks, host:port.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
) -> None:
    """A person decides on the head-end: the back office, while it runs, uses it from its next connection on."""
    if not yes:
        raise SettingError(f"this makes the back office use the head-end at {headend}; say --yes to do it")
    installation = Installation.load(settings)
    check_headend(installation, headend)
    enter_command(installation, SystemClock(), Kind.CONTINUITY, headend, f"chosen as head-end: {reason[:300]}")
    choose_headend(installation, headend)
    console.print(f"{headend} is used from the next connection on", highlight=False)
