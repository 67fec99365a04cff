"""A small district: households with their meters, made and entered into the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from openami.app.other_media import heated
from openami.app.parts import BackOffice
from openami.app.two_seals import SealKeys
from openami.field.meter.codes import EXPORT, IMPORT
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.daylight_saving import british
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.real_curves import Window, replayed
from openami.field.meter.sealed_meter import SealedMeter
from openami.field.meter.synthetic_pv import netted, synthetic_pv
from openami.io.keystore.meter_keys import MeterKeys
from openami.model.point import ChannelKind, Meter
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.dlms.cosem.disconnect_control import ControlMode
from openami.protocols.dlms.security import SecurityKeys

ZONE = "Europe/London"
HALF_HOUR_S, QUARTER_HOUR_S = 1800, 900
TREES = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Cherry", "Chestnut", "Elder", "Elm", "Fir", "Hazel",
    "Hawthorn", "Holly", "Hornbeam", "Juniper", "Larch", "Lime", "Maple", "Oak", "Pine", "Poplar", "Rowan", "Willow",
)  # fmt: skip
STREETS = ("Mill Lane", "Station Road", "Orchard Row")


@dataclass(frozen=True, slots=True)
class Household:
    """One of the district: what it is called, where it is, and the meter in its cupboard.

    `sealed` stands in front of a meter of the two-seal class.
    """

    number: int
    name: str
    service_address: str
    transformer: str
    meter: ElectricityMeter
    sealed: SealedMeter | None = None

    @property
    def login(self) -> str:
        """The consumer's log-in."""
        return self.name.split()[0].lower()


def households(
    count: int, start: float, push_destination: str, random: Callable[[int], bytes], seals: SealKeys | None = None
) -> Iterator[Household]:
    """`count` households whose meters begin to live at `start` (UTC seconds), with fresh keys out of `random`.

    Every meter replays one of the real households, each in another week, so that no two are alike. Most capture in
    the source's half hours; every sixth shows quarter hours that were split evenly, and every eighth has a synthetic
    photovoltaic plant: both stand in the meter's label. With `seals` all but every fourth are of the two-seal class.
    """
    for number in range(count):
        street = number * len(STREETS) // count
        two_seals = seals is not None and number % 4 != 3
        meter = _meter(number, start, push_destination, random, two_seals=two_seals)
        title = meter.config.system_title
        yield Household(
            number,
            f"{TREES[number % len(TREES)]}{number // len(TREES) or ''} household",
            f"{number % 8 + 1} {STREETS[street]}",
            f"T{street + 1}",
            meter,
            SealedMeter(meter, seals.meter(title), random) if seals and two_seals else None,
        )


def register(office: BackOffice, members: list[tuple[Household, str]]) -> dict[int, Meter]:
    """Enter households into the registry and their keys into the keystore; `members` come with their meters' links.

    Gives the registry's meter by the household's number.
    """
    office.keystore.put_many({house.meter.config.system_title: _keystore_record(house.meter) for house, _ in members})
    with office.store.transaction():
        return {house.number: _register(office, house, link) for house, link in members}


def _register(office: BackOffice, house: Household, link: str) -> Meter:
    registry, config = office.registry, house.meter.config
    since = datetime.fromtimestamp(house.meter.now, UTC)
    point = registry.add_point(f"OAM-{house.number + 1:06d}", house.service_address, ZONE, house.transformer)
    title, curve = config.system_title, house.meter.label
    guarantee = GuaranteeClass.TWO_SEALS if house.sealed else GuaranteeClass.SHARED_KEYS
    meter = registry.add_meter(config.serial, title, guarantee, link, "wrapper", curve)
    for number, (obis, kind) in enumerate(
        (
            (obis, kind)
            for obis in (IMPORT, EXPORT)
            for kind in (ChannelKind.INTERVAL_ENERGY, ChannelKind.REGISTER_SNAPSHOT)
        ),
        start=1,
    ):
        registry.add_channel(point.id, number, obis, kind, Unit.WATT_HOUR, 0, config.capture_period_s)
    registry.install(meter.id, point.id, since)
    registry.supply(registry.add_consumer(house.name).id, point.id, since)
    return meter


def _meter(
    number: int, start: float, push_destination: str, random: Callable[[int], bytes], *, two_seals: bool
) -> ElectricityMeter:
    period_s = QUARTER_HOUR_S if number % 6 == 5 else HALF_HOUR_S
    window = replayed(("uk-2", "uk-1")[number % 2], start, weeks_back=number // 2).split(period_s)
    config = MeterConfig(
        serial=f"{10_000_001 + number}",
        system_title=b"OAM" + (number + 1).to_bytes(5, "big"),
        keys=SecurityKeys(random(16), random(16)),
        capture_period_s=period_s,
        drift_ppm=float(number % 7 - 3),
        daylight_saving=british(),
        import_wh=1_000_000 + 37_000 * number,
        phases=3 if number % 5 == 4 else 1,
        push_destination=push_destination,
        control_mode=ControlMode.MODE_1 if two_seals else ControlMode.MODE_2,
        sub_meters=(1,) if heated(number) else (),
    )
    return ElectricityMeter(config, _curve(number, window), start)


def _curve(number: int, window: Window) -> ArrayCurve:
    if number % 8 != 7:
        return ArrayCurve.replay(window)
    plant = synthetic_pv(number, window.start_s, window.interval_s, len(window.energy_wh))
    return ArrayCurve.replay(*netted(window, plant))


def _keystore_record(meter: ElectricityMeter) -> MeterKeys:
    keys = meter.config.keys
    return MeterKeys(keys.global_unicast_encryption_key, keys.authentication_key)
