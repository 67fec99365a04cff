"""Our client reads our meter over each of its faces."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest

from meter_bench import (
    DAY_S,
    KEYS,
    METER_TITLE,
    START,
    BenchClock,
    make_client,
    make_laboratory_meter,
    make_meter,
    seeded,
)
from openami.field.meter import codes
from openami.field.meter.faces.memory import MemoryFace
from openami.field.meter.faces.push import live, push_over_tcp
from openami.field.meter.faces.serial_line import serve_meter_pty, serve_meter_serial
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.io.links.pty import open_pty
from openami.io.links.serial import open_serial
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.model.errors import ConnectFailed, LinkError, SettingError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.cosem.clock import Clock
from openami.protocols.dlms.cosem.disconnect_control import ControlState, DisconnectControl
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.register import Register
from openami.protocols.dlms.data import octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.errors import AssociationRejected, DataAccessError
from openami.protocols.dlms.events import Refused
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.security import SecurityKeys, unprotect
from openami.protocols.dlms.selective_access import RangeDescriptor, access_of

LOAD_BUFFER = CosemAttributeDescriptor(7, codes.LOAD_PROFILE, 2)


def a_day(number: int) -> RangeDescriptor:
    start = START + number * DAY_S
    stamps = [octet_string(bytes(CosemDateTime.from_utc(second))) for second in (start + 900, start + DAY_S)]
    return RangeDescriptor(codes.LOAD_PROFILE_COLUMNS[0], *stamps)


async def test_a_day_over_tcp_in_several_conversations() -> None:
    clock = BenchClock(START + 2 * DAY_S)
    service = MeterService(make_meter(), clock, random=seeded())
    server = await serve_meter_tcp(service)
    for _ in range(3):
        client = make_client(await connect_tcp("127.0.0.1", server.port), clock)
        async with client:
            raw = await client.get_raw(LOAD_BUFFER, access_of(a_day(1)))
            profile = decode_profile(raw)
            assert profile.stamps.tolist() == list(range(START + DAY_S + 900, START + 2 * DAY_S + 1, 900))
            assert profile.columns[2].values.tolist()[-1] == 48_000
    await server.close()


async def test_hdlc_over_a_pty_survives_power_failures() -> None:
    clock = BenchClock(START + DAY_S)
    meter = make_meter()
    face = await serve_meter_pty(MeterService(meter, clock, random=seeded(), framing=FramingKind.HDLC))
    for _ in range(2):
        async with make_client(await open_serial(face.path), clock, hdlc=True) as client:
            rows = await client.get(ProfileGeneric.buffer, codes.LOAD_PROFILE)
            assert len(rows) == 97
        meter.power_fail(clock.at)
        meter.power_restore(clock.at)
    await face.close()


async def test_hdlc_on_a_serial_port() -> None:
    clock = BenchClock(START + 3600)
    link, path = await open_pty()
    service = MeterService(make_meter(), clock, random=seeded(), framing=FramingKind.HDLC)
    face = await serve_meter_serial(service, path)
    assert face.path == path
    async with make_client(link, clock, hdlc=True) as client:
        assert (await client.get(Register.value, codes.IMPORT)).value == 1000
    await face.close()


async def test_hdlc_over_tcp() -> None:
    clock = BenchClock(START + 3600)
    server = await serve_meter_tcp(MeterService(make_meter(), clock, random=seeded(), framing=FramingKind.HDLC))
    async with make_client(await connect_tcp("127.0.0.1", server.port), clock, hdlc=True) as client:
        assert (await client.get(Register.value, codes.IMPORT)).value == 1000
    await server.close()


async def test_failed_authentication_is_logged_and_told_to_whoever_watches() -> None:
    clock = BenchClock(START + 3600)
    meter, seen = make_meter(), []
    face = MemoryFace(MeterService(meter, clock, random=seeded(), observe=seen.append))
    wrong = SecurityKeys(bytes(16), KEYS.authentication_key)
    with pytest.raises(AssociationRejected):
        await make_client(face.connect(), clock, keys=wrong).associate()
    assert meter.event_log.last()[1] == (EventCode.AUTHENTICATION_FAILED,)
    assert [type(event) for event in seen] == [Refused]
    assert meter.next_push() is None
    await face.close()


async def test_in_memory_in_small_pieces() -> None:
    clock = BenchClock(START + 3600)
    face = MemoryFace(MeterService(make_meter(), clock, random=seeded()))
    pieces = random.Random(3)
    async with make_client(face.connect(piece_size=lambda: pieces.randint(1, 7)), clock, sap=2) as client:
        value = await client.get(Register.value, codes.IMPORT)
        scaler_unit = await client.get(Register.scaler_unit, codes.IMPORT)
        assert str(scaler_unit.quantity(value.value)) == "1000 Wh"
        assert (await client.get(Clock.time, codes.CLOCK)).to_utc() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    await face.close()


@pytest.mark.parametrize("sap", [1, 2, 3, 16])
async def test_each_client_of_the_laboratory_meter_reads_the_profile(sap: int) -> None:
    clock = BenchClock(START + DAY_S)
    face = MemoryFace(MeterService(make_laboratory_meter(), clock, random=seeded()))
    async with make_client(face.connect(), clock, sap=sap) as client:
        assert len(await client.get(ProfileGeneric.buffer, codes.LOAD_PROFILE, a_day(0))) == 96
    await face.close()


async def test_the_ordinary_meter_knows_no_password_client_and_hides_consumption_from_the_public() -> None:
    clock = BenchClock(START + DAY_S)
    face = MemoryFace(MeterService(make_meter(), clock, random=seeded()))
    with pytest.raises(AssociationRejected):
        await make_client(face.connect(), clock, sap=3).associate()
    async with make_client(face.connect(), clock, sap=16) as client:
        await client.get(Clock.time, codes.CLOCK)
        with pytest.raises(DataAccessError) as refusal:
            await client.get(Register.value, codes.IMPORT)
        assert refusal.value.result == DataAccessResult.OBJECT_UNDEFINED
    await face.close()


async def test_disconnect_and_reconnect_by_action() -> None:
    clock = BenchClock(START + 3600)
    meter = make_meter()
    face = MemoryFace(MeterService(meter, clock, random=seeded()))
    async with make_client(face.connect(), clock) as client:
        await client.action(DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL, 0)
        assert not await client.get(DisconnectControl.output_state, codes.DISCONNECT_CONTROL)
        clock.at += 7200
        assert (await client.get(Register.value, codes.IMPORT)).value == 1000
        await client.action(DisconnectControl.remote_reconnect, codes.DISCONNECT_CONTROL, 0)
        clock.at += 3600
        assert (await client.get(Register.value, codes.IMPORT)).value == 2000
        assert await client.get(DisconnectControl.control_state, codes.DISCONNECT_CONTROL) is ControlState.CONNECTED
        assert [event.value for _, event in await client.get(ProfileGeneric.buffer, codes.EVENT_LOG)] == [
            EventCode.DISCONNECTED_REMOTELY,
            EventCode.RECONNECTED_REMOTELY,
        ]
    await face.close()


async def test_without_supply_the_meter_is_silent_and_forgets_its_associations() -> None:
    clock = BenchClock(START + 3600)
    meter = make_meter()
    face = MemoryFace(MeterService(meter, clock, random=seeded()))
    client = make_client(face.connect(), clock, response_timeout_s=0.02)
    await client.associate()
    meter.power_fail(clock.at)
    with pytest.raises(LinkError):
        await client.get(Clock.time, codes.CLOCK)
    with pytest.raises(LinkError):
        await make_client(face.connect(), clock, response_timeout_s=0.02).associate()
    meter.power_restore(clock.at + 60)
    with pytest.raises(LinkError):
        await client.get(Clock.time, codes.CLOCK)
    async with make_client(face.connect(), clock) as again:
        assert (await again.get(Register.value, codes.IMPORT)).value == 1000
    await face.close()


async def test_the_last_gasp_arrives_sealed_over_tcp() -> None:
    clock = BenchClock(START + 3600)
    meter = make_meter()
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(link: object) -> None:
        arrived.set_result(await link.receive())

    server = await serve_tcp(listen, "127.0.0.1", 0)
    life = asyncio.get_running_loop().create_task(live(meter, clock, push_over_tcp(f"127.0.0.1:{server.port}")))
    meter.power_fail(clock.at)
    frame = await asyncio.wait_for(arrived, 5)
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    await server.close()
    apdu = decode_apdu(frame[8:])
    assert isinstance(apdu, GeneralGloCiphering)
    assert apdu.system_title == METER_TITLE
    assert unprotect(KEYS, METER_TITLE, apdu.content)[0] == 0x0F


async def test_a_push_that_nobody_takes_does_not_stop_the_meter() -> None:
    clock = BenchClock(START)
    meter = make_meter()
    meter.alarm(EventCode.COVER_OPENED, START)
    meter.alarm(EventCode.MAGNETIC_FIELD, START)
    asked: asyncio.Queue[bytes] = asyncio.Queue()

    async def refuse(apdu: bytes, _client_sap: int) -> None:
        asked.put_nowait(apdu)
        raise ConnectFailed("nobody is there")

    life = asyncio.get_running_loop().create_task(live(meter, clock, refuse))
    assert await asked.get() != await asked.get()
    assert not life.done()
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)


def test_a_wrong_push_destination_is_named() -> None:
    with pytest.raises(SettingError, match="host:port"):
        push_over_tcp("nowhere")
