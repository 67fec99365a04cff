"""Three meters, a head-end and operations, joined in memory, in virtual time."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.operations import Operations
from openami.backoffice.operations.read_plan import ReadPlan
from openami.backoffice.operations.settings import OperationsSettings
from openami.backoffice.registry.registry import Registry
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.memory import MemoryFace
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.headend import Headend, HeadendSettings
from openami.io.blocking import inline
from openami.io.keystore import CounterFile, FileKeystore, MeterKeys
from openami.io.links.memory import memory_pair
from openami.io.spool import FileSpool
from openami.io.store.engine import Store
from openami.model.errors import ConnectFailed
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.wrapper import encode_wrapper
from openami.simulation.disk import FaultDisk
from virtual_loop import VirtualClock

DAY = datetime(2026, 3, 10, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
IMPORT, EXPORT = ObisCode(1, 0, 1, 8, 0), ObisCode(1, 0, 2, 8, 0)
PERIOD = (DAY, NEXT)


class Chance:
    """Repeatable random bytes."""

    def __init__(self, seed: str) -> None:
        self._seed, self._count = seed, 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_128(f"{self._seed}/{self._count}".encode()).digest(size)


class Field:
    """Meters and their keys: what exists outside, whatever happens to the back office."""

    def __init__(self, clock, meters=3, framing=FramingKind.WRAPPER, **config):
        self.clock = clock
        self.meters, self.faces, self.titles = [], [], []
        self.unreachable = set()
        for number in range(meters):
            title = b"OAM" + (1000 + number).to_bytes(5, "big")
            chance = Chance(f"keys {number}")
            keys = SecurityKeys(chance(16), chance(16))
            settings = {"serial": f"M{number}", "system_title": title, "keys": keys, **config}
            curve = SteadyCurve(1000 * (number + 1))
            meter = ElectricityMeter(MeterConfig(**settings), curve, DAY.timestamp() - 3600)
            service = MeterService(meter, clock, random=Chance(f"meter {number}"), framing=framing)
            self.meters.append(meter)
            self.faces.append(MemoryFace(service))
            self.titles.append(title)
        self.dials = 0

    async def dial(self, host, port, _timeout_s):
        self.dials += 1
        if port in self.unreachable:
            raise ConnectFailed(f"no connection to {host}:{port}: refused")
        return self.faces[port - 1].connect()

    def keys(self, number):
        keys = self.meters[number].config.keys
        return MeterKeys(keys.global_unicast_encryption_key, keys.authentication_key)

    async def close(self):
        for face in self.faces:
            await face.close()


class Rig:
    """Everything joined. `restart` gives a new back-office process on the same store, keys and counters."""

    def __init__(
        self, url="sqlite://", meters=3, framing=FramingKind.WRAPPER, at=NEXT, settings=None, cells=(), **config
    ):
        self.clock = VirtualClock(at.timestamp())
        self.field = Field(self.clock, meters, framing, **config)
        self.spool = FileSpool(Path("spool"), disk=FaultDisk(), random=Chance("spool"))
        relay = HeadendSettings(networks=("10.0.0.0/8",), cells=cells)
        self.headend = Headend(relay, self.clock, self.spool, dial=self.field.dial)
        self.offices = []
        self.store = Store(url)
        self.store.upgrade()
        self.registry = Registry(self.store)
        self.mdm = Mdm(self.store, self.registry)
        self.disk = FaultDisk()
        self.settings = settings or OperationsSettings(attempts=4)
        self.keystore = FileKeystore(
            Path("keys"), "passphrase", disk=self.disk, random=Chance("keystore"), scrypt_log2_n=4
        )
        self.ids, self.points = [], []
        for number, title in enumerate(self.field.titles):
            self._register(number, title, framing)
        self.keystore.put_many({title: self.field.keys(number) for number, title in enumerate(self.field.titles)})
        self.counters = CounterFile(Path("counters"), disk=self.disk)
        self.lives = 0
        self.operations = self.restart()

    def _register(self, number, title, framing):
        point = self.registry.add_point(f"P{number}", f"{number} Alder Row", "Europe/London")
        meter = self.registry.add_meter(
            f"M{number}", title, GuaranteeClass.SHARED_KEYS, f"tcp://10.0.0.1:{number + 1}", framing.value
        )
        for channel, obis in enumerate((IMPORT, EXPORT), start=1):
            self.registry.add_channel(point.id, channel, obis, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
        self.registry.install(meter.id, point.id, DAY - timedelta(days=30))
        self.ids.append(meter.id)
        self.points.append(point.id)

    def restart(self, blocking=inline):
        """A new process: nothing is left of the old one but the store, the keys and the counters."""
        self.lives += 1
        self.registry = Registry(self.store)
        self.mdm = Mdm(self.store, self.registry)
        self.counters = CounterFile(Path("counters"), disk=self.disk)
        self.operations = Operations(
            self.store,
            self.registry,
            self.mdm,
            HeadendClient(self.reach, self.clock),
            self.keystore,
            self.counters,
            self.clock,
            Chance(f"operations {self.lives}"),
            blocking,
            self.settings,
        )
        return self.operations

    async def reach(self):
        near, far = memory_pair()
        self.offices = [task for task in self.offices if not task.done()]
        self.offices.append(asyncio.get_running_loop().create_task(self.headend.serve_office(far)))
        return near

    async def push(self, content):
        near, far = memory_pair()
        task = asyncio.get_running_loop().create_task(self.headend.take_pushes(far))
        await near.send(content)
        await near.close()
        await task

    async def push_from(self, number):
        """All pushes that the meter has ready, in the wrapper."""
        while (apdu := self.field.meters[number].next_push()) is not None:
            await self.push(encode_wrapper(apdu, 1, 103))

    def campaign(self, *, period=PERIOD, plan=None, hours=3, meters=None):
        now = datetime.fromtimestamp(self.clock.time(), UTC)
        deadline = now + timedelta(hours=hours)
        return self.operations.create_campaign("day", meters or self.ids, plan or ReadPlan(), period, deadline)

    def energy(self, number, obis_channel=1, period=PERIOD):
        series = self.mdm.series(self.points[number], obis_channel, *period)
        return [int(value) for value in series.values]

    async def close(self):
        for task in self.offices:
            task.cancel()
        await asyncio.gather(*self.offices, return_exceptions=True)
        await self.field.close()
