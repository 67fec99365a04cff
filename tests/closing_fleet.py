"""Points with all that may befall their channels, and two ways to judge their days: one by one, and by a close."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

START = datetime(2026, 3, 2, tzinfo=UTC)
ORIGIN = int(START.timestamp())
IMPORT = ACTIVE_ENERGY_IMPORT
EXPORT = ObisCode(1, 0, 2, 8, 0)
ZONES = ("Europe/Berlin", "Europe/London", "America/New_York")
MODULUS = 10**6


def day_of(number: int) -> date:
    return (START + timedelta(days=number)).date()


def moment(number: int, hours: float = 0) -> datetime:
    return START + timedelta(days=number, hours=hours)


def register_fleet(store: Store, points: int, resolution_s: int = 3_600) -> Mdm:
    """`points` points with one meter each; every third feeds in as well, every fourth has quarter hours."""
    registry = Registry(store)
    with store.transaction():
        for number in range(1, points + 1):
            point = registry.add_point(f"P{number}", "1 High Street", ZONES[number % len(ZONES)]).id
            link = "tcp://collector:4059" if number % 2 else f"tcp://meter-{number}:4059"
            meter = registry.add_meter(f"M{number}", number.to_bytes(8, "big"), GuaranteeClass.SHARED_KEYS, link).id
            step = 900 if number % 4 == 0 else resolution_s
            kinds = [ACTIVE_ENERGY_IMPORT] + [EXPORT] * (number % 3 == 0)
            for at, obis in enumerate(kinds, 1):
                kind = ChannelKind.INTERVAL_ENERGY
                registry.add_channel(point, at, obis, kind, Unit.WATT_HOUR, 0, step, MODULUS)
            registry.install(meter, point, START - timedelta(days=2))
    return Mdm(store, registry)


def step_of(point: int) -> int:
    return 900 if point % 4 == 0 else 3_600


def registers(point: int, days: int) -> np.ndarray:
    """The point's register at each interval's end from START on; it may roll over."""
    per_day = DAY_S // step_of(point)
    random = np.random.default_rng(point)
    shape = 150 + 100 * np.sin(np.arange(per_day) * 2 * np.pi / per_day)
    energy = random.poisson(np.tile(shape, days)) * (step_of(point) // 900)
    return (MODULUS - 40_000 * (point % 5) + np.concatenate(([0], np.cumsum(energy)))) % MODULUS


def reading(
    point: int, first: int, last: int, values: np.ndarray, known_at: datetime, status: int = 0, obis: ObisCode = IMPORT
) -> ProfileReading:
    """Snapshots number `first` to `last` (0 is at START)."""
    step = step_of(point)
    stamps = ORIGIN + step * np.arange(first, last + 1, dtype=np.int64)
    flags = np.full(len(stamps), status, dtype=np.uint8)
    return ProfileReading(point, obis, step, stamps, values[first : last + 1], flags, known_at, 10 + point)


def stamped(point: int, second: int, value: int, known_at: datetime) -> RegisterReading:
    stamp = START + timedelta(seconds=second)
    return RegisterReading(point, ACTIVE_ENERGY_IMPORT, stamp, value, known_at, 5)
