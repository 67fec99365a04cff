"""Meters that call in, on loopback: each gets a client, and one that fails disturbs no other."""

from __future__ import annotations

import asyncio
import random

from dlms_pair import ENERGY, ENERGY_OCTETS, PUBLIC, SERVER_TITLE, Store, plain_settings, server_settings
from openami.io.clock import SystemClock
from openami.io.links.dlms import DlmsClient, serve_dlms
from openami.io.links.dlms_callers import serve_callers
from openami.io.links.tcp import connect_tcp
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.wrapper import WrapperFraming

CLOCK = SystemClock()


async def call(port: int) -> None:
    """A meter calls and serves until it is hung up on."""
    link = await connect_tcp("127.0.0.1", port, timeout_s=5)
    settings, state = server_settings(Store()), ServerState(SERVER_TITLE, MemoryCounters())
    choice = random.Random(1)

    def make() -> ServerConnection:
        framing = WrapperFraming(Role.SERVER, PUBLIC, 1)
        return ServerConnection(framing, settings, state, random=choice.randbytes, now=CLOCK.monotonic())

    await serve_dlms(link, make, CLOCK, counters=MemoryCounters())


async def test_meters_that_call_in_are_read():
    values, failures = [], []

    def make_client(link):
        settings, choice = plain_settings(response_timeout_s=0.2), random.Random(2)
        framing = WrapperFraming(Role.CLIENT, settings.client_sap, 1)
        return DlmsClient(link, framing, settings, clock=CLOCK, random=choice.randbytes, counters=MemoryCounters())

    async def session(client):
        await client.associate()
        values.append(await client.get_raw(ENERGY))
        await client.release()

    server = await serve_callers(
        make_client, session, "127.0.0.1", 0, failed=lambda _link, error: failures.append(error)
    )
    try:
        silent = await connect_tcp("127.0.0.1", server.port, timeout_s=5)
        await asyncio.gather(call(server.port), call(server.port))
        assert await silent.receive() != b""
        while await silent.receive() != b"":
            pass
        await silent.close()
    finally:
        await server.close()
    assert values == [ENERGY_OCTETS] * 2
    assert len(failures) == 1
