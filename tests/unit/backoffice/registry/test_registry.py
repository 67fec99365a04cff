"""The registry: lookups, history without overlaps, and messages that say what is in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.model.errors import Conflict, SettingError
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Installation, Supply
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from stores import in_memory

AT = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
IMPORT = ObisCode(1, 0, 1, 8, 0)


@pytest.fixture
def registry():
    store = in_memory()
    made = Registry(store)
    for number in (1, 2):
        made.add_point(f"P{number}", f"{number} High Street", "Europe/Berlin", "T1")
        made.add_meter(f"M{number}", bytes([number] * 8), GuaranteeClass.SHARED_KEYS, "tcp://127.0.0.1:4059")
        made.add_consumer(f"Consumer {number}")
    return made


def test_points_are_found(registry):
    point = registry.point_by_code("P2")
    assert (point.id, point.service_address, point.zone, point.transformer) == (
        2,
        "2 High Street",
        "Europe/Berlin",
        "T1",
    )
    assert registry.point(2) == point
    assert registry.points() == [registry.point(1), point]
    assert registry.point_by_code("P3") is None


def test_meters_are_found(registry):
    meter = registry.meter_by_serial("M1")
    assert registry.meter_by_system_title(bytes([1] * 8)) == meter == registry.meter(1)
    assert meter.guarantee is GuaranteeClass.SHARED_KEYS
    assert registry.meter_by_serial("M3") is registry.meter_by_system_title(b"") is None
    assert registry.change_link(1, None).link is None


def test_what_is_not_there_is_named(registry):
    for ask in (registry.point, registry.meter, registry.consumer):
        with pytest.raises(NotRegistered, match="77 is not in the registry"):
            ask(77)
    with pytest.raises(NotRegistered, match="point 1, channel 7"):
        registry.channel(1, 7)


def test_twice_is_a_conflict(registry):
    with pytest.raises(Conflict, match="metering point P1"):
        registry.add_point("P1", "elsewhere", "UTC")
    with pytest.raises(Conflict, match="meter M1"):
        registry.add_meter("M1", b"other", GuaranteeClass.SHARED_KEYS, None)
    with pytest.raises(Conflict, match="0101010101010101"):
        registry.add_meter("M9", bytes([1] * 8), GuaranteeClass.SHARED_KEYS, None)


def test_a_zone_must_exist(registry):
    for zone in ("Europe/Atlantis", "", "../etc/passwd"):
        with pytest.raises(SettingError, match="time zone"):
            registry.add_point("P9", "9 High Street", zone)


def test_channels(registry):
    channel = registry.add_channel(1, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900, 10**8)
    assert channel == Channel(1, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900, 10**8)
    assert registry.channels(1) == [channel]
    assert registry.channels(2) == []
    with pytest.raises(Conflict, match="channel 1 of metering point 1"):
        registry.add_channel(1, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)


@pytest.mark.parametrize(
    ("kind", "resolution_s"),
    [(ChannelKind.INTERVAL_ENERGY, 0), (ChannelKind.INTERVAL_ENERGY, 700), (ChannelKind.STAMPED_REGISTER, 900)],
)
def test_a_resolution_fits_the_kind(registry, kind, resolution_s):
    with pytest.raises(SettingError, match="no resolution"):
        registry.add_channel(1, 1, IMPORT, kind, Unit.WATT_HOUR, 0, resolution_s)


def test_installations_have_history(registry):
    registry.install(1, 1, AT)
    registry.exchange(1, 2, AT + 3 * DAY)
    first, second = Installation(1, 1, AT, AT + 3 * DAY), Installation(2, 1, AT + 3 * DAY, None)
    assert registry.installations_of_point(1) == [first, second]
    assert registry.installations(1) == [first]
    assert registry.installation_at(1, AT + 3 * DAY - timedelta(seconds=1)) == first
    assert registry.installation_at(1, AT + 3 * DAY) is None
    assert registry.installation_at(2, AT + 3 * DAY) == second
    assert registry.installation_at(2, AT) is None
    registry.install(1, 2, AT + 4 * DAY)
    assert registry.installations(1)[-1] == Installation(1, 2, AT + 4 * DAY, None)


def test_installations_never_overlap(registry):
    registry.install(1, 1, AT)
    with pytest.raises(Conflict, match="of metering point 1"):
        registry.install(2, 1, AT + DAY)
    with pytest.raises(Conflict, match="of meter 1"):
        registry.install(1, 2, AT + DAY)
    with pytest.raises(Conflict, match="of metering point 1"):
        registry.install(2, 1, AT - DAY)
    with pytest.raises(Conflict, match="nothing to end"):
        registry.remove(2, AT)
    with pytest.raises(Conflict, match="cannot end"):
        registry.remove(1, AT)


def test_a_refused_exchange_changes_nothing(registry):
    registry.install(1, 1, AT)
    registry.install(2, 2, AT)
    with pytest.raises(Conflict):
        registry.exchange(1, 2, AT + DAY)
    assert registry.installations_of_point(1) == [Installation(1, 1, AT, None)]


def test_people_move(registry):
    registry.supply(1, 1, AT)
    with pytest.raises(Conflict):
        registry.supply(2, 1, AT + DAY)
    registry.end_supply(1, AT + 2 * DAY)
    registry.supply(2, 1, AT + 2 * DAY)
    registry.supply(2, 2, AT)
    assert registry.supply_at(1, AT + DAY) == Supply(1, 1, AT, AT + 2 * DAY)
    assert registry.supply_at(1, AT + 2 * DAY) == Supply(2, 1, AT + 2 * DAY, None)
    assert registry.supply_at(1, AT - DAY) is None
    assert [supply.metering_point for supply in registry.supplies_of_consumer(2)] == [1, 2]
    assert [supply.consumer for supply in registry.supplies_of_point(1)] == [1, 2]
    assert [consumer.name for consumer in registry.consumers()] == ["Consumer 1", "Consumer 2"]


def test_addresses_have_history(registry):
    assert registry.change_address(1, "1a High Street", AT).service_address == "1a High Street"
    assert registry.address_at(1, AT - DAY) == "1 High Street"
    assert registry.address_at(1, AT) == "1a High Street"
    with pytest.raises(Conflict, match="changed at"):
        registry.change_address(1, "1b High Street", AT)


def test_what_joins_must_be_there(registry):
    with pytest.raises(Conflict):
        registry.install(99, 1, AT)
    with pytest.raises(Conflict):
        registry.supply(1, 99, AT)


def test_every_change_moves_the_revision(registry):
    seen = [registry.state()]
    for change in (
        lambda: registry.install(1, 1, AT),
        lambda: registry.remove(1, AT + DAY),
        lambda: registry.add_channel(1, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900),
        lambda: registry.change_address(1, "elsewhere", AT),
    ):
        change()
        seen.append(registry.state())
    assert seen == sorted(set(seen))
