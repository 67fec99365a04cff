"""An image by UDP multicast to many meters, completed, verified and activated in each one's own association."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from meter_bench import CLIENT_TITLE, KEYS, START, BenchClock, make_meter
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.multicast import hear_datagram, serve_meters_multicast
from openami.field.meter.firmware import FirmwareImage
from openami.io.links.image_broadcast import broadcast_image
from openami.io.links.multicast import join_multicast, open_multicast
from openami.model.errors import ConnectFailed, DecodeError, SecurityError, SettingError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.broadcast import BroadcastSender
from openami.protocols.dlms.cosem.image_transfer import ImageTransferStatus
from openami.protocols.dlms.counters import MemoryCounters, SendCounter
from openami.protocols.dlms.image_transfer import ImagePlan, broadcast_blocks, transfer_image
from openami.protocols.dlms.security import read_header
from openami.protocols.dlms.wrapper import encode_wrapper
from procedure_pair import MeterPair

BLOCK = 128
IMAGE = FirmwareImage(b"OAM-3.0", random.Random(8).randbytes(5000))
PLAN = ImagePlan(b"OAM-3.0", bytes(IMAGE))
BLOCKS = -(-len(PLAN.image) // BLOCK)
BROADCAST = replace(KEYS, global_broadcast_encryption_key=bytes(range(32, 48)))
GROUP, INTERFACE = "239.255.59.59", "127.0.0.1"
COUNTER = "dlms/broadcast/sent"


def meters(count: int) -> list[ElectricityMeter]:
    """They were told of the image, and have nothing of it."""
    made = [make_meter(image_block_size=BLOCK, keys=BROADCAST) for _ in range(count)]
    for meter in made:
        with pytest.raises(InterruptedError):
            MeterPair(meter).perform(transfer_image(PLAN), 3)
        assert meter.image.status is ImageTransferStatus.INITIATED
    return made


def sender(counters: MemoryCounters, keys=BROADCAST) -> BroadcastSender:
    return BroadcastSender(keys, CLIENT_TITLE, SendCounter(COUNTER, counters.load(COUNTER)))


class Air:
    """A link on which each datagram reaches each meter by a chance of its own."""

    datagrams, peer = True, "air"

    def __init__(self, meters: list[ElectricityMeter], chance: float, clock: BenchClock) -> None:
        self._meters, self._chance, self._clock = meters, chance, clock
        self._random = random.Random(3)
        self.sent: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        for meter in self._meters:
            if self._random.random() < self._chance:
                hear_datagram(meter, data, self._clock.at)


async def test_what_the_air_lost_is_brought_one_by_one_and_each_meter_activates_for_itself() -> None:
    clock, counters, told = BenchClock(), MemoryCounters(), meters(5)
    air = Air(told, 0.7, clock)
    assert await broadcast_image(air, sender(counters), PLAN, BLOCK, clock, counters=counters) == BLOCKS
    assert clock.at == pytest.approx(START + BLOCKS * 0.1)
    for meter in told:
        arrived = meter.image.bitmap.count("1")
        assert BLOCKS // 2 < arrived < BLOCKS
        assert meter.firmware != IMAGE, "a broadcast activates nothing"
        done = MeterPair(meter, START + 1000).perform(transfer_image(replace(PLAN, begun=True)))
        assert done.blocks_sent == BLOCKS - arrived
        assert meter.firmware == IMAGE


async def test_numbers_are_reserved_before_they_are_used_and_go_on_after_a_crash() -> None:
    clock, counters = BenchClock(), MemoryCounters()
    air = Air([], 1, clock)
    await broadcast_image(air, sender(counters), PLAN, BLOCK, clock, counters=counters)
    await broadcast_image(air, sender(counters), PLAN, BLOCK, clock, counters=counters)
    sealed = [decode_apdu(datagram[8:]) for datagram in air.sent]
    numbers = [read_header(one.content).invocation_counter for one in sealed]
    assert numbers == sorted({*numbers})
    assert counters.load(COUNTER) > numbers[-1]


def test_who_is_meant_and_what_is_refused() -> None:
    (meter,) = meters(1)
    counters = MemoryCounters()
    sealing = sender(counters)
    sealing.reserved(sealing.reservation())
    first, second, third = list(broadcast_blocks(PLAN, BLOCK))[:3]
    datagram = sealing.datagram(first, 1)
    assert not hear_datagram(meter, datagram[:5] + b"\x01" + datagram[6:], START), "for the management logical device"
    meter.powered = False
    assert not hear_datagram(meter, datagram, START)
    meter.powered = True
    assert hear_datagram(meter, datagram, START)
    with pytest.raises(SecurityError, match="not newer"):
        hear_datagram(meter, datagram, START)
    stranger = sender(counters, replace(BROADCAST, global_broadcast_encryption_key=bytes(16)))
    stranger.reserved(stranger.reservation())
    for _ in range(3):
        wrong = stranger.datagram(second, 1)
    with pytest.raises(SecurityError, match="tag does not match"):
        hear_datagram(meter, wrong, START)
    with pytest.raises(SecurityError, match="only general-glo"):
        hear_datagram(meter, encode_wrapper(third, 1, 0x7F), START)
    with pytest.raises(DecodeError):
        hear_datagram(meter, datagram[:-1], START)
    assert meter.image.bitmap.count("1") == 1
    with pytest.raises(SettingError, match="global_broadcast_encryption_key is not set"):
        BroadcastSender(KEYS, CLIENT_TITLE, SendCounter(COUNTER))


async def test_over_real_sockets_on_the_loopback() -> None:
    clock, counters, told = BenchClock(), MemoryCounters(), meters(3)
    face = await serve_meters_multicast(told[:2], clock, GROUP, 0, interface=INTERFACE)
    last = asyncio.Event()

    def hear(data: bytes) -> None:
        hear_datagram(told[2], data, clock.at)
        if told[2].image.first_missing == BLOCKS:
            last.set()

    other = await join_multicast(hear, GROUP, face.port, interface=INTERFACE)
    link = await open_multicast(GROUP, face.port, interface=INTERFACE)
    try:
        await broadcast_image(link, sender(counters), PLAN, BLOCK, clock, counters=counters)
        async with asyncio.timeout(20):
            await last.wait()
    finally:
        await link.close()
        await other.close()
        await face.close()
    assert [meter.image.first_missing for meter in told] == [BLOCKS] * 3


async def test_what_cannot_be_joined_is_named() -> None:
    with pytest.raises(ConnectFailed, match=r"cannot join 10\.0\.0\.1:4059"):
        await join_multicast(lambda _data: None, "10.0.0.1", 4059, interface=INTERFACE)
    with pytest.raises(ConnectFailed, match="no way to"):
        await open_multicast(GROUP, 4059, interface="192.0.2.77")
