"""A wireless meter on the air: it broadcasts, answers in its window, and a collector forwards what it cannot open."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from openami.field.meter.airtime import interval
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.wireless import WirelessFace
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.clock import SystemClock
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import Heard, MeterSeen
from openami.io.links.wmbus import RadioListener, WirelessNeighbourhood
from openami.model.errors import LinkError, LinkLost, SettingError
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.opening import Protection
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.sticks.kinds import STICKS

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
NOW = float(START + 40 * 86_400)
KEY = bytes(range(16))
GATEWAY = MeterAddress(manufacturer_code("OAM"), "00000001", 1, 0x31)


def device(kind=PipeKind.WATER):
    return PipeMeter(PipeMeterConfig(kind, "12345678"), DailyFlow(START))


def air(settings=None, kind=PipeKind.WATER):
    return WirelessMeter(device(kind), settings or WirelessSettings(), NOW)


def request(control, meter=None):
    address = meter or device().address
    payload = b"\x80" + address.transport_order + bytes((1, 0, 0, 0))
    return encode_frame(encode_link(LinkHeader(control, GATEWAY), payload), FrameFormat.A)


@pytest.mark.parametrize("kind", list(PipeKind))
@pytest.mark.parametrize("mode", list(Security))
def test_every_device_is_read_in_every_mode(kind, mode):
    meter = air(WirelessSettings(security=mode, key=b"" if mode is Security.PLAIN else KEY), kind)
    meter.handle_timeout(NOW)
    (frame,) = meter.data_to_send()
    reading = WirelessReader(KeyStore([KEY])).read(frame)
    assert reading.problems == ()
    name = "heat cost allocation units" if kind is PipeKind.HEAT_COST_ALLOCATOR else "volume"
    assert reading.value(name).value.mantissa > 0
    guarantee = (
        GuaranteeClass.SHARED_KEYS if mode in {Security.MODE_7, Security.MODE_10} else GuaranteeClass.UNAUTHENTICATED
    )
    assert reading.value(name).guarantee is guarantee


@pytest.mark.parametrize("mode", [Security.MODE_5, Security.MODE_7, Security.MODE_10])
def test_a_wrong_key_opens_nothing(mode):
    meter = air(WirelessSettings(security=mode, key=KEY))
    meter.handle_timeout(NOW)
    reading = WirelessReader(KeyStore([bytes(16)])).read(meter.data_to_send()[0])
    assert reading.telegram.opened.protection is Protection.CLOSED
    assert "wrong key" in reading.problems[0]
    assert reading.values == ()


def test_it_keeps_its_times():
    meter = air(WirelessSettings(interval_s=900))
    assert meter.next_timeout() == NOW
    times = []
    for _ in range(257):
        times.append(meter.next_timeout())
        meter.handle_timeout(times[-1])
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[0] == pytest.approx(interval(0, 900))
    assert min(gaps) == pytest.approx(900 * (1 - 64 / 2048))
    assert max(gaps) == pytest.approx(900 * (1 + 64 / 2048))
    assert len(meter.data_to_send()) == 257


def test_it_answers_only_in_its_window_and_only_when_meant():
    meter = air()
    assert not meter.receive(request(0x5B), NOW + 0.05)  # no telegram, no window
    meter.handle_timeout(NOW)
    meter.data_to_send()
    other = MeterAddress(manufacturer_code("OAM"), "87654321", 1, 7)
    assert not meter.receive(request(0x5B, other), NOW + 0.01)
    assert not meter.receive(b"\x01\x02", NOW + 0.01)
    assert meter.receive(request(0x5B), NOW + 0.01)
    (answer,) = meter.data_to_send()
    assert WirelessReader().read(answer).telegram.link.control_name == "RSP-UD"
    assert meter.receive(request(0x53), NOW + 0.02)
    assert WirelessReader().read(meter.data_to_send()[0]).telegram.link.control_name == "ACK"
    assert meter.receive(request(0x40), NOW + 0.03)
    assert not meter.receive(request(0x5B), NOW + 0.04)
    assert not air(WirelessSettings(window_s=0)).receive(request(0x5B), NOW)


@pytest.mark.parametrize("stick", list(STICKS))
def test_a_collector_forwards_what_it_cannot_open(stick):
    async def scenario():
        mine, other = memory_pair()
        meter = WirelessMeter(device(), WirelessSettings(security=Security.MODE_7, key=KEY), SystemClock().time())
        face = asyncio.create_task(WirelessFace(meter, STICKS[stick], SystemClock()).serve(other))
        listener = RadioListener(mine, STICKS[stick])
        around = WirelessNeighbourhood(listener, SystemClock())
        seen, heard = await around.next_event(), await around.next_event()
        with pytest.raises(LinkError):
            await around.open(seen.address)
        with pytest.raises(LinkError):
            await around.trigger(seen.address)
        await listener.close()
        await face
        return seen, heard

    seen, heard = asyncio.run(scenario())
    assert (seen, heard.address) == (MeterSeen("OAM.12345678.01.07"), "OAM.12345678.01.07")
    assert isinstance(heard, Heard)
    assert WirelessReader(KeyStore([KEY])).read(heard.payload).value("volume").value.mantissa > 0
    assert WirelessReader().read(heard.payload).values == ()


def test_noise_and_damage_go_no_further():
    async def scenario():
        mine, other = memory_pair()
        around = WirelessNeighbourhood(RadioListener(mine, STICKS["hex"]), SystemClock())
        await other.send(b"nonsense\n0102\n")
        await other.close()
        with pytest.raises(LinkLost):
            await around.next_event()
        return around.damaged

    assert asyncio.run(scenario()) == 1


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(SettingError, match="16 bytes"):
        WirelessSettings(security=Security.MODE_5)
    with pytest.raises(SettingError, match="not longer"):
        WirelessSettings(interval_s=0.1, window_s=0.1)
    assert KEY.hex() not in repr(WirelessSettings(security=Security.MODE_5, key=KEY))
