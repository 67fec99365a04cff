"""`openami keys`: a fleet's keys rolled over in waves, and what is pending."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openami.app.installation import Installation
from openami.app.key_work import KEYS_PERMILLE_PER_DAY, open_key_work
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.operations.key_roll_over import RolledOver
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, print_rows
from openami.cli.up import SettingsOption
from openami.io.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

PermilleOption = Annotated[
    int, typer.Option(min=1, max=1000, help="Share of the fleet that may get new keys in any 24 hours, permille.")
]


def roll(
    serials: Annotated[
        list[str] | None, typer.Argument(help="Serial numbers of meters; none: all whose keys are old.")
    ] = None,
    *,
    permille: PermilleOption = KEYS_PERMILLE_PER_DAY,
    older_than: Annotated[int, typer.Option(min=1, help="Keys are old after so many days.")] = 365,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> int:
    """Give meters new keys, first those that are pending, then as many as the day's share has left.

    The new keys are on the disk before a meter may use them, and the old ones stay until it answered under the new:
    whatever fails in between, run it again. Meters of the two-seal class wait for an order that two people approve in
    the console. The back office must not be running: it holds the keystore. Exit status 1: neither key opens a meter.
    """
    results = asyncio.run(_roll(Installation.load(settings), serials or (), permille, older_than))
    rows = [(serial, one.value) for serial, one in sorted(results.items())]
    print_rows("Keys rolled over", ("meter", "state"), rows, as_json=as_json)
    return int(RolledOver.NEITHER in results.values())


def pending(*, settings: SettingsOption = Path(SETTINGS_FILE), as_json: JsonOption = False) -> None:
    """Show the meters whose new keys are made and not known to be in use."""
    installation = Installation.load(settings)
    store = installation.open_store()
    try:
        registry = Registry(store)
        titles = installation.open_pending_keys().system_titles()
        meters = [registry.meter_by_system_title(title) for title in titles]
    finally:
        store.close()
    rows = [(meter.serial if meter else "", title.hex()) for title, meter in zip(titles, meters, strict=True)]
    print_rows("Pending keys", ("meter", "system title"), rows, as_json=as_json)


async def _roll(
    installation: Installation, serials: Sequence[str], permille: int, older_than: int
) -> dict[str, RolledOver]:
    async with open_key_work(installation, SystemClock()) as work:
        return await work.roll(serials, permille, older_than)
