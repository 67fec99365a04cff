"""Water, gas and heat on the operator's pages: register by register, with class and bytes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openami.model.obis import ObisCode
from openami.model.point import ONE_WAY, ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import RegisterReading
from openami.model.unit import Unit
from portal_world import NOW, browser, log_in, make_district, make_operations, make_world_portal

GAS = ObisCode(7, 0, 3, 0, 0)
RECORDS = bytes.fromhex("2f2f0c1360226307")


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    return make_district(tmp_path_factory.mktemp("reads"))


@pytest.fixture(scope="module")
def portal(district):
    return make_world_portal(district, make_operations(district))


@pytest.fixture(scope="module")
def heard(district):
    return gas_meter(district, "03000001", 3)


def gas_meter(district, serial, days):
    """A gas meter that was heard on each of the last days."""
    registry, mdm = district.registry, district.mdm
    point = registry.add_point(f"G-{serial}", "1 Mill Lane, gas", "Europe/London")
    registry.add_channel(point.id, 1, GAS, ChannelKind.STAMPED_REGISTER, Unit.CUBIC_METRE, -3, 0)
    meter = registry.add_meter(serial, serial.encode(), GuaranteeClass.SHARED_KEYS, None, ONE_WAY)
    registry.install(meter.id, point.id, NOW - timedelta(days=30))
    for day in range(days):
        at = NOW - timedelta(days=days - day, hours=-1)
        evidence = mdm.keep_evidence(meter.id, at, "wmbus", (b"\x50\x44sealed",), RECORDS, f"heard, day {day}")
        mdm.take_register([RegisterReading(meter.id, GAS, at, 7_000_000 + 18_480 * day, at, evidence)])
    return meter


async def page(portal, address):
    async with browser(portal) as client:
        await log_in(client, "operator")
        text = (await client.get(address)).text
    return text.replace("\u202f", " ").replace("\u00a0", " ")


async def test_a_consumer_sees_days_and_reads_of_their_own_supply_alone(district, portal, heard):
    (hung,) = district.registry.installations(heard.id)
    district.registry.supply(district.anna.id, hung.metering_point, NOW - timedelta(days=2))
    async with browser(portal) as client:
        await log_in(client, "anna")
        places = (await client.get("/my")).text
        address = f"/my/{hung.metering_point}/reads"
        assert f'href="{address}"' in places
        assert 'href="/my/1/day?date=' in places
        text = (await client.get(address)).text.replace("\u202f", " ").replace("\u00a0", " ")
        assert (await client.get("/my/1/reads")).status_code == 404
    assert "<h2>Gas</h2>" in text
    assert '<p class="total">7 036.960 m³</p>' in text
    assert text.count(">18.480 m³<") == 2, "one day, one read: what was before the supply is somebody else's"
    async with browser(portal) as client:
        await log_in(client, "bert")
        assert (await client.get(address)).status_code == 404


async def test_a_meter_at_a_consumer_port_shows_what_was_drawn_and_fed_in_each_day(district, portal):
    registry, mdm = district.registry, district.mdm
    codes = [ObisCode(1, 0, way, 8, tariff) for way in (1, 2) for tariff in (1, 2)]
    point = registry.add_point("E-P1", "2 Mill Lane", "Europe/London")
    meter = registry.add_meter("E0044", b"E0044", GuaranteeClass.UNAUTHENTICATED, None, ONE_WAY)
    for number, code in enumerate(codes, start=1):
        registry.add_channel(point.id, number, code, ChannelKind.STAMPED_REGISTER, Unit.WATT_HOUR, 0, 0)
    registry.install(meter.id, point.id, NOW - timedelta(days=30))
    registry.supply(district.anna.id, point.id, NOW - timedelta(days=30))
    for day in (0, 1):
        at = NOW - timedelta(days=1 - day, hours=1)
        evidence = mdm.keep_evidence(meter.id, at, "p1", (b"/OAM5",), b"/OAM5", "told")
        told = [RegisterReading(meter.id, code, at, 1_000 + n * day, at, evidence) for n, code in enumerate(codes, 1)]
        mdm.take_register(told[: 3 if day else 4])
    async with browser(portal) as client:
        await log_in(client, "anna")
        text = (await client.get(f"/my/{point.id}/reads")).text.replace("\u202f", " ").replace("\u00a0", " ")
    assert "<h2>Electricity</h2>" in text
    assert "drawn, tariff 1, on the register" in text
    assert "fed in, tariff 2" in text
    assert '<th scope="col" class="number">Drawn</th><th scope="col" class="number">Fed in</th>' in text
    assert '<td class="number">0.003 kWh</td><td class="number">–</td></tr>' in text


async def test_the_fleet_tells_when_it_was_heard_last(portal, heard):
    shown = await page(portal, "/operator?q=03000001")
    assert "1 Mill Lane, gas" in shown
    assert "up to date" in shown
    assert heard.serial in shown
    assert "sealed" in shown


async def test_a_meter_that_was_never_heard_is_told(district, portal):
    gas_meter(district, "03000002", 0)
    assert "never read</span>" in await page(portal, "/operator?q=03000002")


async def test_a_meters_reads_stand_with_what_flowed_and_their_bytes(portal, heard):
    shown = await page(portal, f"/operator/meters/{heard.id}")
    assert "Load curve" not in shown
    assert "Read now" not in shown
    assert shown.count(">18.480 m³<") == 2
    assert "7 036.960 m³" in shown
    assert shown.count("/operator/evidence/") == 3


async def test_the_evidence_explains_m_bus_records(portal, heard):
    shown = await page(portal, f"/operator/meters/{heard.id}")
    link = shown.split('href="/operator/evidence/')[1].split('"')[0]
    explained = await page(portal, f"/operator/evidence/{link}")
    assert "wmbus" in explained
    assert "7632.260 m³" in explained
