from __future__ import annotations

import asyncio

import pytest

from openami.model.errors import ConnectFailed, LinkLost
from openami.simulation.ip import GIVE_UP_S, Network, Way
from openami.simulation.streams import Streams
from openami.simulation.trace import Trace
from virtual_loop import in_virtual_time


def made(**way):
    return Network(asyncio.get_running_loop(), Streams(1), Trace(), Way(**way))


async def echo(link):
    while data := await link.receive():
        await link.send(data)


async def received(link, count):
    got = b""
    while len(got) < count:
        got += await link.receive()
    return got


@in_virtual_time
async def test_a_stream_is_late_but_whole_and_in_order():
    network = made(loss_percent=20)
    network.listen("headend", 1, echo)
    link = await network.dial("office")("headend", 1, 5.0)
    sent = bytes(range(256))
    begun = asyncio.get_running_loop().time()
    for octet in sent:
        await link.send(bytes((octet,)))
    assert await received(link, 256) == sent
    assert asyncio.get_running_loop().time() - begun > 0.5, "some of it was sent again"
    await link.close()
    with pytest.raises(LinkLost):
        await link.send(b"more")
    await network.close()


@in_virtual_time
async def test_datagrams_are_lost_doubled_and_overtake():
    network, got = made(loss_percent=20, doubled_percent=20, jitter_ms=500), []

    async def listen(link):
        while data := await link.receive():
            got.append(data[0])

    network.listen("headend", 1, listen, datagrams=True)
    link = await network.dial("meter")("headend", 1, 5.0)
    for number in range(100):
        await link.send(bytes((number,)))
    await asyncio.sleep(5)
    assert 60 < len(set(got)) < 95
    assert len(got) > len(set(got))
    assert got != sorted(got)
    await network.close()


@in_virtual_time
async def test_a_short_partition_is_only_late_and_a_long_one_leaves_half_a_connection():
    network, seen = made(loss_percent=0), []

    async def listen(link):
        while data := await link.receive():
            seen.append(data)

    network.listen("headend", 1, listen)
    link = await network.dial("collector")("headend", 1, 5.0)
    network.part("collector", "headend")
    await link.send(b"short")
    await asyncio.sleep(GIVE_UP_S / 2)
    assert seen == []
    network.join("headend", "collector")
    await asyncio.sleep(1)
    assert seen == [b"short"]
    network.part("collector", "headend")
    with pytest.raises(ConnectFailed, match="no answer within 5 s"):
        await network.dial("collector")("headend", 1, 5.0)
    await link.send(b"long")
    with pytest.raises(LinkLost, match="does not answer"):
        await asyncio.wait_for(link.receive(), 10 * GIVE_UP_S)
    network.join("collector", "headend")
    await asyncio.sleep(GIVE_UP_S)
    assert seen == [b"short"], "what was given up does not come later"
    await network.close()


@in_virtual_time
async def test_where_nobody_listens_nobody_answers():
    network = made()
    with pytest.raises(ConnectFailed, match="refused"):
        await network.dial("office")("headend", 1, 5.0)
    network.listen("headend", 1, echo)
    network.silence("headend", 1)
    with pytest.raises(ConnectFailed, match="refused"):
        await network.dial("office")("headend", 1, 5.0)


@in_virtual_time
async def test_a_host_that_dies_says_no_farewell_and_is_found_out_late():
    network = made(loss_percent=0)
    network.listen("headend", 1, echo)
    link = await network.dial("office")("headend", 1, 5.0)
    await link.send(b"x")
    assert await received(link, 1) == b"x"
    network.crash("headend")
    begun = asyncio.get_running_loop().time()
    await link.send(b"anybody?")
    with pytest.raises(LinkLost, match="does not answer any more"):
        await link.receive()
    assert asyncio.get_running_loop().time() - begun == pytest.approx(GIVE_UP_S)
    with pytest.raises(ConnectFailed, match="refused"):
        await network.dial("office")("headend", 1, 5.0)
    network.listen("headend", 1, echo)
    again = await network.dial("office")("headend", 1, 5.0)
    await again.send(b"y")
    assert await received(again, 1) == b"y"
    await network.close()


@in_virtual_time
async def test_what_a_dead_host_still_tries_to_send_never_leaves_it():
    network = made(loss_percent=0)
    heard = []

    async def keep(link):
        while data := await link.receive():
            heard.append(data)

    network.listen("headend", 1, keep)
    link = await network.dial("collector")("headend", 1, 5.0)
    network.crash("collector")
    await link.send(b"a last word")
    await link.close()
    await asyncio.sleep(10)
    assert heard == []
    await network.close()
