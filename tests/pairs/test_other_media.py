"""Gas, water and heat into metering data management: from the air, a bus, and behind an electricity meter."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from collector_rig import Site, Zone, until
from openami.backoffice.operations import ReadPlan
from openami.backoffice.operations.assignment import Assignments
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.push_store import PushState
from openami.backoffice.operations.read_plan import CHANNELS
from openami.backoffice.operations.settings import OperationsSettings
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.local_ports import LocalFace, local_port
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.mbus_master import attend_sub_meters
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.keystore import MeterKeys
from openami.io.links.mbus import MbusMaster
from openami.io.links.memory import memory_pair
from openami.io.links.wmbus import RadioListener, WirelessNeighbourhood
from openami.model.obis import ObisCode
from openami.model.point import ONE_WAY, ChannelKind, behind_meter
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, seal_p1
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.sml.element import unsigned
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import GetListResponse
from openami.protocols.sml.transport import encode_transport
from openami.protocols.sml.types import ListEntry
from operations_rig import DAY, IMPORT, NEXT, Field, Rig
from virtual_loop import in_virtual_time

KEY = bytes(range(16))
WATER, GAS, HEAT = ObisCode(8, 0, 1, 0, 0), ObisCode(7, 0, 3, 0, 0), ObisCode(6, 0, 1, 0, 0)
UNTIL = NEXT + timedelta(days=2)


def device(kind, number="10000001", address=1):
    return PipeMeter(PipeMeterConfig(kind, number, address), DailyFlow(int(DAY.timestamp()) - 86_400))


def enter(rig, serial, title, guarantee, obis, unit=Unit.CUBIC_METRE, scaler=-3, link=None, framing=ONE_WAY):
    """A meter at a point of its own, with one channel for single reads; the point."""
    point = rig.registry.add_point(f"P-{serial}", "Cellar", "Europe/London")
    rig.registry.add_channel(point.id, 1, obis, ChannelKind.STAMPED_REGISTER, unit, scaler, 0)
    meter = rig.registry.add_meter(serial, title, guarantee, link, framing)
    rig.registry.install(meter.id, point.id, DAY - timedelta(days=30))
    return point.id, meter.id


def on_air(kind=PipeKind.WATER, security=Security.MODE_7, number="10000001"):
    key = b"" if security is Security.PLAIN else KEY
    return WirelessMeter(device(kind, number), WirelessSettings(security=security, key=key), 0.0, counter=100)


def telegram(meter, at):
    meter.handle_timeout(at.timestamp())
    (frame,) = meter.data_to_send()
    return frame


def registers(rig, point, obis):
    return [(each.stamp, each.register) for each in rig.mdm.registers(point, obis, DAY, UNTIL)]


@pytest.fixture
def rig():
    return Rig(meters=1)


@in_virtual_time
async def test_a_sealed_telegram_passes_the_spool_closed_and_is_opened_with_the_meters_key(rig):
    meter = on_air()
    title = device(PipeKind.WATER).address.link_order
    point, identity = enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    frame = telegram(meter, NEXT)
    await rig.push(frame)
    assert await rig.operations.pull_spool() == 1
    ((stamp, value),) = registers(rig, point, WATER)
    assert value == device(PipeKind.WATER).flow.volume_ml(NEXT.timestamp()) // 1000
    (kept,) = rig.mdm.registers(point, WATER, DAY, UNTIL)
    evidence = rig.mdm.evidence(kept.evidence)
    assert (evidence.protocol, evidence.received, evidence.meter) == ("wmbus", (frame,), identity)
    assert evidence.plain[:8] not in frame
    assert stamp == int(NEXT.timestamp())
    assert rig.operations.quarantined() == []


@in_virtual_time
async def test_a_telegram_that_comes_again_changes_nothing(rig):
    meter = on_air()
    title = device(PipeKind.WATER).address.link_order
    point, _ = enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    frame = telegram(meter, NEXT)
    for _ in range(2):
        await rig.push(frame)
    await rig.operations.pull_spool()
    await asyncio.sleep(7_200)
    rig.restart()
    await rig.push(frame)  # and by a hostile head-end two hours later
    await rig.operations.pull_spool()
    assert rig.operations.pushes() == {PushState.OPENED: 1, PushState.REPEATED: 2}
    assert len(registers(rig, point, WATER)) == 1


@in_virtual_time
async def test_a_meter_on_the_air_that_falls_silent_is_an_alert(rig):
    meter = on_air()
    title = device(PipeKind.WATER).address.link_order
    enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    for hour in range(4):
        await rig.push(telegram(meter, NEXT + timedelta(hours=hour)))
        await rig.operations.pull_spool()
        await asyncio.sleep(3_600)
    assert rig.operations.incidents() == []
    await asyncio.sleep(7_200)
    await rig.operations.pull_spool()
    (incident,) = rig.operations.incidents()
    assert (incident.code, list(incident.meters)) == ("heartbeats are missing", ["W1"])


@in_virtual_time
async def test_of_a_talkative_meter_one_telegram_an_hour_is_stored(rig):
    meter = on_air(security=Security.PLAIN)
    point, _ = enter(rig, "W1", device(PipeKind.WATER).address.link_order, GuaranteeClass.UNAUTHENTICATED, WATER)
    for _ in range(8):  # every quarter of an hour
        now = datetime.fromtimestamp(rig.clock.time(), UTC)
        await rig.push(telegram(meter, now))
        await asyncio.sleep(1_000)
    await rig.operations.pull_spool()
    assert len(registers(rig, point, WATER)) == 2
    assert sum(rig.operations.pushes().values()) == 8


@pytest.mark.parametrize(
    ("security", "cause"),
    [(Security.PLAIN, "seals its telegrams better"), (Security.MODE_5, "seals its telegrams better")],
)
@in_virtual_time
async def test_a_telegram_that_is_protected_less_than_the_registry_says_is_refused(security, cause):
    rig = Rig(meters=1)
    title = device(PipeKind.WATER).address.link_order
    point, identity = enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    await rig.push(telegram(on_air(security=security), NEXT))
    await rig.operations.pull_spool()
    (refused,) = rig.operations.quarantined(identity)
    assert cause in refused.reason
    assert registers(rig, point, WATER) == []


@in_virtual_time
async def test_plain_in_the_name_of_a_meter_with_a_key_is_refused(rig):
    title = device(PipeKind.WATER).address.link_order
    point, identity = enter(rig, "W1", title, GuaranteeClass.UNAUTHENTICATED, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    await rig.push(telegram(on_air(security=Security.PLAIN), NEXT))
    await rig.push(telegram(on_air(security=Security.MODE_5), NEXT))
    await rig.operations.pull_spool()
    assert len(rig.operations.quarantined(identity)) == 1
    assert len(registers(rig, point, WATER)) == 1


@pytest.mark.parametrize(("key", "cause"), [(None, "no-keys"), (bytes(16), "security-error")])
@in_virtual_time
async def test_what_stays_closed_is_kept_with_its_reason(key, cause):
    rig = Rig(meters=1)
    title = device(PipeKind.WATER).address.link_order
    _, identity = enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    if key is not None:
        rig.keystore.put_many({title: MeterKeys(key, key)})
    await rig.push(telegram(on_air(), NEXT))
    await rig.operations.pull_spool()
    (closed,) = rig.operations.quarantined(identity)
    assert (closed.cause, rig.operations.pushes()) == (cause, {PushState.QUARANTINED: 1})


@in_virtual_time
async def test_the_neighbours_meters_are_left_as_they_came(rig):
    await rig.push(telegram(on_air(), NEXT))
    await rig.operations.pull_spool()
    assert rig.operations.pushes() == {PushState.FOREIGN: 1}
    assert rig.operations.quarantined() == []


@in_virtual_time
async def test_what_the_air_brings_and_nobody_needs_is_forgotten_and_bounded():
    settings = OperationsSettings(telegram_keep_s=3_600, foreign_max=3, forget_every_s=600)
    rig = Rig(meters=1, settings=settings)
    title = device(PipeKind.WATER).address.link_order
    enter(rig, "W1", title, GuaranteeClass.UNAUTHENTICATED, WATER)
    ours, neighbour = on_air(security=Security.PLAIN), on_air(security=Security.PLAIN, number="77777777")
    for number in range(6):
        at = NEXT + timedelta(seconds=1_000 * number)
        await rig.push(telegram(ours, at))
        await rig.push(telegram(neighbour, at))
    await rig.operations.pull_spool()
    assert rig.operations.pushes() == {PushState.OPENED: 1, PushState.REPEATED: 5, PushState.FOREIGN: 3}
    await asyncio.sleep(7_200)
    await rig.operations.pull_spool()
    assert rig.operations.pushes() == {PushState.OPENED: 1}


@in_virtual_time
async def test_counters_that_guard_against_replays_are_never_forgotten():
    rig = Rig(meters=1, settings=OperationsSettings(telegram_keep_s=60, forget_every_s=60))
    title = device(PipeKind.WATER).address.link_order
    enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    meter = on_air()
    first, again = telegram(meter, NEXT), telegram(meter, NEXT + timedelta(seconds=1_000))
    for frame in (first, again):
        await rig.push(frame)
    await rig.operations.pull_spool()
    await asyncio.sleep(7_200)
    await rig.operations.pull_spool()
    await rig.push(again)
    await rig.operations.pull_spool()
    assert rig.operations.pushes()[PushState.OPENED] == 1


@in_virtual_time
async def test_who_shouts_in_the_name_of_our_meter_fills_no_quarantine(rig):
    title = device(PipeKind.WATER).address.link_order
    _, identity = enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(bytes(16), bytes(16))})
    meter = on_air()
    for number in range(5):
        await rig.push(telegram(meter, NEXT + timedelta(seconds=1_000 * number)))
    await rig.operations.pull_spool()
    assert len(rig.operations.quarantined(identity)) == 1
    assert rig.operations.pushes() == {PushState.QUARANTINED: 1, PushState.REPEATED: 4}
    await asyncio.sleep(3_600)
    await rig.push(telegram(meter, NEXT + timedelta(seconds=5_000)))
    await rig.operations.pull_spool()
    assert len(rig.operations.quarantined(identity)) == 2


@in_virtual_time
async def test_p1_and_sml_pushed_by_an_adapter_are_registers_too(rig):
    server = bytes.fromhex("0a014f414d0000000001")
    p1_point, _ = enter(rig, "OAM7", b"p1meter7", GuaranteeClass.UNAUTHENTICATED, IMPORT, Unit.WATT_HOUR, 0)
    sml_point, _ = enter(rig, server.hex(), b"smlmeter", GuaranteeClass.UNAUTHENTICATED, IMPORT, Unit.WATT_HOUR, 0)
    sets = [DataSet("0-0:96.1.1", ("4F414D37",)), DataSet("1-0:1.8.0", ("000123.456*kWh",))]
    entry = ListEntry(bytes.fromhex("0100010800ff"), None, None, 30, -1, unsigned(65_432_19))
    body = GetListResponse(None, server, None, None, (entry,))
    for content in (encode_p1("OAM5METER", sets), encode_transport(encode_file([Message(b"\x01", 0, 0, body)]))):
        await rig.push(content)
    await rig.operations.pull_spool()
    assert [value for _, value in registers(rig, p1_point, IMPORT)] == [123_456]
    assert [value for _, value in registers(rig, sml_point, IMPORT)] == [654_321]


def p1_text(number="4F414D37", kwh="000123.456"):
    return encode_p1("OAM5METER", [DataSet("0-0:96.1.1", (number,)), DataSet("1-0:1.8.0", (f"{kwh}*kWh",))])


@in_virtual_time
@pytest.mark.parametrize("covered", [Authentication.WITH_KEY, Authentication.WITHOUT_KEY])
async def test_encrypted_p1_is_opened_with_the_meters_keys_once(rig, covered):
    point, _ = enter(rig, "LUX7", b"p1meter7", GuaranteeClass.SHARED_KEYS, IMPORT, Unit.WATT_HOUR, 0)
    rig.keystore.put_many({b"p1meter7": MeterKeys(KEY, KEY[::-1])})
    sealed = seal_p1(p1_text(), b"p1meter7", 7, KEY, covered, KEY[::-1])
    await rig.push(sealed)
    await rig.push(sealed)
    await rig.operations.pull_spool()
    assert [value for _, value in registers(rig, point, IMPORT)] == [123_456]
    assert rig.operations.pushes() == {PushState.OPENED: 1, PushState.REPEATED: 1}


@in_virtual_time
async def test_encrypted_p1_under_another_key_is_nobodys(rig):
    point, _ = enter(rig, "LUX7", b"p1meter7", GuaranteeClass.SHARED_KEYS, IMPORT, Unit.WATT_HOUR, 0)
    rig.keystore.put_many({b"p1meter7": MeterKeys(KEY, KEY)})
    await rig.push(seal_p1(p1_text(), b"p1meter7", 7, bytes(16), Authentication.WITHOUT_KEY))
    await rig.operations.pull_spool()
    assert registers(rig, point, IMPORT) == []
    assert PushState.OPENED not in rig.operations.pushes()


@in_virtual_time
async def test_plain_p1_in_the_name_of_a_meter_that_seals_is_refused(rig):
    serial = rig.registry.meter(rig.ids[0]).serial
    point, sealed = enter(rig, "LUX7", b"p1meter7", GuaranteeClass.SHARED_KEYS, IMPORT, Unit.WATT_HOUR, 0)
    for number in ("LUX7", serial):
        await rig.push(p1_text(number.encode().hex().upper()))
    await rig.operations.pull_spool()
    assert registers(rig, point, IMPORT) == []
    assert rig.operations.pushes() == {PushState.QUARANTINED: 2}
    (refused,) = rig.operations.quarantined(sealed)
    assert refused.reason == "meter LUX7 seals what it tells better: this p1 telegram is plain"


def with_gas(*, channel=1, number="47415339", device="003", code="24.2.1", cubic_metres="00042.107*m3"):
    """A P1 telegram of OAM7 that tells a gas meter, GAS9, beside."""
    told = [("96.1.0", (number,)), ("24.1.0", (device,)), (code, ("260311110000W", cubic_metres))]
    sets = [DataSet("0-0:96.1.1", ("4F414D37",)), DataSet("1-0:1.8.0", ("000123.456*kWh",))]
    return encode_p1("OAM5METER", [*sets, *(DataSet(f"0-{channel}:{each}", values) for each, values in told)])


@in_virtual_time
async def test_the_gas_meter_that_p1_tells_beside_is_a_meter_of_its_own(rig):
    plain = GuaranteeClass.UNAUTHENTICATED
    power, identity = enter(rig, "OAM7", b"OAM7", plain, IMPORT, Unit.WATT_HOUR, 0)
    link = behind_meter(rig.registry.meter(identity))
    gas, gas_identity = enter(rig, "GAS9", b"GAS9", plain, GAS, link=link)
    other, _ = enter(rig, "GAS8", b"GAS8", plain, GAS, link="meter://nobody")
    sealed, _ = enter(rig, "GAS7", b"GAS7", GuaranteeClass.SHARED_KEYS, GAS, link=link)
    await rig.push(with_gas(channel=2, code="24.2.3"))
    for number in ("47415338", "47415337"):
        await asyncio.sleep(3_600)
        await rig.push(with_gas(number=number))
    await rig.operations.pull_spool()
    assert [value for _, value in registers(rig, power, IMPORT)] == [123_456] * 3
    assert registers(rig, sealed, GAS) == []
    assert registers(rig, gas, GAS) == [(int(NEXT.timestamp()) + 10 * 3_600, 42_107)]
    assert registers(rig, other, GAS) == []
    (kept,) = rig.mdm.registers(gas, GAS, DAY, UNTIL)
    assert (kept.meter, rig.mdm.evidence(kept.evidence).protocol) == (gas_identity, "p1")


@pytest.mark.parametrize(
    "telegram",
    [with_gas(cubic_metres="0"), with_gas(device="002"), with_gas(number=""), with_gas(code="24.4.0")],
    ids=["no unit", "electricity", "no number", "no register"],
)
@in_virtual_time
async def test_what_p1_tells_of_no_meter_beside_is_left(telegram):
    rig = Rig(meters=1)
    plain = GuaranteeClass.UNAUTHENTICATED
    power, identity = enter(rig, "OAM7", b"OAM7", plain, IMPORT, Unit.WATT_HOUR, 0)
    gas, _ = enter(rig, "GAS9", b"GAS9", plain, GAS, link=behind_meter(rig.registry.meter(identity)))
    await rig.push(telegram)
    await rig.operations.pull_spool()
    assert (len(registers(rig, power, IMPORT)), registers(rig, gas, GAS)) == (1, [])


class Bus:
    """M-Bus meters behind a serial server; each call to it is a line of its own. A face of the rig's field."""

    def __init__(self, clock, *meters):
        self.clock, self.meters, self.tasks = clock, meters, []

    def connect(self):
        near, far = memory_pair()
        self._start(self._serve(far))
        return near

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _start(self, work):
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def _serve(self, line):
        ends = [memory_pair() for _ in self.meters]
        for meter, (near, far) in zip(self.meters, ends, strict=True):
            self._start(MbusFace(meter, self.clock).serve(far))
            self._start(_copy(near, line))
        while data := await line.receive():
            for near, _ in ends:
                await near.send(data)


async def _copy(source, sink):
    while data := await source.receive():
        await sink.send(data)


@in_virtual_time
async def test_wired_meters_behind_one_serial_server_are_read_by_a_campaign():
    rig = Rig(meters=0)
    heat, gas = device(PipeKind.HEAT, "20000001"), device(PipeKind.GAS, "20000002", 2)
    absent = device(PipeKind.GAS, "20000003", 3)
    rig.field.faces.append(Bus(rig.clock, heat, gas))
    link, plain = "tcp://10.0.0.1:1", GuaranteeClass.UNAUTHENTICATED
    warm, one = enter(rig, "H1", heat.address.link_order, plain, HEAT, Unit.WATT_HOUR, 3, link, "mbus")
    cubic, two = enter(rig, "G1", gas.address.link_order, plain, GAS, link=link, framing="mbus")
    _, three = enter(rig, "G2", absent.address.link_order, plain, GAS, link=link, framing="mbus")
    campaign = rig.campaign(meters=[one, two, three])
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.by_cause) == (2, {"timeout": 1})
    ((stamp, kilowatt_hours),) = registers(rig, warm, HEAT)
    assert kilowatt_hours > 0
    (kept,) = rig.mdm.registers(warm, HEAT, DAY, UNTIL)
    evidence = rig.mdm.evidence(kept.evidence)
    assert (evidence.protocol, evidence.meter) == ("mbus", one)
    assert evidence.plain in b"".join(evidence.received)
    ((_, litres),) = registers(rig, cubic, GAS)
    assert litres == gas.flow.volume_ml(stamp) // 1000
    await rig.close()


class Port:
    """The local port of an electricity meter behind a serial server. A face of the rig's field."""

    def __init__(self, clock, serial, face=LocalFace.IEC62056_21):
        self.meter = Field(clock, 1, serial=serial).meters[0]
        self.port = local_port(face, self.meter, clock, 1.0)
        self.tasks = []

    def connect(self):
        near, far = memory_pair()
        self.tasks.append(asyncio.create_task(self.port.serve(far)))
        return near

    async def close(self):
        await asyncio.gather(*self.tasks)


@in_virtual_time
async def test_a_meter_behind_a_serial_server_is_read_out_by_a_campaign():
    rig = Rig(meters=0)
    ports = [Port(rig.clock, serial) for serial in ("10000001", "10000002")]
    rig.field.faces += ports
    plain = GuaranteeClass.UNAUTHENTICATED
    points, meters = zip(
        *(
            enter(rig, serial, serial.encode(), plain, IMPORT, Unit.WATT_HOUR, 0, f"tcp://10.0.0.1:{at}", "iec62056-21")
            for at, serial in enumerate(("10000001", "10000009"), start=1)
        ),
        strict=True,
    )
    campaign = rig.campaign(meters=meters)
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.by_cause) == (1, {"service-refused": 1})
    ((_, value),) = registers(rig, points[0], IMPORT)
    assert value == ports[0].meter.energy.import_wh
    (kept,) = rig.mdm.registers(points[0], IMPORT, DAY, UNTIL)
    evidence = rig.mdm.evidence(kept.evidence)
    assert (evidence.protocol, evidence.meter) == ("iec62056-21", meters[0])
    assert b"C.1.0(10000001)" in evidence.plain
    assert registers(rig, points[1], IMPORT) == []
    await rig.close()


@in_virtual_time
async def test_an_sml_meter_behind_a_serial_server_is_asked_by_a_campaign():
    rig = Rig(meters=0)
    ports = [Port(rig.clock, serial, LocalFace.SML) for serial in ("10000001", "10000002")]
    rig.field.faces += ports
    numbers = (ports[0].meter.config.system_title.hex(), "0a014f414d0000000009")
    plain, entered = GuaranteeClass.UNAUTHENTICATED, []
    for at, number in enumerate(numbers, start=1):
        link = f"tcp://10.0.0.1:{at}"
        entered.append(enter(rig, number, number.encode(), plain, IMPORT, Unit.WATT_HOUR, 0, link, "sml"))
    campaign = rig.campaign(meters=[meter for _, meter in entered])
    await rig.operations.run_campaign(campaign)
    view = rig.operations.campaign(campaign)
    assert (view.completed, view.by_cause) == (1, {"service-refused": 1})
    assert [value for _, value in registers(rig, entered[0][0], IMPORT)] == [ports[0].meter.energy.import_wh]
    (kept,) = rig.mdm.registers(entered[0][0], IMPORT, DAY, UNTIL)
    assert rig.mdm.evidence(kept.evidence).protocol == "sml"
    assert registers(rig, entered[1][0], IMPORT) == []
    await rig.close()


async def read_bus(rig, number, *meters):
    """The electricity meter asks the meters on its bus."""
    bus = Bus(rig.clock, *meters)
    master = MbusMaster(bus.connect(), rig.clock)
    assert await attend_sub_meters(rig.field.meters[number], master, rig.clock) == len(meters)
    await master.close()
    await bus.close()


@in_virtual_time
async def test_a_heat_meter_behind_the_electricity_meter_comes_with_its_reading():
    rig = Rig(meters=2, sub_meters=(1,))
    heat = device(PipeKind.HEAT)
    link = behind_meter(rig.registry.meter(rig.ids[0]))
    title = heat.address.link_order
    point, identity = enter(rig, "H1", title, GuaranteeClass.UNAUTHENTICATED, HEAT, Unit.WATT_HOUR, 3, link)
    await read_bus(rig, 0, heat)
    campaign = rig.campaign(plan=ReadPlan())
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).completed == 2
    (kept,) = rig.mdm.registers(point, HEAT, DAY, UNTIL)
    assert (kept.meter, kept.stamp) == (identity, int(NEXT.timestamp()))
    assert kept.register > 0
    assert rig.mdm.evidence(kept.evidence).note.startswith(f"sub-meter {heat.address}")
    assert rig.energy(0) == [250] * 96
    await rig.close()


@in_virtual_time
async def test_no_electricity_meter_speaks_for_a_sub_meter_that_hangs_behind_another():
    rig = Rig(meters=2, sub_meters=(1,))
    heat = device(PipeKind.HEAT)
    link = behind_meter(rig.registry.meter(rig.ids[1]))
    title = heat.address.link_order
    point, _ = enter(rig, "H1", title, GuaranteeClass.UNAUTHENTICATED, HEAT, Unit.WATT_HOUR, 3, link)
    await read_bus(rig, 0, heat)
    await rig.operations.run_campaign(rig.campaign(plan=ReadPlan()))
    assert registers(rig, point, HEAT) == []
    await rig.close()


@in_virtual_time
async def test_a_collector_with_a_stick_carries_what_it_hears_closed_to_the_back_office(rig):
    zone = Zone(rig.clock)
    rig.headend = zone.headend
    air, stick = memory_pair()
    site = Site("c1", zone, WirelessNeighbourhood(RadioListener(stick, STICKS["cul"]), zone.clock)).start()
    title = device(PipeKind.WATER).address.link_order
    point, _ = enter(rig, "W1", title, GuaranteeClass.SHARED_KEYS, WATER)
    rig.keystore.put_many({title: MeterKeys(KEY, KEY)})
    await air.send(STICKS["cul"].write(telegram(on_air(), NEXT)))
    await until(lambda: zone.spool.waiting == 1)
    (push,) = zone.pushes()
    assert push.source == f"collector://c1/{device(PipeKind.WATER).address}"
    await rig.operations.pull_spool()
    ((_, litres),) = registers(rig, point, WATER)
    assert litres == device(PipeKind.WATER).register(NEXT.timestamp()).mantissa
    await site.stop()
    await zone.stop()


@in_virtual_time
async def test_one_way_and_sub_meters_are_asked_by_no_campaign(rig):
    link = behind_meter(rig.registry.meter(rig.ids[0]))
    _, wireless = enter(rig, "W1", b"wireless", GuaranteeClass.SHARED_KEYS, WATER)
    _, behind = enter(rig, "H1", b"behind 1", GuaranteeClass.UNAUTHENTICATED, HEAT, link=link)
    campaign = rig.campaign(meters=[wireless, behind])
    await rig.operations.run_campaign(campaign)
    assert rig.operations.campaign(campaign).by_cause == {"one-way": 2}


@in_virtual_time
async def test_channels_are_asked_for_only_where_the_registry_knows_a_meter_behind(rig):
    link = behind_meter(rig.registry.meter(rig.ids[0]))
    enter(rig, "H1", b"behind 1", GuaranteeClass.UNAUTHENTICATED, HEAT, link=link)
    other = rig.registry.add_meter("E2", b"electr 2", GuaranteeClass.SHARED_KEYS, "tcp://10.0.0.1:9")
    rig.registry.install(other.id, rig.registry.add_point("P-E2", "Attic", "Europe/London").id, DAY)
    masters = rig.registry.masters()
    assert masters == {link}
    assignments = Assignments(rig.registry, rig.mdm, Notes(rig.store))
    made = [assignments.of(meter, ReadPlan(), (DAY, UNTIL), masters) for meter in (rig.ids[0], other.id)]
    assert [assignment.plan.sub_meters for assignment in made] == [CHANNELS, 0]
