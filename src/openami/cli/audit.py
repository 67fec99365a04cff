"""`openami audit`: the audit log: what stands in it, the keys of the logs, whether metering data is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openami.app.settings import SETTINGS_FILE
from openami.cli.output import JsonOption, console, print_rows
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock

if TYPE_CHECKING:
    from openami.app.installation import Installation
    from openami.backoffice.audit.entry import Audit

CommandsOption = Annotated[
    bool, typer.Option("--commands", help="The log of what was done from the command line, not the back office's.")
]


def show(
    *,
    last: Annotated[int, typer.Option(min=1, help="How many entries, from the end.")] = 50,
    commands: CommandsOption = False,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Show the last entries, each proven to be in the log. The back office must not be running, except for --commands.

    While it runs, the console's page of the audit log shows the same.
    """
    from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion

    with _opened(settings, commands=commands) as (_, audit):
        size = len(audit.log.tree)
        root, rows = audit.log.tree.root(), []
        first = max(0, size - last)
        for index, entry in enumerate(audit.entries(first, last) if size else [], start=first):
            found = audit.log.inclusion(index)
            verify_inclusion(leaf_hash(found.record), index, size, root, found.proof)
            at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds")
            rows.append((index, at, entry.kind.value, entry.actor, entry.subject, entry.what))
    names = ("entry", "at", "kind", "who", "of what", "what")
    print_rows(f"{audit.log.origin}: {size} entries, root {root.hex()}", names, rows, as_json=as_json)


def check(
    *,
    days: Annotated[int, typer.Option(min=1, help="How far back, by when rows became known.")] = 35,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Compare metering data in the store with the roots in the log, and name each row that is not as it was.

    The exit status is 1 if there is one. The back office must not be running: it holds the log.
    """
    from openami.app.records import open_commands
    from openami.backoffice.mdm.roots import Roots, droppings
    from openami.io.disk import SystemDisk

    with _opened(settings) as (installation, audit):
        with open_commands(installation, SystemClock()) as done:
            dropped = droppings(done)
        store = installation.open_store()
        try:
            roots = Roots(store, audit, installation.path(installation.settings.audit.rows), SystemDisk())
            findings = roots.check(datetime.now(UTC) - timedelta(days=days), dropped)
        finally:
            store.close()
    print_rows("Rows that are not as they were", ("row", "how"), findings, as_json=as_json)
    return 1 if findings else 0


def keys(*, settings: SettingsOption = Path(SETTINGS_FILE)) -> None:
    """Print the public keys of this installation's logs, as the witness's setting `witness.logs` wants them."""
    from openami.app.installation import Installation
    from openami.app.sealing_keys import ed25519_key
    from openami.app.witnessing import log_key_file

    installation = Installation.load(settings)
    every, name = installation.settings, installation.settings.portal.name
    logs = {
        "operations": every.operations.records,
        "portal": every.portal.records,
        "commands": every.audit.commands,
        "authority": every.authority.records,
        "guard": every.guard.records,
    }
    for log, records in logs.items():
        if installation.path(records).exists():
            key = ed25519_key(log_key_file(installation, records)).public_key()
            console.print(f"{name}/{log}={key.public_bytes_raw().hex()}", highlight=False, soft_wrap=True)


@contextmanager
def _opened(settings: Path, *, commands: bool = False) -> Iterator[tuple[Installation, Audit]]:
    from openami.app.installation import Installation
    from openami.app.records import open_audit, open_commands

    installation = Installation.load(settings)
    with ExitStack() as stack:
        opened = open_commands if commands else open_audit
        yield installation, stack.enter_context(opened(installation, SystemClock()))
