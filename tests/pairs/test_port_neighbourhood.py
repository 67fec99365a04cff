"""A consumer port that a collector's settings name: whole messages go on closed, one in a while."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from collector_rig import Site, Zone, until
from openami.app.port_enrolment import PortLine, PortMedium, PortRegisters, enrol_port_meter
from openami.field.meter.faces.local_ports import LocalFace, local_port
from openami.field.meter.faces.service import FramingKind
from openami.io.keystore import MeterKeys
from openami.io.links.consumer_port import PORTS, PortListener, PortNeighbourhood, port_address
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import Heard, MeterSeen
from openami.model.errors import ConnectFailed, LinkLost, SettingError
from openami.model.obis import ObisCode
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, seal_p1
from operations_rig import DAY, IMPORT, Field, Rig
from virtual_loop import VirtualClock, in_virtual_time

KEY = bytes(range(16))
TELEGRAM = encode_p1("OAM5METER", [DataSet("0-0:96.1.1", ("4F414D37",)), DataSet("1-0:1.8.1", ("000123.456*kWh",))])
SEALED = seal_p1(TELEGRAM, b"p1meter7", 7, KEY, Authentication.WITH_KEY, KEY[::-1])
PLACE = {"address": "Hall", "zone": "Europe/Amsterdam"}


@in_virtual_time
async def test_whole_messages_go_on_and_noise_is_counted():
    far, near = memory_pair()
    listener = PortListener(near, PORTS["p1"])
    port = PortNeighbourhood("p1-1", listener, VirtualClock(0))
    await far.send(b"noise" + TELEGRAM[:50] + b"\n" + TELEGRAM)
    await far.send(SEALED[:20])
    await far.send(SEALED[20:])
    assert await port.next_event() == MeterSeen("p1-1")
    assert [await port.next_event() for _ in range(2)] == [Heard("p1-1", TELEGRAM.rstrip()), Heard("p1-1", SEALED)]
    assert (listener.noise, port.heard) == (2, 2)
    with pytest.raises(ConnectFailed, match="only tells"):
        await port.open("p1-1")
    with pytest.raises(ConnectFailed, match="cannot be asked"):
        await port.trigger("p1-1")
    await far.close()
    with pytest.raises(LinkLost):
        await port.next_event()
    await listener.close()


@in_virtual_time
async def test_of_a_talkative_port_one_message_in_a_while_goes_on():
    far, near = memory_pair()
    port = PortNeighbourhood("p1-1", PortListener(near, PORTS["p1"]), VirtualClock(0), every_s=60)

    async def talk():
        while True:
            await far.send(TELEGRAM)
            await asyncio.sleep(1)

    talking = asyncio.create_task(talk())
    await port.next_event()
    for _ in range(3):
        await port.next_event()
    talking.cancel()
    assert (port.heard, port.held_back) == (121, 118)


@pytest.mark.parametrize("entry", ["serial:///dev/ttyUSB0", "hdlc=serial:///dev/ttyUSB0", ""])
def test_settings_that_name_no_port_are_refused(entry):
    with pytest.raises(SettingError, match=r"collector\.ports holds .* write KIND=LINK with one of p1, sml"):
        port_address(entry, "collector.ports")
    assert port_address("sml=tcp://192.0.2.1:4000", "collector.ports") == ("sml", "tcp://192.0.2.1:4000")


def enrol(rig, **line):
    """The point of a meter that is entered as `openami enrol` enters it."""
    code = f"P-{line['meter_number']}"
    made = PortLine(point=code, **PLACE, **line)
    enrol_port_meter(rig.registry, rig.keystore, made, DAY - timedelta(days=30))
    return rig.registry.point_by_code(code).id


def registers(rig, point, code):
    return [each.register for each in rig.mdm.registers(point, code, DAY, DAY + timedelta(days=3))]


@pytest.mark.parametrize("face", [LocalFace.P1, LocalFace.SML])
@in_virtual_time
async def test_a_played_port_through_a_collector_into_metering_data_management(face):
    rig = Rig(meters=0)
    zone = Zone(rig.clock)
    rig.headend = zone.headend
    meter = Field(rig.clock, 1, FramingKind.WRAPPER).meters[0]
    far, near = memory_pair()
    serving = asyncio.create_task(local_port(face, meter, rig.clock, 10.0).serve(far))
    site = Site("c1", zone, PortNeighbourhood("hall", PortListener(near, PORTS[face.value]), zone.clock, every_s=300))
    site.start()
    number = meter.config.serial if face is LocalFace.P1 else meter.config.system_title.hex()
    point = enrol(rig, meter_number=number)
    await until(lambda: zone.spool.waiting == 1)
    (push,) = zone.pushes()
    assert push.source == "collector://c1/hall"
    await rig.operations.pull_spool()
    assert registers(rig, point, IMPORT) == [meter.energy.import_wh]
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await site.stop()
    await zone.stop()


@in_virtual_time
async def test_encrypted_p1_with_tariffs_and_the_gas_behind_it():
    rig = Rig(meters=0)
    sealed = {"system_title": b"p1meter7".hex(), "encryption_key": KEY.hex(), "authentication_key": KEY[::-1].hex()}
    point = enrol(rig, meter_number="LUX7", registers=PortRegisters.TARIFFS, **sealed)
    enrol(rig, meter_number="GAS9", medium=PortMedium.GAS, behind="LUX7")
    await rig.push(SEALED)
    await rig.operations.pull_spool()
    assert registers(rig, point, ObisCode(1, 0, 1, 8, 1)) == [123_456]
    assert rig.keystore.meter_keys(b"p1meter7") == MeterKeys(KEY, KEY[::-1])
    electricity, gas = (rig.registry.meter_by_serial(serial) for serial in ("LUX7", "GAS9"))
    assert (gas.link, gas.guarantee) == ("meter://LUX7", electricity.guarantee)
    (channel,) = rig.registry.channels(rig.registry.point_by_code("P-GAS9").id)
    assert (channel.obis, channel.unit.symbol, channel.scaler) == (ObisCode(7, 0, 3, 0, 0), "m³", -3)
