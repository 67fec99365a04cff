"""The demonstration: a small district that lives faster than the clock on the wall."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from openami.app.collector_part import RunningCollector, run_collector
from openami.app.demo_people import OPERATORS, DemoPeople, make_people
from openami.app.district import Household, households, register
from openami.app.field_sections import Collector, Headend
from openami.app.installation import Installation, install
from openami.app.mesh_cell import READS_AT_ONCE, MeshCell, mesh_address
from openami.app.office_sections import Operations, Portal
from openami.app.other_media import OtherMedia, medium_meters, register_media
from openami.app.parts import BackOffice, open_back_office, run_headend, run_portal
from openami.app.settings import Settings, address
from openami.app.two_seals import SWITCHED_W, SealKeys, TwoSeals
from openami.backoffice.guard.network import Place
from openami.backoffice.operations.read_plan import ReadPlan
from openami.backoffice.operations.settings import OperationsSettings
from openami.io.clock import ScaledClock
from openami.io.disk import SystemDisk
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.keystore.counter_file import CounterFile
from openami.model.event import EventCode
from openami.model.point import Meter
from openami.portal.accounts import Accounts, Role
from openami.portal.serving import Serving
from openami.protocols.seal.passkey import RelyingParty

DAY_S = 86_400
HOUR_S = 3_600
HISTORY_DAYS = 40
COLLECTOR = "mill-lane"
PLAN = ReadPlan()
MARGIN_S = 600
"""How long after the end of a day its reading begins."""


@dataclass(frozen=True, slots=True)
class District:
    """Everything that runs: the back office, the electricity meters by the household's number, the meters of water, gas
    and heat, and the clock they live by.
    """

    installation: Installation
    office: BackOffice
    clock: ScaledClock
    houses: tuple[Household, ...]
    meters: dict[int, Meter]
    cell: MeshCell
    media: OtherMedia
    operator_password: str
    consumer_password: str
    seals: TwoSeals
    people: DemoPeople

    async def read(self, name: str, start: datetime, end: datetime) -> int:
        """Let those speak that only tell, read all others for a period and wait for its end; the campaign's id."""
        operations = self.office.operations
        deadline = self.now() + timedelta(hours=12)
        meters = [meter.id for meter in self.meters.values()]
        await self.media.speak()
        campaign = operations.create_campaign(name, meters, PLAN, (start, end), deadline)
        await operations.run_campaign(campaign)
        return campaign

    def now(self) -> datetime:
        """The district's time."""
        return datetime.fromtimestamp(self.clock.time(), UTC)

    def advance_to(self, at: float) -> None:
        """Jump ahead to `at` (UTC seconds)."""
        self.clock.advance_to(at)
        self.cell.look()

    async def alarm(self, house: Household, code: EventCode, at: float) -> None:
        """Something happens to a meter; returns when the collector has its push."""
        house.meter.alarm(code, at)
        await self.cell.deliver(house.number)


@asynccontextmanager
async def open_district(
    folder: Path, count: int, clock: ScaledClock, history_days: int, *, portal_port: int = 0, speed: float = 1.0
) -> AsyncIterator[District]:
    """Install in `folder`, start head-end, collector and back office; hang `count` meters that lived `history_days`.

    The electricity meters form a mesh below the collector; all that any meter says comes through the collector.
    """
    portal_port = portal_port or _free_port()
    settings = Settings(
        headend=Headend(listen="127.0.0.1:0", push_listen="127.0.0.1:0", collector_listen="127.0.0.1:0"),
        operations=Operations(headend="127.0.0.1:0"),
        portal=Portal(listen=f"127.0.0.1:{portal_port}"),
    )
    installation, operator_password = install(folder, settings)
    _certify(installation)
    rhythm = OperationsSettings(
        system_title=secrets.token_bytes(8),
        pull_every_s=5.0 * speed,
        look_every_s=1.0 * speed,
        concurrency=READS_AT_ONCE,
        attempts=4,
        backoff_s=0.5 * speed,
        attempt_timeout_s=60.0,
    )
    async with AsyncExitStack() as stack:
        headend = await stack.enter_async_context(run_headend(installation, clock))
        office = await stack.enter_async_context(
            open_back_office(installation, clock, f"127.0.0.1:{headend.port}", rhythm)
        )
        start = clock.time() // DAY_S * DAY_S - history_days * DAY_S
        keys = SealKeys(secrets.token_bytes)
        houses = tuple(households(count, start, COLLECTOR, secrets.token_bytes, keys))
        cell = _hang(stack, installation, houses, clock)
        collector = await _open_collector(stack, installation, cell, clock, headend.collector_port)
        links = [f"collector://{COLLECTOR}/{mesh_address(house.number)}" for house in houses]
        meters = register(office, list(zip(houses, links, strict=True)))
        push = f"127.0.0.1:{collector.push_port}"
        media = await _hang_media(stack, houses, start, office, clock, push)
        password = secrets.token_urlsafe(9)
        _open_accounts(office, houses, password)
        seals = await stack.enter_async_context(_seals(installation, office, clock, houses, keys))
        people = make_people(seals, office.store, folder / "passkeys", secrets.token_bytes)
        await cell.formed()
        yield District(
            installation, office, clock, houses, meters, cell, media, operator_password, password, seals, people
        )


@asynccontextmanager
async def show_pages(district: District, notice: str) -> AsyncIterator[Serving]:
    """The portal of the district."""
    office, seals = district.office, district.seals
    async with run_portal(
        district.installation, office, district.clock, notice=notice, critical=seals.console, audit=seals.audit
    ) as serving:
        yield serving


async def happened(district: District) -> None:
    """What happened before anybody looked: three days ago a house had no supply for three hours, yesterday a cover was
    opened. To be called before the first reading, which finds the gap.
    """
    now = district.clock.time()
    house, other = (district.houses[number % len(district.houses)] for number in (2, 10))
    house.meter.power_fail(now - 3 * DAY_S)
    house.meter.power_restore(now - 3 * DAY_S + 3 * HOUR_S)
    await district.cell.deliver(house.number)
    await district.alarm(other, EventCode.COVER_OPENED, now - DAY_S)


async def disturb(district: District, *, every_s: float = 5 * HOUR_S, outage_s: float = 2 * HOUR_S) -> None:
    """What happens in any district: now a cover is opened, now a house loses its supply for a while, for ever."""
    turn = 0
    while True:
        await district.clock.sleep(every_s)
        house = district.houses[(3 + 5 * turn) % len(district.houses)]
        if turn % 2:
            await district.alarm(house, EventCode.COVER_OPENED, district.clock.time())
        else:
            await district.cell.power_fail(house.number)
            await district.clock.sleep(outage_s)
            await district.cell.power_restore(house.number)
        turn += 1


def _hang(
    stack: AsyncExitStack, installation: Installation, houses: tuple[Household, ...], clock: ScaledClock
) -> MeshCell:
    """The meters' stations look for the collector's from now on."""
    counters = CounterFile(installation.path("mesh.journal"), disk=SystemDisk())
    stack.callback(counters.close)
    cell = MeshCell([(house.meter, house.sealed) for house in houses], clock, counters)
    stack.callback(cell.stop)
    return cell


async def _open_collector(
    stack: AsyncExitStack, installation: Installation, cell: MeshCell, clock: ScaledClock, port: int
) -> RunningCollector:
    """The collector over the mesh; it calls in at `port` of the head-end."""
    section = Collector(
        name=COLLECTOR,
        headend=f"127.0.0.1:{port}",
        headend_authority=installation.settings.zones.authority,
        push_listen="127.0.0.1:0",
        status_listen="",
        spread_s=0.0,
    )
    running = await stack.enter_async_context(run_collector(installation.folder, section, clock, [cell.root]))
    cell.start()
    return running


def _certify(installation: Installation) -> None:
    """Make the authority for services, and what the collector shows to the head-end."""
    settings, now = installation.settings, datetime.now(UTC)
    authority = CertificateAuthority(installation.path(settings.headend.collector_authority).parent)
    authority.make(now)
    file = installation.path(settings.collector.certificate)
    install_certificate(file, authority.sign(make_request(file, COLLECTOR), COLLECTOR, "", now))


async def _hang_media(
    stack: AsyncExitStack,
    houses: tuple[Household, ...],
    start: float,
    office: BackOffice,
    clock: ScaledClock,
    push: str,
) -> OtherMedia:
    made = list(medium_meters([(house.number, house.meter) for house in houses], start, secrets.token_bytes))
    register_media(office, made, {house.number: house.service_address for house in houses}.__getitem__)
    media = OtherMedia(made, clock, push)
    await media.start(stack)
    return media


@asynccontextmanager
async def _seals(
    installation: Installation, office: BackOffice, clock: ScaledClock, houses: tuple[Household, ...], keys: SealKeys
) -> AsyncIterator[TwoSeals]:
    """Authority and guard. The demonstration has one clock: it stands in for the guard's three time sources."""
    settings = installation.settings.portal
    origin = f"https://{settings.name}:{address(settings.listen, 'portal.listen')[1]}"
    places = {
        house.meter.config.system_title: Place("district", "F1", house.transformer, SWITCHED_W)
        for house in houses
        if house.sealed
    }
    seals = TwoSeals(
        installation.folder / "seals",
        keys,
        RelyingParty(settings.name, (origin,)),
        OPERATORS,
        places,
        office.registry,
        office.operations,
        clock.time,
        secrets.token_bytes,
        SystemDisk(),
    )
    try:
        yield seals
    finally:
        seals.close()


def _free_port() -> int:
    """Passkeys are bound to the page's address, so its port is chosen before anything starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _open_accounts(office: BackOffice, houses: tuple[Household, ...], password: str) -> None:
    """One log-in a household, all with the same password: what they may see differs by consumer."""
    accounts = Accounts(office.store, secrets.token_bytes, scrypt_log2_n=12)
    by_name = {consumer.name: consumer.id for consumer in office.registry.consumers()}
    for house in houses[:3]:
        accounts.add(house.login, password, Role.CONSUMER, by_name[house.name])
