"""A point with one meter, ready to be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

import stores
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.mdm.tables import interval_block
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

START = datetime(2026, 2, 10, tzinfo=UTC)


@dataclass
class House:
    store: Store
    registry: Registry
    mdm: Mdm
    point: int
    meter: int

    def reading(self, first: int, count: int, *, base: int = 0, step: int = 100, known_h: int = 48, evidence: int = 1):
        """Snapshots at quarter hours `first`.. after START; the register is `base` at START."""
        stamps = int(START.timestamp()) + 900 * np.arange(first, first + count, dtype=np.int64)
        registers = base + step * np.arange(first, first + count, dtype=np.int64)
        known_at = START + timedelta(hours=known_h)
        status = np.zeros(count, dtype=np.uint8)
        return ProfileReading(self.meter, ACTIVE_ENERGY_IMPORT, 900, stamps, registers, status, known_at, evidence)

    def register(self, quarter: int, value: int, *, known_h: int = 48, evidence: int = 2):
        known_at, stamp = START + timedelta(hours=known_h), START + timedelta(minutes=15 * quarter)
        return RegisterReading(self.meter, ACTIVE_ENERGY_IMPORT, stamp, value, known_at, evidence)

    def versions(self) -> list[tuple]:
        with self.store.reading() as connection:
            return sorted(map(tuple, connection.execute(select(interval_block))))


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


@pytest.fixture
def house(store):
    registry = Registry(store)
    point = registry.add_point("P1", "1 High Street", "Europe/London").id
    registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
    meter = registry.add_meter("M1", b"OAM00001", GuaranteeClass.SHARED_KEYS, None).id
    registry.install(meter, point, START)
    return House(store, registry, Mdm(store, registry), point, meter)
