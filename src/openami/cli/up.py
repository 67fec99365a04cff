"""`openami up`: the real thing."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openami.app.settings import SETTINGS_FILE, load_settings
from openami.cli.output import JsonOption, console, print_json
from openami.io.clock import SystemClock

if TYPE_CHECKING:
    from openami.app.installation import Installation
    from openami.app.parts import BackOffice

SCHEDULE = "scheduled reading"
SettingsOption = Annotated[Path, typer.Option("--settings", "-s", help="The configuration file of `openami init`.")]


class Part(StrEnum):
    """What can run in a process of its own."""

    HEADEND = "headend"
    BACKOFFICE = "backoffice"
    OPERATIONS = "operations"
    PORTAL = "portal"
    COLLECTOR = "collector"
    AUTHORITY = "authority"
    GUARD = "guard"
    WITNESS = "witness"


def up(
    part: Annotated[
        Part | None,
        typer.Argument(help="Only this part: the DMZ's relay, the back office, a collector, and so on."),
    ] = None,
    *,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Run the parts of an installation until stopped: all, or one by name.

    The head-end relays circuits and spools pushes; it holds no key and no name. The back office opens all connections
    to it, reads all meters on schedule and serves the pages; as `operations` and `portal` it is two processes, of which
    the pages' has no meter's key. A collector runs where its meters are; authority, guard and witness are processes of
    other users with keys of their own: none of these runs unasked.
    """
    from openami.app.log_lines import begin_logging

    begin_logging()
    if part is Part.COLLECTOR:
        asyncio.run(_run_collector(settings.resolve(), as_json=as_json))
    elif part is Part.PORTAL:
        from openami.app.installation import Installation

        asyncio.run(_run_pages(Installation.load(settings), as_json=as_json))
    elif part in {Part.AUTHORITY, Part.GUARD, Part.WITNESS}:
        asyncio.run(_run_inner(settings, part, as_json=as_json))
    else:
        from openami.app.installation import Installation

        asyncio.run(_run(Installation.load(settings), part, as_json=as_json))


async def _run_collector(file: Path, *, as_json: bool) -> None:
    from openami.app.collector_part import run_collector

    async with run_collector(file.parent, load_settings(file).collector, SystemClock()) as running:
        where = f"pushes on port {running.push_port}, status on port {running.status_port}"
        if running.forward_port:
            where += f", forwarding on port {running.forward_port}"
        _tell("collector", where, as_json=as_json)
        await _stopped()


async def _run_inner(settings: Path, part: Part, *, as_json: bool) -> None:
    from openami.app.inner_zones import run_authority, run_guard, run_witness
    from openami.app.installation import Installation

    runs = {Part.AUTHORITY: run_authority, Part.GUARD: run_guard, Part.WITNESS: run_witness}
    async with runs[part](Installation.load(settings), SystemClock()) as server:
        _tell(part.value, f"port {server.port}", as_json=as_json)
        await _stopped()


async def _run(installation: Installation, part: Part | None, *, as_json: bool) -> None:
    from openami.app.parts import run_headend

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        headend = installation.settings.operations.headend
        if part in {None, Part.HEADEND}:
            relay = await stack.enter_async_context(run_headend(installation, clock))
            if part is None:
                headend = f"127.0.0.1:{relay.port}"
            where = f"port {relay.port}, pushes on port {relay.push_port}"
            if installation.settings.headend.collector_listen:
                where += f", collectors on port {relay.collector_port}"
            _tell("headend", where, as_json=as_json)
        if part is not Part.HEADEND:
            await _run_office(stack, installation, headend, pages=part is not Part.OPERATIONS, as_json=as_json)
        await _stopped()


async def _run_office(
    stack: AsyncExitStack, installation: Installation, headend: str, *, pages: bool, as_json: bool
) -> None:
    """Operations, and the pages or the port where pages of another process ask."""
    from openami.app.parts import key_orders, open_back_office, run_operations_port, run_portal, running
    from openami.app.real_console import open_console
    from openami.app.records import open_audit
    from openami.app.witnessing import run_witnessing

    clock = SystemClock()
    office = await stack.enter_async_context(open_back_office(installation, clock, headend))
    _schedule(installation, office)
    await stack.enter_async_context(running(office.operations))
    audit = stack.enter_context(open_audit(installation, clock))
    await stack.enter_async_context(run_witnessing(installation, office.store, audit, clock))
    keys = await stack.enter_async_context(key_orders(installation, office, clock))
    if not pages:
        server = await stack.enter_async_context(run_operations_port(installation, office, keys, clock))
        _tell("operations", f"port {server.port}", as_json=as_json)
        return
    own, records = installation.operations_certificate(), installation.settings.operations.records
    console_ = open_console(installation, own, records, office.registry, office.operations, keys, audit, clock)
    critical = await stack.enter_async_context(console_)
    serving = await stack.enter_async_context(run_portal(installation, office, clock, critical=critical, audit=audit))
    _tell("backoffice", serving.url, as_json=as_json)


async def _run_pages(installation: Installation, *, as_json: bool) -> None:
    from openami.app.parts import open_pages, run_portal
    from openami.app.real_console import open_console
    from openami.app.records import open_audit
    from openami.app.witnessing import run_pages_witnessing

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        pages = await stack.enter_async_context(open_pages(installation, clock))
        audit = stack.enter_context(open_audit(installation, clock, pages=True))
        await stack.enter_async_context(run_pages_witnessing(installation, audit, clock))
        own, records = installation.portal_certificate(), installation.settings.portal.records
        console_ = open_console(installation, own, records, pages.registry, pages.operations, pages.keys, audit, clock)
        critical = await stack.enter_async_context(console_)
        serving = await stack.enter_async_context(
            run_portal(installation, pages, clock, critical=critical, audit=audit)
        )
        _tell("portal", serving.url, as_json=as_json)
        await _stopped()


async def _stopped() -> None:
    """Until SIGINT or SIGTERM asks for an orderly end."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()


def _schedule(installation: Installation, office: BackOffice) -> None:
    """As the settings say, in full periods since 1970. What came due while nothing ran is due at once."""
    from openami.backoffice.operations.read_plan import ReadPlan

    settings = installation.settings.operations
    now = SystemClock().time()
    first = datetime.fromtimestamp(now // settings.read_every_s * settings.read_every_s, UTC)
    office.operations.put_schedule(
        SCHEDULE,
        ReadPlan(),
        every_s=settings.read_every_s,
        window_s=settings.backfill_days * 86_400,
        deadline_s=settings.deadline_s,
        first_at=first,
    )


def _tell(part: str, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"part": part, "where": text})
    else:
        console.print(f"[bold]{part}[/] {text}", highlight=False)
