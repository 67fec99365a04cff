"""Several meters on one HDLC line: alarms wait for their turn, images reach each one alone and all at once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from meter_bench import CLIENT_TITLE, KEYS, METER_TITLE, START, BenchClock, make_meter, seeded
from openami.field.meter import codes
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.shared_line import WAITING_MAX, TakingTurns
from openami.field.meter.firmware import FirmwareImage
from openami.io.links.dlms import DlmsClient
from openami.io.links.procedure import perform
from openami.model.event import EventCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.broadcast import BroadcastSender
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, Conformance
from openami.protocols.dlms.cosem.data import Data
from openami.protocols.dlms.counters import SendCounter, apply
from openami.protocols.dlms.framing import ApduReceived, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import LLC_COMMAND
from openami.protocols.dlms.hdlc.broadcast import unconfirmed_frames
from openami.protocols.dlms.hdlc.frame import encode_frame
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.image_transfer import ImagePlan, broadcast_blocks, transfer_image

LOWERS = (17, 18, 19)
BLOCK = 128
SEALED = replace(KEYS, global_broadcast_encryption_key=bytes(range(32, 48)))
IMAGE = FirmwareImage(b"OAM-3.0", random.Random(8).randbytes(2000))
PLAN = ImagePlan(b"OAM-3.0", bytes(IMAGE))
WILLING = CLIENT_CONFORMANCE | Conformance.EVENT_NOTIFICATION


class Tap:
    """One station's place on the line."""

    datagrams, peer = False, "line"

    def __init__(self, line: Line) -> None:
        self._line = line
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, data: bytes) -> None:
        self._line.carry(self, data)

    async def receive(self) -> bytes:
        return await self.heard.get()

    async def close(self) -> None:
        """The place is given up; nothing is heard there any more."""


class Line:
    """All meters hear everything. The master has a tap for each meter, and listens with the one that he spoke with."""

    def __init__(self) -> None:
        self._master: Tap | None = None
        self.spoken: list[tuple[Tap, bytes]] = []
        self.clock = BenchClock(START)
        self.meters: dict[int, ElectricityMeter] = {}
        self.places: dict[int, Tap] = {}
        self._serving: list[asyncio.Task[None]] = []

    def hang(self) -> None:
        for lower in LOWERS:
            title = METER_TITLE[:-1] + bytes((lower,))
            meter = make_meter(system_title=title, keys=SEALED, image_block_size=BLOCK)
            service = MeterService(
                meter, self.clock, random=seeded(lower), framing=FramingKind.HDLC, physical_address=lower
            )
            self.meters[lower], self.places[lower] = meter, Tap(self)
            self._serving.append(asyncio.ensure_future(service.serve_line(self.places[lower])))

    def carry(self, speaker: Tap, data: bytes) -> None:
        self.spoken.append((speaker, data))
        others = [tap for tap in self.places.values() if tap is not speaker]
        if len(others) == len(self.places):
            self._master = speaker
        elif self._master is not None:
            others.append(self._master)
        for tap in others:
            tap.heard.put_nowait(data)

    def client(self, lower: int) -> DlmsClient:
        settings = ClientSettings(
            client_sap=1,
            authentication=Authentication.HLS5,
            keys=SEALED,
            system_title=CLIENT_TITLE,
            server_system_title=self.meters[lower].config.system_title,
            conformance=WILLING,
        )
        framing = HdlcFraming(Role.CLIENT, 1, HdlcAddress(1, lower))
        return DlmsClient(
            Tap(self), framing, settings, clock=self.clock, random=seeded(7), counters=self.clock.counters
        )

    async def close(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


@pytest.fixture
async def line():
    made = Line()
    made.hang()
    yield made
    await made.close()


async def test_an_alarm_waits_until_its_meter_is_polled(line: Line) -> None:
    first, second = line.client(17), line.client(18)
    await first.associate()
    await second.associate()
    line.spoken.clear()
    line.meters[17].alarm(EventCode.COVER_OPENED, START)
    for _ in range(100):
        await asyncio.sleep(0)
    assert line.spoken == [], "nobody was asked, and nobody speaks"
    await second.get(Data.value, codes.SERIAL)
    assert line.places[17] not in [who for who, _ in line.spoken], "another's turn"
    assert not first.notifications
    await first.get(Data.value, codes.SERIAL)
    (told,) = first.notifications
    assert told.notification.attribute_value[-4:] == (1 << 13).to_bytes(4, "big")
    assert not second.notifications
    assert not first.refused
    await first.close()
    await second.close()


async def test_an_image_reaches_each_meter_of_the_line_alone(line: Line) -> None:
    for lower in LOWERS[:2]:
        async with line.client(lower) as client:
            done = await perform(client, transfer_image(PLAN), line.clock)
            assert done.blocks_sent == -(-len(PLAN.image) // BLOCK)
        assert line.meters[lower].firmware == IMAGE
    assert line.meters[19].firmware != IMAGE
    assert line.meters[19].image.first_missing == 0


async def test_blocks_to_all_stations_complete_every_meter_of_the_line(line: Line) -> None:
    for lower in LOWERS:
        async with line.client(lower) as client:
            steps, answer = transfer_image(PLAN), None
            for _ in range(3):  # told of the image, and nothing of it brought yet
                answer = await client.ask(steps.send(answer))
    sending = SendCounter("dlms/broadcast/sent")
    sender = BroadcastSender(SEALED, CLIENT_TITLE, sending)
    sending.reserved(apply(line.clock.counters, sender.reservation()))
    missed = {17: 3, 18: 5}
    for number, apdu in enumerate(broadcast_blocks(PLAN, BLOCK)):
        to = HdlcAddress(1, 0x3FFF, 4)
        for frame in unconfirmed_frames(sender.seal(apdu), LLC_COMMAND, 128, to, HdlcAddress(1)):
            octets = encode_frame(frame)
            for lower in LOWERS:
                noisy = missed.get(lower) == number
                line.places[lower].heard.put_nowait(octets[:-2] + b"\0" + octets[-1:] if noisy else octets)
    for lower in LOWERS:
        async with line.client(lower) as client:
            done = await perform(client, transfer_image(replace(PLAN, begun=True)), line.clock)
            assert done.blocks_sent == (lower in missed)
        assert line.meters[lower].firmware == IMAGE


def test_what_waits_too_long_is_given_up_the_oldest_first() -> None:
    secondary = TakingTurns(HdlcFraming(Role.SERVER, 1, HdlcAddress(1, 17)))
    for number in range(WAITING_MAX + 3):
        secondary.send(bytes((number,)), 0.0, destination=1, unconfirmed=True)
    assert secondary.data_to_send(0.0) == b""
    primary = HdlcFraming(Role.CLIENT, 1, HdlcAddress(1, 17))
    primary.connect(0.0)
    secondary.receive(primary.data_to_send(0.0), 0.0)
    primary.receive(secondary.data_to_send(0.0), 0.0)
    events = [primary.next_event() for _ in range(WAITING_MAX + 1)]
    heard = [event.apdu for event in events if isinstance(event, ApduReceived)]
    assert heard == [bytes((number,)) for number in range(3, WAITING_MAX + 3)]
