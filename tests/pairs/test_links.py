"""Both framings over every kind of link, driven by the one driver."""

from __future__ import annotations

import asyncio
import random

import pytest

from openami.io.clock import SystemClock
from openami.io.links.driver import Driver
from openami.io.links.memory import memory_pair
from openami.io.links.pty import open_pty
from openami.io.links.serial import open_serial
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.io.links.udp import connect_udp, serve_udp
from openami.model.errors import LinkLost
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hdlc.parameters import HdlcParameters
from openami.protocols.dlms.wrapper import WrapperFraming

WIDE = HdlcParameters(512, 512, 3, 3)


def framing(kind, role, *, datagrams=False):
    if kind == "hdlc":
        return HdlcFraming(role, 16, HdlcAddress(1, 17), WIDE)
    return WrapperFraming(role, 16, 1, datagrams=datagrams)


async def mirror(link, kind):
    """A server that answers each APDU with its bytes in reverse order, until the link ends."""
    core = framing(kind, Role.SERVER, datagrams=link.datagrams)
    driver = Driver(core, link, SystemClock())
    while True:
        try:
            event = await driver.next_event()
        except LinkLost:
            return
        if isinstance(event, ApduReceived):
            core.send(event.apdu[::-1], SystemClock().monotonic())


async def converse(link, kind):
    """Connect, exchange APDUs of several sizes, disconnect."""
    clock = SystemClock()
    core = framing(kind, Role.CLIENT, datagrams=link.datagrams)
    driver = Driver(core, link, clock)
    core.connect(clock.monotonic())
    assert isinstance(await driver.next_event(), Connected)
    for size in (1, 500, 509, 510, 5000, 40_000):
        apdu = random.Random(size).randbytes(size)
        core.send(apdu, clock.monotonic())
        assert await driver.next_event() == ApduReceived(apdu[::-1], 1, 16)
    core.disconnect(clock.monotonic())
    assert await driver.next_event() == Disconnected("disconnected as asked", clean=True)
    await driver.close()


@pytest.mark.parametrize("kind", ["hdlc", "wrapper"])
async def test_over_memory_in_small_pieces(kind):
    choice = random.Random(1)
    left, right = memory_pair(piece_size=lambda: choice.randint(1, 300))
    serving = asyncio.create_task(mirror(right, kind))
    await converse(left, kind)
    await serving


@pytest.mark.parametrize("kind", ["hdlc", "wrapper"])
async def test_over_tcp(kind):
    server = await serve_tcp(lambda link: mirror(link, kind), "127.0.0.1", 0)
    await asyncio.gather(*[converse(await connect_tcp("127.0.0.1", server.port), kind) for _ in range(20)])
    await server.close()


async def test_over_udp():
    server = await serve_udp(lambda link: mirror(link, "wrapper"), "127.0.0.1", 0)
    await asyncio.gather(*[converse(await connect_udp("127.0.0.1", server.port), "wrapper") for _ in range(5)])
    await server.close()


async def test_over_a_serial_line():
    inner, path = await open_pty()
    serving = asyncio.create_task(mirror(inner, "hdlc"))
    for _ in range(3):
        await converse(await open_serial(path), "hdlc")
    await inner.close()
    await serving
