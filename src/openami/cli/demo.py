"""`openami demo`: a small district to look at."""

from __future__ import annotations

import asyncio
import logging
import selectors
import socket
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from shutil import which
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from openami.app.demo import DAY_S, HISTORY_DAYS, HOUR_S, PLAN, District, disturb, happened, open_district, show_pages
from openami.app.parts import running
from openami.app.week import DAYS, HouseholdWeek, MediumWeek, Week
from openami.backoffice.operations.campaigns import CampaignView
from openami.cli.output import JsonOption, console, print_json, print_rows
from openami.io.clock import ScaledClock, SystemClock
from openami.io.keystore.tls import fingerprint
from openami.model.errors import SettingError

NOTICE = "Demonstration: simulated meters; what each one replays stands on its page. Time runs faster here."


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Play one week, print a summary and exit.")] = False,
    meters: Annotated[int, typer.Option(min=1, max=1000, help="How many households the district has.")] = 24,
    speed: Annotated[float, typer.Option(min=1, max=3600, help="How many times faster than real time it lives.")] = (
        120.0
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the pages; 0 takes a free one.")] = 8443,
    as_json: JsonOption = False,
) -> None:
    """Run a small district: simulated meters that speak DLMS/COSEM and replay real households, a head-end, pages.

    Prints addresses and log-ins and runs until stopped. Everything lives in a temporary folder that is removed at
    the end: nothing is left behind.
    """
    with _errors_only(), tempfile.TemporaryDirectory(prefix="openami-demo-") as folder:
        place = Path(folder) / "installation"
        if once:
            _run(_once(place, meters, as_json=as_json))
        else:
            with suppress(KeyboardInterrupt):
                _run(_live(place, meters, speed, port, as_json=as_json))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """With `select`, which wakes in time for the radio's microseconds; other selectors round up to milliseconds."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(work)


@contextmanager
def _errors_only() -> Iterator[None]:
    """What goes wrong on purpose in the district is on its pages, not in the log; the level is put back afterwards."""
    logger = logging.getLogger("openami")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


async def _once(folder: Path, meters: int, *, as_json: bool) -> None:
    midnight = SystemClock().time() // DAY_S * DAY_S
    clock = ScaledClock(midnight - DAYS * DAY_S - HOUR_S, 60.0)  # an hour in which the mesh forms
    async with open_district(folder, meters, clock, 1, speed=60.0) as district:
        week = Week(district)
        with _progress(as_json) as progress:
            task = progress.add_task("playing a week", total=DAYS)
            campaigns = []
            async for campaign in week.play():
                campaigns.append(campaign)
                progress.advance(task)
        _show_campaigns(campaigns, as_json=as_json)
        _show_week(week.summary(), as_json=as_json)
        _show_media(week.media(), as_json=as_json)


def _check_port(port: int) -> None:
    """The pages come last; that their port is taken is said first."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingError(f"--port {port}: {error.strerror}; --port 0 takes a free one") from error


async def _live(folder: Path, meters: int, speed: float, port: int, *, as_json: bool) -> None:
    _check_port(port)
    clock = ScaledClock(SystemClock().time(), speed)
    async with open_district(folder, meters, clock, HISTORY_DAYS, portal_port=port, speed=speed) as district:
        await happened(district)
        await _read_history(district, as_json=as_json)
        _schedule(district)
        async with show_pages(district, NOTICE) as serving, running(district.office.operations):
            _introduce(district, serving.url, as_json=as_json)
            async with asyncio.TaskGroup() as group:
                group.create_task(district.media.live())
                group.create_task(disturb(district))


async def _read_history(district: District, *, as_json: bool) -> None:
    """The first campaign: all that the meters have captured so far, with a bar that follows it."""
    now = district.now()
    reading = asyncio.create_task(district.read("first reading", now - timedelta(days=HISTORY_DAYS), now))
    with _progress(as_json) as progress:
        task = progress.add_task(f"reading {HISTORY_DAYS} days of {len(district.houses)} meters", total=None)
        while not reading.done():
            await asyncio.wait([reading], timeout=0.2)
            for campaign in district.office.operations.campaigns(1):
                progress.update(task, total=campaign.total, completed=campaign.completed + campaign.failed)
    await reading


def _schedule(district: District) -> None:
    """Every hour of the district's time; the window reaches back a day, so that holes are filled."""
    district.office.operations.put_schedule(
        "hourly reading",
        PLAN,
        every_s=3_600,
        window_s=DAY_S,
        deadline_s=3_000,
        first_at=district.now() + timedelta(minutes=10),
    )


def _authority(district: District) -> Path:
    return district.installation.path(district.installation.settings.zones.authority)


def _program() -> str:
    """How this program is called from here: `make demo` leaves it in its virtual environment."""
    return "openami" if which("openami") else sys.argv[0]


def _introduce(district: District, url: str, *, as_json: bool) -> None:
    consumers = [house.login for house in district.houses[:3]]
    facts = {
        "url": url,
        "operator": {"login": "operator", "password": district.operator_password},
        "consumers": {"logins": consumers, "password": district.consumer_password},
        "people": {
            "logins": list(district.people.passkeys),
            "password": district.people.password,
            "invitations": district.people.invitations,
            "passkeys": {name: str(path) for name, path in district.people.passkeys.items()},
        },
        "authority": str(_authority(district)),
        "authority_sha256": fingerprint(_authority(district)),
        "meters": [meter.link for meter in district.meters.values()],
    }
    if as_json:
        print_json(facts)
        return
    logins = "[/], [cyan]".join(consumers)
    olga = district.people.passkeys["olga"]
    others = "[/], [cyan]".join(list(district.people.passkeys)[1:])
    lines = [
        f"[bold]Pages[/]      {url}",
        f"[bold]Operator[/]   log-in [cyan]operator[/], password [cyan]{district.operator_password}[/]",
        f"[bold]Others[/]     log-ins [cyan]{others}[/], password [cyan]{district.people.password}[/]",
        f"[bold]Consumers[/]  log-in [cyan]{logins}[/], password [cyan]{district.consumer_password}[/]",
        "",
        "Your browser does not know the authority that signed the demo's certificate. Trust it for this name only by",
        "importing the file below as an authority for web sites, or go on past the browser's warning:",
        f"  {_authority(district)}",
        f"Its SHA-256 fingerprint is {fingerprint(_authority(district))}.",
        "",
        "To disconnect a household, open its meter as operator; another person has to approve, with a passkey:",
        f"  {_program()} approve {url} --login olga --passkey {olga} --authority {_authority(district)}",
        "Passkeys of the browser are registered with these invitations, once the certificate is trusted:",
        "  " + ", ".join(f"{name} {word}" for name, word in district.people.invitations.items()),
        "",
        "Stop with Ctrl-C; nothing is left behind.",
    ]
    console.rule("OpenAMI demo")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)  # nothing is cut: lines hold passwords and commands
    console.rule()


def _show_campaigns(campaigns: list[CampaignView], *, as_json: bool) -> None:
    rows = [
        (
            one.name,
            one.total,
            one.completed,
            one.failed,
            one.by_cause if as_json else _causes(one),
        )
        for one in campaigns
    ]
    print_rows("Campaigns", ("Campaign", "Meters", "Read", "Missed", "Causes"), rows, as_json=as_json)


def _causes(campaign: CampaignView) -> str:
    return ", ".join(f"{count} × {cause}" for cause, count in campaign.by_cause.items())


def _show_week(weeks: list[HouseholdWeek], *, as_json: bool) -> None:
    rows = [
        (one.household, one.origin, one.register_wh, one.interval_wh, one.missing, one.counted_wh, one.events)
        for one in weeks
    ]
    columns = ("Household", "Values", "Register Wh", "Intervals Wh", "Missing", "Counted Wh", "Events")
    print_rows("The week", columns, rows, as_json=as_json)


def _show_media(weeks: list[MediumWeek], *, as_json: bool) -> None:
    rows = [
        (one.household, one.medium, one.meter, one.guarantee, str(one.stored), str(one.counted), one.readings)
        for one in weeks
    ]
    columns = ("Household", "Medium", "Meter", "Guarantee", "Register", "Counted", "Readings")
    print_rows("Water, gas and heat", columns, rows, as_json=as_json)


def _progress(as_json: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=as_json,
        transient=True,
    )
