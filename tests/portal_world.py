"""A small district with a year of real readings, for tests of the portal: everything made through public calls.

Alder Row is measured by SN-1001 with the household uk-1 as it was recorded, from 12 December 2012. Bert was supplied
there until the midnight of 15 June 2013, Anna is since; Bert moved to Birch Lane. One morning has no readings.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import mkdtemp
from threading import Lock

import httpx
import numpy as np

from openami.app.console import Console
from openami.app.two_seals import SealKeys, TwoSeals
from openami.backoffice.audit.entry import Audit
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.network import Place
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.operations import Operations
from openami.backoffice.registry.registry import Registry
from openami.field.meter.push_queue import random_of
from openami.field.meter.real_curves import Window, load
from openami.io.keystore import CounterFile, FileKeystore
from openami.io.links.link import Link
from openami.io.spool.file_spool import FileSpool
from openami.io.store.engine import Store
from openami.model.errors import ConnectFailed
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind, Consumer, Meter, MeteringPoint
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit
from openami.portal.accounts import Role
from openami.portal.app import Portal, accounts_of, make_portal
from openami.portal.privacy import Terms
from openami.portal.settings import PortalSettings
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.data import array, double_long_unsigned, encode_data, octet_string, structure, unsigned
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.get import GetResponseNormal
from openami.protocols.seal.passkey import RelyingParty
from openami.simulation.disk import FaultDisk

IMPORT = ObisCode(1, 0, 1, 8, 0)
NOW = datetime(2013, 12, 20, 9, 40, tzinfo=UTC)
START = datetime(2012, 12, 12, tzinfo=UTC)
MOVED = datetime(2013, 6, 14, 23, tzinfo=UTC)
"""Midnight of 15 June in London."""
GAP = (datetime(2013, 12, 18, 7, tzinfo=UTC), datetime(2013, 12, 18, 10, 30, tzinfo=UTC))
PASSWORD = "a long password"
TERMS = Terms(identity_days=100, intervals_days=30, keep_days=200, backup_days=35)
HOST = "openami.localhost"
FILE = "portal.sqlite"


class StandingClock:
    """Time that stands where it is put."""

    def __init__(self, at: float) -> None:
        self.at = at

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class District:
    """What the tests look at."""

    store: Store
    registry: Registry
    mdm: Mdm
    clock: StandingClock
    wall: StandingClock
    alder: MeteringPoint
    birch: MeteringPoint
    cedar: MeteringPoint
    meter: Meter
    other: Meter
    anna: Consumer
    bert: Consumer


def make_district(folder: Path) -> District:
    """The district in a new store in `folder`: a copy of one that is made once."""
    file, made = _district()
    copyfile(file, folder / FILE)
    store = Store(f"sqlite:///{folder / FILE}")
    registry = Registry(store)
    clocks = {name: StandingClock(getattr(made, name).at) for name in ("clock", "wall")}
    return replace(made, store=store, registry=registry, mdm=Mdm(store, registry), **clocks)


@cache
def _district() -> tuple[Path, District]:
    folder = Path(mkdtemp(prefix="openami-district-"))
    atexit.register(rmtree, folder)
    store = Store(f"sqlite:///{folder / FILE}")
    store.upgrade()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    points = [
        registry.add_point(code, address, "Europe/London")
        for code, address in (
            ("UK0001000000000001", "12 Alder Row"),
            ("UK0001000000000002", "3 Birch Lane"),
            ("UK0001000000000003", "7 Cedar Walk"),
        )
    ]
    for point in points:
        registry.add_channel(point.id, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 1800)
        registry.add_channel(point.id, 2, IMPORT, ChannelKind.REGISTER_SNAPSHOT, Unit.WATT_HOUR, 0, 1800)
    first, second = load("uk-1").longest(), load("uk-2").longest().moved(52)
    meters = [_meter(registry, number, curve) for number, curve in enumerate((first.label, second.label, ""), 1001)]
    spare = registry.add_meter("SN-1004", b"OAM\x00\x00\x03\xec\x01", GuaranteeClass.UNAUTHENTICATED, None)
    assert spare.id
    for meter, point in zip(meters, points, strict=True):
        registry.install(meter.id, point.id, START)
    anna, bert = registry.add_consumer("Anna"), registry.add_consumer("Bert")
    registry.supply(bert.id, points[0].id, START)
    registry.end_supply(points[0].id, MOVED)
    registry.supply(anna.id, points[0].id, MOVED)
    registry.supply(bert.id, points[1].id, MOVED)
    _read(mdm, meters[0], first, START, NOW)
    _read(mdm, meters[1], second, MOVED, NOW - timedelta(days=3))
    clock, wall = StandingClock(NOW.timestamp()), StandingClock(1_700_000_000.0)
    store.close()
    return folder / FILE, District(store, registry, mdm, clock, wall, *points, meters[0], meters[1], anna, bert)


def make_operations(district: District) -> Operations:
    """Real operations whose head-end cannot be reached: enough to ask them for anything and to see reads fail."""

    async def nobody() -> Link:
        raise ConnectFailed("no connection to the head-end: refused")

    return Operations(
        district.store,
        district.registry,
        district.mdm,
        HeadendClient(nobody, district.clock),
        FileKeystore(Path("keys"), "passphrase", disk=FaultDisk(), random=os.urandom, scrypt_log2_n=4),
        CounterFile(Path("counters"), disk=FaultDisk()),
        district.clock,
        os.urandom,
    )


def make_audit() -> Audit:
    """Operations' log of who looked at what, in memory."""
    records = FileSpool(Path("records"), disk=FaultDisk(), random=random_of(b"audit"))
    return Audit(MerkleLog(records, "openami.test/operations"), NOW.timestamp, Lock())


def make_two_seals(
    district: District,
    operations: Operations,
    folder: Path,
    origin: str = f"https://{HOST}",
    limits: Limits | None = None,
) -> TwoSeals:
    """Authority and guard over the district's meters; operator and colleague may ask and approve."""
    keys, meters = SealKeys(os.urandom), district.registry.meters()
    for meter in meters:
        keys.meter(meter.system_title)
    return TwoSeals(
        folder,
        keys,
        RelyingParty(HOST, (origin,)),
        ("operator", "colleague"),
        {meter.system_title: Place("district", "F1", "T1", 2000) for meter in meters},
        district.registry,
        operations,
        district.clock.time,
        os.urandom,
        FaultDisk(),
        limits=limits,
    )


def make_world_portal(
    district: District,
    operations: Operations,
    critical: Console | None = None,
    audit: Audit | None = None,
    terms: Terms | None = TERMS,
    **settings: object,
) -> Portal:
    """The portal with the accounts operator, colleague, anna and bert, all with `PASSWORD`."""
    made = PortalSettings(scrypt_log2_n=12, **settings)
    portal = make_portal(
        district.registry,
        district.mdm,
        operations,
        district.store,
        made,
        district.clock,
        wall=district.wall,
        critical=critical,
        audit=audit,
        terms=terms,
    )
    accounts = accounts_of(portal)
    for name in ("operator", "colleague"):
        accounts.add(name, PASSWORD, Role.OPERATOR)
    accounts.add("anna", PASSWORD, Role.CONSUMER, district.anna.id)
    accounts.add("bert", PASSWORD, Role.CONSUMER, district.bert.id)
    return portal


def browser(portal: Portal, host: str = HOST, address: str = "192.0.2.1") -> httpx.AsyncClient:
    """Something that keeps cookies, follows nothing, and sends the origin as browsers do."""
    transport = httpx.ASGITransport(app=portal, raise_app_exceptions=False, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=f"https://{host}", headers={"origin": f"https://{host}"})


def csrf_of(page: str) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "no form with a token"
    return found.group(1)


async def log_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
    """Fill in the log-in form."""
    token = csrf_of((await client.get("/login")).text)
    return await client.post("/login", data={"csrf": token, "login": login, "password": password, **fields})


def _meter(registry: Registry, number: int, curve: str) -> Meter:
    title = b"OAM" + number.to_bytes(4, "big") + b"\x01"
    return registry.add_meter(
        f"SN-{number}", title, GuaranteeClass.SHARED_KEYS, f"tcp://127.0.0.1:{number}", curve=curve
    )


def _read(mdm: Mdm, meter: Meter, window: Window, start: datetime, end: datetime) -> None:
    """Hand in a week at a time, each with the answer of the meter as its evidence."""
    registers = 1_000_000 + window.cumulative_wh
    stamps = window.start_s + window.interval_s * np.arange(len(registers), dtype=np.int64)
    known = (stamps >= start.timestamp()) & (stamps <= end.timestamp())
    known &= (stamps <= GAP[0].timestamp()) | (stamps >= GAP[1].timestamp())
    for week in _weeks(start, end):
        inside = known & (stamps >= week.timestamp()) & (stamps <= (week + timedelta(days=7)).timestamp())
        if inside.any():
            _hand_in(mdm, meter, stamps[inside], registers[inside], week + timedelta(days=7, hours=1))


def _weeks(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += timedelta(days=7)


def _hand_in(mdm: Mdm, meter: Meter, stamps: np.ndarray, registers: np.ndarray, at: datetime) -> None:
    rows = array(
        *(
            structure(
                octet_string(bytes(CosemDateTime.from_utc(stamp))),
                unsigned(0),
                double_long_unsigned(register),
                double_long_unsigned(0),
            )
            for stamp, register in zip(stamps.tolist(), registers.tolist(), strict=True)
        )
    )
    apdu = encode_apdu(GetResponseNormal(0xC1, encode_data(rows)))
    evidence = mdm.keep_evidence(meter.id, at, "dlms", [apdu], apdu, "load profile")
    status = np.zeros(len(stamps), np.uint8)
    mdm.take_profile([ProfileReading(meter.id, IMPORT, 1800, stamps, registers, status, at, evidence)])
    midnights = [index for index, stamp in enumerate(stamps.tolist()) if stamp % 86_400 == 0]
    mdm.take_register(
        [
            RegisterReading(
                meter.id, IMPORT, datetime.fromtimestamp(int(stamps[i]), UTC), int(registers[i]), at, evidence
            )
            for i in midnights
        ]
    )
