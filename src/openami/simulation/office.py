"""The back office of a simulated district: its operations on a store whose crash is a rollback."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.operations import Operations
from openami.backoffice.operations.settings import OperationsSettings
from openami.backoffice.registry.registry import Registry
from openami.field.meter.codes import EXPORT, IMPORT
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Clock
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.meter_keys import MeterKeys, NoKeys
from openami.io.links.link import Link
from openami.io.store.engine import Store
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import RegisterReading
from openami.model.unit import Unit
from openami.simulation.disk import FaultDisk, PowerCut
from openami.simulation.ip import Network
from openami.simulation.relay import HEAD, OFFICE_PORT
from openami.simulation.streams import Streams

NAME = "office"
CHANNELS = (IMPORT, EXPORT)
DIAL_S = 30.0
SETTINGS = OperationsSettings(
    concurrency=4,
    attempts=8,
    attempt_timeout_s=900.0,
    response_timeout_s=90.0,
    pull_every_s=300.0,
    look_every_s=60.0,
)
"""A mesh is slow: an answer may take a minute, and of many meters that are read at once each takes longer."""


class _Process(Store):
    """A store as one process sees it: once that was killed it writes nothing more, whatever its cleaning up tries."""

    __slots__ = ("killed",)

    def __init__(self, store: Store) -> None:
        self.__dict__ = store.__dict__
        self.killed = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if self.killed:
            raise PowerCut
        with super().transaction() as connection:
            yield connection


class _Keys:
    """The meters' keys, as a keystore gives them."""

    def __init__(self) -> None:
        self._keys: dict[bytes, MeterKeys] = {}

    def put(self, meter: ElectricityMeter) -> None:
        keys = meter.config.keys
        self._keys[meter.config.system_title] = MeterKeys(keys.global_unicast_encryption_key, keys.authentication_key)

    def meter_keys(self, system_title: bytes) -> MeterKeys:
        keys = self._keys.get(system_title)
        if keys is None:
            raise NoKeys(f"no keys for system title {system_title.hex()}")
        return keys


class _Client(HeadendClient):
    """Tells the office when items are on their way to be released: the worst moment to die."""

    def __init__(self, office: Office, clock: Clock) -> None:
        super().__init__(office.connect, clock)
        self._office = office

    async def release_spool(self, spool: str, through: int) -> None:
        if self._office.dies_before_release:
            self._office.dies_before_release = False
            self._office.restart()
        await super().release_spool(spool, through)


class Office:
    """Registry, metering data and operations. `restart` forgets everything that was not committed."""

    def __init__(self, network: Network, clock: Clock, streams: Streams, loop: asyncio.AbstractEventLoop) -> None:
        self.store = Store("sqlite://")
        self.store.upgrade()
        self.points: dict[bytes, int] = {}
        """Metering points by system title."""
        self.meters: list[int] = []
        """The registry's ids of the meters, in the order of the district."""
        self.dies_before_release = False
        self._disk = FaultDisk(seed=streams.key(f"disk/{NAME}"))
        self._network = network
        self._clock = clock
        self._loop = loop
        self._random = streams.bytes(NAME)
        self._dial = network.dial(NAME)
        self._keys = _Keys()
        self._tasks: list[asyncio.Task[None]] = []
        self._open()

    async def connect(self) -> Link:
        """A way to the head-end."""
        return await self._dial(HEAD, OFFICE_PORT, DIAL_S)

    def register(self, meters: Mapping[str, ElectricityMeter], start: float) -> None:
        """Enter meters, by their links, with points and channels, installed at `start` with what they show then."""
        with self.store.transaction():
            for link, meter in meters.items():
                self._register(link, meter, start)

    def start(self) -> None:
        """The process runs."""
        self.work(self.operations.run())

    def work(self, what: Coroutine[Any, Any, None]) -> None:
        """Something that the process does; it ends with it."""
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(self._loop.create_task(what))

    def restart(self) -> None:
        """The process is killed and another one begins on the same store."""
        self._process.killed = True
        self.stop()
        self._network.crash(NAME)
        self._disk = self._disk.after_power_cut()
        self._open()
        self.start()

    def stop(self) -> None:
        """Nothing runs any more, except to its next step."""
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Return when nothing of any process of the office runs."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        self.store.close()

    def _open(self) -> None:
        self._process = store = _Process(self.store)
        self.registry = Registry(store)
        self.mdm = Mdm(store, self.registry)
        self.operations = Operations(
            store,
            self.registry,
            self.mdm,
            _Client(self, self._clock),
            self._keys,
            CounterFile(Path("counters"), disk=self._disk),
            self._clock,
            self._random,
            settings=SETTINGS,
        )

    def _register(self, link: str, meter: ElectricityMeter, start: float) -> None:
        registry, config = self.registry, meter.config
        since = datetime.fromtimestamp(start, UTC)
        point = registry.add_point(f"P-{config.serial}", config.serial, "Europe/London")
        record = registry.add_meter(config.serial, config.system_title, GuaranteeClass.SHARED_KEYS, link, "gateway")
        for number, obis in enumerate(CHANNELS, start=1):
            kind = ChannelKind.INTERVAL_ENERGY
            registry.add_channel(point.id, number, obis, kind, Unit.WATT_HOUR, 0, config.capture_period_s)
        registry.install(record.id, point.id, since)
        evidence = self.mdm.keep_evidence(record.id, since, "installation", (), b"", "opening reads")
        opening = zip(CHANNELS, (meter.energy.import_wh, meter.energy.export_wh), strict=True)
        self.mdm.take_register(
            [RegisterReading(record.id, obis, since, value, since, evidence) for obis, value in opening]
        )
        self._keys.put(meter)
        self.points[config.system_title] = point.id
        self.meters.append(record.id)
