from __future__ import annotations

import asyncio
import random

import pytest

from openami.io.links.memory import memory_pair
from openami.model.errors import LinkLost


async def everything(link):
    data = bytearray()
    while piece := await link.receive():
        data += piece
    return bytes(data)


async def test_what_is_sent_arrives_and_the_end_is_empty():
    left, right = memory_pair()
    await left.send(b"hello ")
    await left.send(b"meter")
    assert await right.receive() == b"hello meter"
    await left.close()
    await left.close()
    assert await right.receive() == b""
    with pytest.raises(LinkLost, match="closed"):
        await right.send(b"x")
    with pytest.raises(LinkLost, match="closed"):
        await left.send(b"x")


async def test_datagrams_keep_their_bounds():
    left, right = memory_pair(datagrams=True)
    await right.send(b"a")
    await right.send(b"b")
    assert (await left.receive(), await left.receive()) == (b"a", b"b")


async def test_seeded_pieces_arrive_whole_in_any_cut():
    choice = random.Random(5)
    left, right = memory_pair(piece_size=lambda: choice.randint(0, 9))
    sent = choice.randbytes(1000)
    await left.send(sent)
    await left.close()
    assert await everything(right) == sent


async def test_the_hook_sees_and_changes_what_passes():
    left, right = memory_pair(tamper=lambda data: (data.upper(), b"", data))
    await left.send(b"ab")
    await left.close()
    assert await everything(right) == b"ABab"


async def test_a_sender_waits_for_a_slow_receiver():
    left, right = memory_pair()
    sending = asyncio.create_task(left.send(bytes(1 << 17)))
    await asyncio.sleep(0)
    assert not sending.done()
    assert len(await right.receive()) == 1 << 17
    await sending


async def test_closing_the_receiver_frees_a_waiting_sender():
    left, right = memory_pair()
    sending = asyncio.create_task(left.send(bytes(1 << 17)))
    await asyncio.sleep(0)
    await right.close()
    await sending
    with pytest.raises(LinkLost):
        await left.send(b"x")


async def test_a_cancelled_receive_loses_nothing():
    left, right = memory_pair()
    waiting = asyncio.create_task(right.receive())
    await asyncio.sleep(0)
    await left.send(b"kept")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await right.receive() == b"kept"


async def test_two_receivers_of_one_link_are_a_bug():
    left, right = memory_pair()
    waiting = asyncio.create_task(right.receive())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="two tasks"):
        await right.receive()
    await left.close()
    assert await waiting == b""
