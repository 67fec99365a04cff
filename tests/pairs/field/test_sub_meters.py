"""An electricity meter reads its sub-meters over a wired M-Bus and shows them as COSEM objects."""

from __future__ import annotations

import asyncio

import pytest

from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.mbus_master import attend_sub_meters
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.real_curves import replayed
from openami.field.meter.sub_meter import BusTask, Pending, SubMeter
from openami.field.meter.sub_meter_objects import client_name, profile_name, register_name
from openami.io.clock import SystemClock
from openami.io.links.mbus import MbusMaster
from openami.io.links.memory import memory_pair
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.iec_local_port_setup import BaudRate
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.m_bus import (
    CaptureDefinitionElement,
    DataSendElement,
    EncryptionKeyStatus,
    MBusClient,
    MBusMasterPortSetup,
)
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.data import decode_data, double_long_unsigned, encode_data
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.mbus.application import decode_application
from openami.protocols.mbus.wired.primary import WiredTiming
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.sealing import mode_5_telegram

START = 1_767_225_600.0
KEYS = SecurityKeys(bytes(16), bytes(16))
QUICK = WiredTiming(answer_s=0.2, gap_s=0.05, repeats=0)


KEY = bytes(range(16))
CLIENT = client_name(1)


def electricity(sub_meters=(5, 9)):
    config = MeterConfig(serial="10000001", system_title=b"OAM\x00\x00\x00\x00\x01", keys=KEYS, sub_meters=sub_meters)
    return ElectricityMeter(config, ArrayCurve.replay(replayed("uk-2", START + 86_400)), START)


class Cupboard:
    """The electricity meter, with a gas meter on its M-Bus; its objects are asked as a client's APDUs ask them."""

    def __init__(self, address=5, at_factory=False):
        self.clock = SystemClock()
        self.meter = electricity() if not at_factory else electricity(sub_meters=(0,))
        config = PipeMeterConfig(PipeKind.GAS, "12345678", 0 if at_factory else address)
        self.pipe = PipeMeter(config, DailyFlow(int(self.clock.time()) - 86_400 * 30))
        self.face = MbusFace(self.pipe, self.clock)

    async def __aenter__(self):
        outside, inside = memory_pair()
        self.serving = asyncio.create_task(self.face.serve(inside))
        self.bus = MbusMaster(outside, self.clock, QUICK)
        return self

    async def __aexit__(self, *_):
        await self.bus.close()
        await self.serving

    async def attend(self):
        return await attend_sub_meters(self.meter, self.bus, self.clock)

    def item(self, name):
        return self.meter.device.object(InterfaceClass, name)

    def read(self, name, attribute):
        return decode_data(self.item(name).read(attribute.attribute_id, None, self.clock.time())).value

    def write(self, attribute, value):
        raw = encode_data(attribute.cosem_type.to_data(value))
        self.item(CLIENT).write(attribute.attribute_id, raw, self.clock.time())

    def call(self, method, argument=0):
        raw = encode_data(method.parameter.to_data(argument))
        self.item(CLIENT).invoke(method.method_id, raw, self.clock.time())

    def register(self, number=1):
        return self.read(register_name(1, number), ExtendedRegister.value)


def in_cupboard(**options):
    def decorate(test):
        def run():
            async def inside():
                async with Cupboard(**options) as cupboard:
                    await test(cupboard)

            asyncio.run(inside())

        run.__name__ = test.__name__
        return run

    return decorate


@in_cupboard()
async def test_what_the_bus_says_is_shown(cupboard):
    assert await cupboard.attend() == 1
    assert cupboard.read(CLIENT, MBusClient.identification_number) == 0x12345678
    assert cupboard.read(CLIENT, MBusClient.device_type) == PipeKind.GAS.value
    assert cupboard.read(CLIENT, MBusClient.primary_address) == 5
    assert cupboard.register() > 0
    assert [part.value for part in cupboard.read(register_name(1), ExtendedRegister.scaler_unit)] == [-3, 13]
    assert cupboard.read(register_name(1, 2), ExtendedRegister.value) is None
    for shown in (*cupboard.meter.sub_meter_objects[1], *cupboard.meter.sub_meter_objects[2]):
        for attribute_id in shown.ATTRIBUTES:
            assert shown.read(attribute_id, None, START)


@in_cupboard()
async def test_it_is_read_each_period_and_when_a_client_asks_and_each_capture_is_a_row(cupboard):
    assert [await cupboard.attend(), await cupboard.attend()] == [1, 0]
    cupboard.call(MBusClient.capture)
    assert await cupboard.attend() == 1
    cupboard.write(MBusClient.capture_period, 0)
    assert [await cupboard.attend(), await cupboard.attend()] == [1, 0]
    rows = cupboard.read(profile_name(1), ProfileGeneric.buffer)
    assert [row.value[1].value for row in rows] == [cupboard.register()] * 3
    assert cupboard.read(profile_name(1), ProfileGeneric.entries_in_use) == 3


@in_cupboard()
async def test_the_capture_definition_chooses_the_values(cupboard):
    chosen = [CaptureDefinitionElement(b"\x0b", b"\x3b"), CaptureDefinitionElement(b"\x4c", b"\x13")]
    cupboard.write(MBusClient.capture_definition, chosen)
    assert await cupboard.attend() == 1
    assert [part.value for part in cupboard.read(register_name(1), ExtendedRegister.scaler_unit)] == [-3, 15]
    assert [part.value for part in cupboard.read(register_name(1, 2), ExtendedRegister.scaler_unit)] == [-3, 13]
    assert cupboard.register(2) > 0
    with pytest.raises(Refused):
        cupboard.write(MBusClient.capture_definition, chosen * 3)


@in_cupboard(at_factory=True)
async def test_one_from_the_factory_is_installed_and_taken_off_again(cupboard):
    assert await cupboard.attend() == 0
    with pytest.raises(ActionRefused):
        cupboard.call(MBusClient.synchronize_clock)
    cupboard.call(MBusClient.slave_install, 17)
    assert await cupboard.attend() == 1
    assert cupboard.face.core.address == cupboard.read(CLIENT, MBusClient.primary_address) == 17
    with pytest.raises(ActionRefused):
        cupboard.call(MBusClient.slave_install, 18)
    cupboard.call(MBusClient.slave_deinstall)
    assert await cupboard.attend() == 0
    assert cupboard.face.core.address == cupboard.read(CLIENT, MBusClient.primary_address) == 0
    assert (cupboard.read(CLIENT, MBusClient.identification_number), cupboard.register()) == (0, None)


@in_cupboard()
async def test_clock_and_settings_go_through_the_electricity_meter(cupboard):
    cupboard.pipe.clock_offset_s = 86_400.0
    cupboard.call(MBusClient.synchronize_clock)
    element = DataSendElement(b"\x0c", b"\x79", double_long_unsigned(87654321))
    cupboard.call(MBusClient.data_send, [element])
    assert await cupboard.attend() == 1
    assert abs(cupboard.pipe.clock_offset_s) <= 60
    assert cupboard.read(CLIENT, MBusClient.identification_number) == 0x87654321
    with pytest.raises(ActionRefused):
        cupboard.call(MBusClient.data_send, [DataSendElement(b"\x01", b"\x7a", double_long_unsigned(70_000))])


@in_cupboard()
async def test_what_the_sub_meter_refuses_keeps_nothing_up(cupboard):
    cupboard.call(MBusClient.transfer_key, bytes(16))
    assert await cupboard.attend() == 1
    status = cupboard.read(CLIENT, MBusClient.encryption_key_status)
    assert status == EncryptionKeyStatus.NO_ENCRYPTION_KEY


@in_cupboard()
async def test_alarms_and_status_are_kept_until_reset(cupboard):
    cupboard.pipe.alarms = 0x24
    await cupboard.attend()
    cupboard.pipe.alarms = 0x01
    cupboard.call(MBusClient.capture)
    await cupboard.attend()
    assert (cupboard.read(CLIENT, MBusClient.alarm), cupboard.read(CLIENT, MBusClient.status)) == (0x25, 3)
    cupboard.call(MBusClient.reset_alarm)
    assert cupboard.read(CLIENT, MBusClient.alarm) == 0


def test_a_silent_one_keeps_its_task_and_its_value():
    async def run():
        clock, meter = SystemClock(), electricity()
        outside, inside = memory_pair()
        bus = MbusMaster(outside, clock, QUICK)
        meter.sub_meters[0].pending.append(Pending(BusTask.SET_CLOCK, 5))
        assert await attend_sub_meters(meter, bus, clock) == 0
        assert len(meter.sub_meters[0].pending) == 1
        await bus.close()
        await inside.close()

    asyncio.run(run())


def test_what_is_sealed_is_opened_with_the_key_that_was_set():
    sub_meter = SubMeter(1, 5)
    address = MeterAddress(manufacturer_code("OAM"), "12345678", 1, 3)
    telegram = mode_5_telegram(0x44, address, 1, bytes.fromhex("0c1378563412"), KEY)
    sealed = decode_application(0x72, address.transport_order + telegram[11:])
    assert not sub_meter.take([sealed], START)
    assert sub_meter.key_status is EncryptionKeyStatus.NO_ENCRYPTION_KEY
    sub_meter.set_key(KEY)
    assert sub_meter.key_status is EncryptionKeyStatus.ENCRYPTION_KEY_SET
    assert sub_meter.take([sealed], START)
    assert sub_meter.value(1) == Quantity(12345678, -3, Unit.CUBIC_METRE)
    assert sub_meter.key_status is EncryptionKeyStatus.ENCRYPTION_KEY_IN_USE


def test_the_port_that_clients_refer_to_is_there():
    meter = electricity()
    client = meter.device.object(InterfaceClass, CLIENT)
    port = meter.device.object(MBusMasterPortSetup, client.value_of(MBusClient.mbus_port_reference, START))
    assert port.value_of(MBusMasterPortSetup.comm_speed, START) is BaudRate.BAUD_2400
    with pytest.raises(KeyError):
        electricity(()).device.object(MBusMasterPortSetup, port.logical_name)


def test_each_channel_has_its_instances():
    objects = electricity().sub_meter_objects
    names = [str(shown.attribute_values[1]) for shown in objects[2]]
    assert names == [f"0-2:24.{place}*255" for place in ("1.0", "2.1", "2.2", "2.3", "2.4", "3.0")]
