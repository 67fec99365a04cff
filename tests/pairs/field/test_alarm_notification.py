"""The meter tells of an alarm by itself within associations whose clients have asked for EventNotification."""

from __future__ import annotations

import asyncio

import pytest

from meter_bench import START, BenchClock, make_client, make_laboratory_meter, make_meter, seeded
from openami.field.meter import codes
from openami.field.meter.alarms import FRAUD_ATTEMPT
from openami.field.meter.faces.alarm_teller import DESCRIPTOR
from openami.field.meter.faces.memory import MemoryFace
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.io.links.tcp import connect_tcp
from openami.model.event import EventCode
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, Conformance
from openami.protocols.dlms.cosem.data import Data
from openami.protocols.dlms.data import double_long_unsigned, encode_data

WILLING = CLIENT_CONFORMANCE | Conformance.EVENT_NOTIFICATION
FRAUD = encode_data(double_long_unsigned(FRAUD_ATTEMPT))
SAID_PLAIN = 0xC2


@pytest.mark.parametrize("framing", FramingKind)
async def test_an_alarm_is_told_within_the_association(framing: FramingKind) -> None:
    clock, meter = BenchClock(START), make_meter()
    server = await serve_meter_tcp(MeterService(meter, clock, random=seeded(), framing=framing))
    link = await connect_tcp("127.0.0.1", server.port)
    async with make_client(link, clock, hdlc=framing is FramingKind.HDLC, conformance=WILLING) as client:
        meter.alarm(EventCode.COVER_OPENED, clock.at)
        await client.get(Data.value, codes.SERIAL)
        await client.get(Data.value, codes.SERIAL)
        (told,) = (notified.notification for notified in client.notifications)
        assert told.cosem_attribute_descriptor == DESCRIPTOR
        assert told.attribute_value == FRAUD
        assert told.time == meter.clock.date_time(clock.at)
        assert not client.refused
    await server.close()
    assert meter.alarm_listeners == []


async def test_nobody_has_to_ask_first() -> None:
    """What comes on the link of a client that is silent, sealed in its association and plain where it has none."""
    clock, meter = BenchClock(START), make_laboratory_meter()
    face = MemoryFace(MeterService(meter, clock, random=seeded()))
    for client_sap in (1, 3):
        link = face.connect()
        client = make_client(link, clock, sap=client_sap, conformance=WILLING)
        await client.associate()
        meter.alarm(EventCode.COVER_OPENED, clock.at)
        async with asyncio.timeout(60):
            raw = await link.receive()
        assert raw[:6] == bytes((0, 1, 0, 1, 0, client_sap))
        assert (raw[8] == SAID_PLAIN, FRAUD in raw) == ((False, False) if client_sap == 1 else (True, True))
        await client.close()
    await face.close()


async def test_who_did_not_ask_or_may_not_read_it_is_told_nothing() -> None:
    clock, meter = BenchClock(START), make_meter()
    face = MemoryFace(MeterService(meter, clock, random=seeded()))
    public = make_client(face.connect(), clock, sap=16, conformance=WILLING)
    unwilling = make_client(face.connect(), clock)
    filtered = make_client(face.connect(), clock, sap=2, conformance=WILLING)
    for client in (public, unwilling, filtered):
        await client.associate()
    meter.alarm(EventCode.COVER_OPENED, clock.at)
    meter.alarms.filter = 0
    meter.alarm(EventCode.COVER_OPENED, clock.at)
    for client in (public, unwilling, filtered):
        await client.get(Data.value, codes.SERIAL)
        await client.close()
    assert [len(client.notifications) for client in (public, unwilling, filtered)] == [0, 0, 1]
    await face.close()
