"""Collector and head-end, both ends in memory: uploads, circuits, outages, meters that move."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from collector_rig import QUICK, Site, Zone, heard, meters_of, numbers, until
from openami.backoffice.operations.headend_client import HeadendClient, HeadendRefused
from openami.backoffice.operations.read_plan import ReadPlan
from openami.field.collector import CollectorSettings, DirectMeters
from openami.field.collector.embedded import EmbeddedMeter
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.headend.collector_session import Allowance
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import MeterSeen
from openami.protocols.dlms.gateway import REQUEST, RESPONSE, GatewayAddress, Prefixed, decode_prefixed, encode_prefixed
from openami.protocols.dlms.wrapper import decode_wrapper, encode_wrapper
from openami.protocols.zones.collector_connection import LIFETIME_S
from openami.protocols.zones.collector_message import Lane
from openami.protocols.zones.message import RefusalCause
from openami.simulation.disk import FaultDisk
from operations_rig import NEXT, Chance, Rig
from virtual_loop import in_virtual_time

DAY_S = 86_400


class Quiet:
    """A neighbourhood that a test speaks for."""

    def __init__(self, answer=None):
        self.events, self.answer, self.triggered = asyncio.Queue(), answer, []

    async def next_event(self):
        return await self.events.get()

    async def open(self, address):
        return self.answer(address)

    async def trigger(self, address):
        self.triggered.append(address)


def echoing(address):
    """A meter that answers each piece with its bytes in reverse order."""
    near, far = memory_pair()

    async def serve():
        while data := await far.receive():
            await far.send(data[::-1])

    near.task = asyncio.get_running_loop().create_task(serve())
    near.address = address
    return near


@in_virtual_time
async def test_what_meters_push_lands_in_the_spool_of_the_head_end_with_its_origin():
    zone, meters = Zone(), DirectMeters({"m1": ("10.0.0.7", 4059)})
    site = Site("c1", zone, meters).start()
    for payload in heard(range(50)):
        await meters.take("tcp", "tcp:10.0.0.7:999", payload)
    await until(lambda: zone.spool.waiting == 50)
    pushes = zone.pushes()
    assert numbers(pushes) == list(range(50))
    assert {push.source for push in pushes} == {"collector://c1/m1"}
    assert [push.origin.number for push in pushes] == list(range(1, 51))
    await until(lambda: site.collector.lanes.lane(Lane.BULK).spool.waiting == 0)


@in_virtual_time
async def test_an_alarm_overtakes_the_bulk_that_waits():
    zone, meters = Zone(allowance=Allowance(window_bytes=1 << 16, bytes_per_s=20_000)), DirectMeters({})
    site = Site("c1", zone, meters, settings=CollectorSettings(spread_s=0, retry_s=1, upload_bytes=1 << 13))
    await site.cut()
    site.start()
    for payload in heard(range(1000), 1000):
        await meters.take("udp", "udp:10.0.0.7:999", payload)
    await until(lambda: site.collector.lanes.heard == 1000)
    site.wan = True
    await until(lambda: zone.spool.waiting > 10)
    await meters.take("udp", "udp:10.0.0.8:999", (77_777).to_bytes(4, "big") + b"alarm")
    await until(lambda: zone.spool.waiting == 1001)
    place = numbers(zone.pushes()).index(77_777)
    assert place < 150, "an alarm waits for what is under way, not for all that waits"
    assert sorted(numbers(zone.pushes())) == [*range(1000), 77_777]


@in_virtual_time
async def test_an_outage_of_a_week_loses_nothing():
    zone, meters = Zone(), DirectMeters({})
    patient = CollectorSettings(spread_s=0, retry_s=10, retry_max_s=900, status_every_s=900)
    site = Site("c1", zone, meters, limit_bytes=1 << 22, settings=patient).start()
    await until(lambda: site.collector.uplink.connected)
    await site.cut()
    for hour in range(7 * 24):
        for payload in heard(range(hour * 20, hour * 20 + 20), 300):
            await meters.take("udp", f"udp:10.0.0.{hour % 20}:999", payload)
        await asyncio.sleep(3600)
    assert zone.spool.waiting == 0
    site.wan = True
    began = zone.clock.time()
    await until(lambda: zone.spool.waiting == 7 * 24 * 20)
    assert zone.clock.time() - began < 2 * 3600
    assert sorted(numbers(zone.pushes())) == list(range(7 * 24 * 20))
    assert site.collector.lanes.given_up == 0


@in_virtual_time
async def test_a_full_disk_gives_up_the_oldest_and_says_how_many():
    zone, meters = Zone(), DirectMeters({})
    site = Site("c1", zone, meters, limit_bytes=1 << 16)
    await site.cut()
    site.start()
    for payload in heard(range(500), 1000):
        await meters.take("udp", "udp:10.0.0.1:999", payload)
    await until(lambda: site.collector.lanes.heard == 500)
    lanes = site.collector.lanes
    assert lanes.given_up > 400
    assert lanes.lane(Lane.BULK).spool.size <= 1 << 16
    site.wan = True
    await until(lambda: zone.spool.waiting == 500 - lanes.given_up)
    assert numbers(zone.pushes()) == list(range(lanes.given_up, 500))
    (view,) = (await HeadendClient(zone.reach, zone.clock).collectors()).collectors
    assert view.items == 500 - lanes.given_up


@in_virtual_time
async def test_a_disk_that_fails_for_a_while_refuses_items_and_the_collector_goes_on():
    zone, meters, disk = Zone(), DirectMeters({}), FaultDisk()
    site = Site("c1", zone, meters, disk=disk).start()
    await until(lambda: site.collector.uplink.connected)
    disk.fails = {disk.steps + 1, disk.steps + 2, disk.steps + 3}
    for payload in heard(range(3)):
        await meters.take("udp", "udp:10.0.0.1:999", payload)
        await asyncio.sleep(1)
    await meters.take("udp", "udp:10.0.0.1:999", heard([9])[0])
    await until(lambda: zone.spool.waiting)
    lanes = site.collector.lanes
    assert lanes.refused >= 1
    assert lanes.refused + lanes.heard == 4
    assert numbers(zone.pushes())[-1] == 9


@in_virtual_time
async def test_a_circuit_goes_through_to_the_meter_and_more_than_its_window_fits():
    zone = Zone()
    quiet = Quiet(echoing)
    await quiet.events.put(MeterSeen("m1"))
    site = Site("c1", zone, quiet).start()
    await until(lambda: site.collector.uplink.connected)
    office = HeadendClient(zone.reach, zone.clock)
    circuit = await office.open_circuit("collector://c1/m1", 5)
    payload = b"\x7e" + bytes(range(256)) * 2000

    async def send():
        await circuit.send(payload)

    sending = asyncio.get_running_loop().create_task(send())
    got = b""
    while len(got) < len(payload):
        got += await circuit.receive()
    await sending
    assert sorted(got) == sorted(payload)
    await circuit.close()
    await until(lambda: not len(site.collector.uplink._channels))


@in_virtual_time
async def test_the_gateway_prefix_is_taken_off_and_put_on_and_nothing_else_changes():
    near, far = memory_pair()
    zone, quiet = Zone(), Quiet(lambda _address: near)
    await quiet.events.put(MeterSeen("m1"))
    site = Site("c1", zone, quiet).start()
    await until(lambda: site.collector.uplink.connected)
    circuit = await HeadendClient(zone.reach, zone.clock).open_circuit("collector://c1/m1", 5)
    address = GatewayAddress(0, b"m1")
    request = encode_wrapper(encode_prefixed(Prefixed(REQUEST, address, b"\xc0\x01")), 16, 1)
    await circuit.send(request[:7])
    await circuit.send(request[7:])
    assert await far.receive() == encode_wrapper(b"\xc0\x01", 16, 1)
    await far.send(encode_wrapper(b"\xc4\x01\x02", 1, 16))
    answer = decode_wrapper(await circuit.receive())
    assert decode_prefixed(answer.apdu) == Prefixed(RESPONSE, address, b"\xc4\x01\x02")
    assert (answer.source, answer.destination) == (1, 16)


@pytest.mark.parametrize("framing", ["wrapper", "gateway", "hdlc"])
@in_virtual_time
async def test_a_campaign_reads_meters_behind_a_collector_that_has_no_key(framing):
    rig = Rig(meters=2, framing=FramingKind.HDLC if framing == "hdlc" else FramingKind.WRAPPER)
    zone = Zone(clock=rig.clock)
    site = Site("c1", zone, meters_of(rig.field), group="hill").start()
    rig.headend = zone.headend
    await until(lambda: site.collector.uplink.connected)
    with rig.store.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE meter SET framing = '{framing}'")
    for number, identity in enumerate(rig.ids):
        rig.registry.change_link(identity, f"collector://hill/m{number}")
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.failed) == (2, 0)
    assert rig.energy(0) == [250] * 96
    await rig.close()


@in_virtual_time
async def test_refusals_say_why():
    zone, meters = Zone(), DirectMeters({})
    site = Site("c1", zone, meters).start()
    await until(lambda: site.collector.uplink.connected)
    office = HeadendClient(zone.reach, zone.clock)
    for link, cause in (
        ("collector://c1/m9", RefusalCause.CONNECT_FAILED),
        ("collector://c9/m1", RefusalCause.CONNECT_FAILED),
        ("collector://c9", RefusalCause.BAD_ADDRESS),
        ("collector:///m1", RefusalCause.BAD_ADDRESS),
    ):
        with pytest.raises(HeadendRefused) as refused:
            await office.open_circuit(link, 5)
        assert refused.value.refusal is cause


@in_virtual_time
async def test_a_neighbour_stands_in_for_a_collector_that_lost_its_wan():
    zone = Zone()
    one, two = Quiet(echoing), Quiet(echoing)
    for quiet in (one, two):
        await quiet.events.put(MeterSeen("m1"))
    sites = [Site(name, zone, quiet, group="hill").start() for name, quiet in (("c1", one), ("c2", two))]
    stranger = Site("c3", zone, Quiet(echoing), group="dale").start()
    await until(lambda: all(site.collector.uplink.connected for site in (*sites, stranger)))
    office = HeadendClient(zone.reach, zone.clock)
    await sites[0].cut()
    await asyncio.sleep(1)
    circuit = await office.open_circuit("collector://c1/m1", 5)
    await circuit.send(b"~abc")
    assert await circuit.receive() == b"cba~"
    await circuit.close()
    await sites[1].cut()
    await asyncio.sleep(1)
    with pytest.raises(HeadendRefused, match="no collector is connected"):
        await office.open_circuit("collector://c1/m1", 5)


@in_virtual_time
async def test_the_back_office_sees_collectors_and_meters_and_can_ask_for_a_push():
    zone, quiet = Zone(), Quiet()
    await quiet.events.put(MeterSeen("m1", b"OAM\0\0\0\0\1"))
    site = Site("c1", zone, quiet, group="hill").start()
    await until(lambda: site.collector.uplink.connected)
    office = HeadendClient(zone.reach, zone.clock)
    await asyncio.sleep(1)
    (view,) = (await office.collectors()).collectors
    assert (view.name, view.neighbourhood, view.meters) == ("c1", "hill", 1)
    assert (await office.meters("c1")).meters == {"m1": b"OAM\0\0\0\0\1"}
    await office.trigger_push("collector://c1/m1")
    await until(lambda: quiet.triggered == ["m1"])


@in_virtual_time
async def test_a_second_connection_of_one_collector_ends_the_first():
    zone, meters = Zone(), DirectMeters({})
    site = Site("c1", zone, meters).start()
    await until(lambda: site.collector.uplink.connected)
    twin = Site("c1", zone, DirectMeters({}), settings=QUICK).start()
    await until(lambda: twin.collector.uplink.connected)
    assert list(zone.headend._collectors._sessions) == ["c1"]


@in_virtual_time
async def test_after_two_days_a_connection_is_made_anew():
    zone = Zone()
    site = Site("c1", zone, DirectMeters({})).start()
    await until(lambda: site.collector.uplink.connected)
    await asyncio.sleep(LIFETIME_S - 600)
    assert len(site.links) == 1
    await asyncio.sleep(1200)
    assert len(site.links) == 2
    assert site.collector.uplink.connected


@in_virtual_time
async def test_campaigns_respect_the_border_between_two_way_and_one_way_meters():
    rig = Rig(meters=2)
    with rig.store.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE meter SET framing = 'one-way' WHERE id = {rig.ids[0]}")
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.failed, view.by_cause) == (1, 1, {"one-way": 1})
    assert len(rig.operations.attempts(campaign, rig.ids[0])) == 1, "asking again cannot help"
    assert rig.field.dials == 1
    rig.operations.put_schedule(
        "all", ReadPlan(), every_s=3600, window_s=3600, deadline_s=600, first_at=NEXT - timedelta(hours=1)
    )
    rig.operations._due()
    assert rig.operations.campaigns()[0].total == 1, "the schedule asks only those who answer"
    await rig.close()


@in_virtual_time
async def test_a_meter_embeds_a_collector():
    rig = Rig(meters=1)
    zone = Zone(clock=rig.clock)
    meter = rig.field.meters[0]
    service = MeterService(meter, rig.clock, random=Chance("embedded"))
    asked = []
    embedded = EmbeddedMeter("self", meter.config.system_title, service.serve, lambda: asked.append(1))
    site = Site("c1", zone, embedded).start()
    rig.headend = zone.headend
    await until(lambda: site.collector.uplink.connected)
    rig.registry.change_link(rig.ids[0], "collector://c1/self")
    campaign = rig.campaign()
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).completed == 1
    await embedded.deliver(b"sealed")
    await HeadendClient(zone.reach, zone.clock).trigger_push("collector://c1/self")
    await until(lambda: zone.spool.waiting and asked)
    await rig.close()
