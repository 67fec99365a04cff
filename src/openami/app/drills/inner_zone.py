"""An inner zone in memory, and meters that push to it: what a postman brings is opened and stored, or set aside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from openami.app.drills.world import START, octets_of, title_of
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.alert_pipeline import Incident
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.operations import Operations
from openami.backoffice.operations.push_store import PushState, PushStore
from openami.backoffice.registry.registry import Registry
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.push_queue import random_of
from openami.io.keystore.meter_keys import MeterKeys, NoKeys
from openami.io.store.engine import Store
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.zones.message import Push, SpoolItem, SpoolItems, encode_push

DAY: Final = datetime.fromtimestamp(START, UTC)
IMPORT: Final = ObisCode(1, 0, 1, 8, 0)
Values = list[list[int]]


def push_keys(number: int) -> SecurityKeys:
    """The keys of meter `number`."""
    return SecurityKeys(octets_of(f"pushing {number}", 16), octets_of(f"pushing, authentication {number}", 16))


def pushing_meter(number: int = 0, keys: SecurityKeys | None = None) -> ElectricityMeter:
    """A meter that pushes its newest hour every hour, and each alarm at once."""
    kept = keys or push_keys(number)
    config = MeterConfig(serial=f"M{number}", system_title=title_of(number), keys=kept, push_rows=5)
    random = random_of(title_of(number) + b"push")
    return ElectricityMeter(config, SteadyCurve(1000, number), START - 3600, MemoryCounters(), random)


def pushes_of(meter: ElectricityMeter) -> Iterator[bytes]:
    """All that the meter has ready."""
    while (apdu := meter.next_push()) is not None:
        yield apdu


def hours_of(meter: ElectricityMeter, hours: int) -> list[bytes]:
    """What the meter pushes in so many hours."""
    found: list[bytes] = []
    for quarter in range(1, 4 * hours + 2):
        meter.advance(START + quarter * 900.0)
        found += pushes_of(meter)
    return found


class Keys:
    """The keys of the two meters."""

    def meter_keys(self, system_title: bytes) -> MeterKeys:
        for number in range(2):
            if system_title == title_of(number):
                keys = push_keys(number)
                return MeterKeys(keys.global_unicast_encryption_key, keys.authentication_key)
        raise NoKeys(f"no keys for {system_title.hex()}")


class StillClock:
    """It is the end of the first day, and stays so."""

    def time(self) -> float:
        return START + 86_400.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} s in a drill")


class GivenSpool:
    """A head-end as the back office sees it, whose spool is what the adversary likes."""

    def __init__(self) -> None:
        self.items = SpoolItems("spool", [])

    async def read_spool(self, after: int, limit: int) -> SpoolItems:
        behind = [item for item in self.items.items if item.number > after]
        return SpoolItems(self.items.spool, behind[:limit])

    async def release_spool(self, _spool: str, _through: int) -> None:
        """It keeps what it likes."""


class InnerZone:
    """Two registered meters at points of their own, hung there at `hung`."""

    def __init__(self, hung: datetime = DAY - timedelta(days=30)) -> None:
        self._hung = hung
        self.store = Store("sqlite://")
        self.store.upgrade()
        self.registry = Registry(self.store)
        self.mdm = Mdm(self.store, self.registry)
        self.notes = Notes(self.store)
        self.pushes = PushStore(self.store)
        self.points: list[int] = []
        for number in range(2):
            self._register(number)
        self._spool = GivenSpool()
        self._operations = Operations(
            self.store,
            self.registry,
            self.mdm,
            cast(HeadendClient, self._spool),
            Keys(),
            MemoryCounters(),
            StillClock(),
            random_of(b"inner zone"),
        )

    def deliver(self, contents: Sequence[bytes], *, source: str = "10.0.0.1:4059", spool: str = "spool") -> None:
        """The head-end's spool gives these items, behind those that it gave before; they are opened."""
        first = self.pushes.position(spool) + 1
        items = [
            SpoolItem(first + at, encode_push(Push(float(START), source, "tcp", content)))
            for at, content in enumerate(contents)
        ]
        self.take(SpoolItems(spool, items))

    def take(self, items: SpoolItems) -> None:
        """The head-end's spool gives these items; they are opened."""
        self._spool.items = items
        asyncio.run(self._operations.pull_spool())

    def pull(self, spool: GivenSpool) -> None:
        """Take what another head-end's spool gives; it is opened."""
        self._operations.headend = cast(HeadendClient, spool)
        asyncio.run(self._operations.pull_spool())

    def state(self, which: PushState) -> int:
        """How many pushes are in a state."""
        return self.pushes.counts().get(which, 0)

    def values(self) -> Values:
        """The energy of every interval of the first day, at each point."""
        return [
            [int(value) for value in self.mdm.series(point, 1, DAY, DAY + timedelta(days=1)).values]
            for point in self.points
        ]

    def events(self) -> list[tuple[int | None, datetime, int]]:
        """Every event that is believed."""
        return sorted((event.meter, event.at, event.code) for event in self.notes.events(None, 1000))

    def incidents(self) -> list[Incident]:
        """What somebody is called for, or would be."""
        return self._operations.incidents()

    def _register(self, number: int) -> None:
        point = self.registry.add_point(f"P{number}", f"{number} Alder Row", "Europe/London")
        meter = self.registry.add_meter(f"M{number}", title_of(number), GuaranteeClass.SHARED_KEYS, None)
        self.registry.add_channel(point.id, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
        self.registry.install(meter.id, point.id, self._hung)
        self.points.append(point.id)


@contextmanager
def inner_zone(hung: datetime = DAY - timedelta(days=30)) -> Iterator[InnerZone]:
    """A zone that is empty; its store is closed at the end. What it logs of its adversary is not shown."""
    log = logging.getLogger("openami.backoffice.operations")
    level = log.level
    log.setLevel(logging.CRITICAL)
    zone = InnerZone(hung)
    try:
        yield zone
    finally:
        zone.store.close()
        log.setLevel(level)
