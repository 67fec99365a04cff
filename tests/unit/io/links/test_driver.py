from __future__ import annotations

import asyncio

import pytest

from openami.io.clock import SystemClock
from openami.io.links.driver import Driver
from openami.io.links.memory import memory_pair
from openami.model.errors import LinkLost
from openami.protocols.dlms.framing import ApduReceived, Disconnected, Role
from openami.protocols.dlms.wrapper import WrapperFraming


class Ticking:
    """A core that is due at once and says so."""

    def __init__(self):
        self.due = 0.01
        self.events = []

    def receive(self, data, now): ...

    def next_event(self):
        return self.events.pop(0) if self.events else None

    def data_to_send(self, now):
        return b""

    def next_timeout(self):
        return self.due

    def handle_timeout(self, now):
        assert now >= self.due
        self.events.append("due")
        self.due = None

    def closed(self, now):
        self.events.append("closed")


class Hands:
    """A clock that moves only when a test moves it."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now

    def monotonic(self):
        self.now += 0.001
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


async def test_a_server_answers_a_client_through_two_drivers():
    left, right = memory_pair(piece_size=lambda: 3)
    ask = WrapperFraming(Role.CLIENT, 16, 1)
    answer = WrapperFraming(Role.SERVER, 16, 1)
    client, server = Driver(ask, left, SystemClock()), Driver(answer, right, SystemClock())
    ask.send(b"\xc0", 0.0)
    await client.flush()
    assert await server.next_event() == ApduReceived(b"\xc0", 16, 1)
    answer.send(b"\xc4", 0.0)
    await server.flush()
    assert await client.next_event() == ApduReceived(b"\xc4", 1, 16)
    await server.close()
    assert await client.next_event() == Disconnected("the link ended")
    with pytest.raises(LinkLost, match="has ended the connection"):
        await client.next_event()
    with pytest.raises(LinkLost):
        await client.flush()
    await client.close()


async def test_the_core_is_called_when_it_is_due():
    left, _ = memory_pair()
    driver = Driver(Ticking(), left, Hands())
    assert await driver.next_event() == "due"


async def test_a_send_into_a_broken_link_is_told_to_the_core():
    left, right = memory_pair()
    core = WrapperFraming(Role.CLIENT, 16, 1)
    driver = Driver(core, left, SystemClock())
    await right.close()
    core.send(b"\xc0", 0.0)
    assert await driver.next_event() == Disconnected("the link ended")
    with pytest.raises(LinkLost, match="closed"):
        await driver.next_event()


async def test_cancelling_a_wait_loses_no_bytes():
    left, right = memory_pair()
    core = WrapperFraming(Role.CLIENT, 16, 1)
    driver = Driver(core, left, SystemClock())
    waiting = asyncio.create_task(driver.next_event())
    await asyncio.sleep(0)
    await right.send(bytes.fromhex("0001000100100001c4"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await driver.next_event() == ApduReceived(b"\xc4", 1, 16)
