from __future__ import annotations

import asyncio

import pytest

from openami.io.links.udp import connect_udp, serve_udp
from openami.model.errors import ConnectFailed, LinkLost

HOST = "127.0.0.1"


async def echo(link):
    while data := await link.receive():
        await link.send(data)


async def test_datagrams_keep_their_bounds_and_find_their_peer():
    server = await serve_udp(echo, HOST, 0)
    left, right = await connect_udp(HOST, server.port), await connect_udp(HOST, server.port)
    assert left.datagrams
    assert left.peer == f"udp:127.0.0.1:{server.port}"
    await left.send(b"a")
    await right.send(b"b")
    await left.send(b"c")
    assert [await left.receive(), await left.receive(), await right.receive()] == [b"a", b"c", b"b"]
    await left.close()
    assert await left.receive() == b""
    with pytest.raises(LinkLost, match="closed"):
        await left.send(b"x")
    await right.close()
    await server.close()
    await server.close()


async def test_a_port_that_nobody_listens_on_is_told():
    server = await serve_udp(echo, HOST, 0)
    await server.close()
    link = await connect_udp(HOST, server.port)
    await link.send(b"hello?")
    with pytest.raises(LinkLost, match=f"udp:127.0.0.1:{server.port} cannot be reached"):
        await link.receive()
    await link.close()


async def test_a_taken_port_is_named():
    server = await serve_udp(echo, HOST, 0)
    with pytest.raises(ConnectFailed, match=f"cannot listen on 127.0.0.1:{server.port}"):
        await serve_udp(echo, HOST, server.port)
    await server.close()


async def test_sources_are_bounded_and_the_oldest_goes(caplog):
    served = []

    async def keep(link):
        served.append(link.peer)
        await link.send(await link.receive())
        assert await link.receive() == b""
        raise ValueError("ended")

    server = await serve_udp(keep, HOST, 0, peers_max=1)
    left, right = await connect_udp(HOST, server.port), await connect_udp(HOST, server.port)
    await left.send(b"a")
    assert await left.receive() == b"a"
    await right.send(b"b")
    assert await right.receive() == b"b"
    assert len(served) == 2
    assert "ended" in caplog.text
    await left.close()
    await right.close()
    await server.close()


async def test_closing_ends_the_handlers_of_sources_that_had_to_go_too():
    ended = []

    async def stay(link):
        await link.send(await link.receive())
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(link.peer)

    server = await serve_udp(stay, HOST, 0, peers_max=1)
    for _ in range(2):
        link = await connect_udp(HOST, server.port)
        await link.send(b"a")
        assert await link.receive() == b"a"
        await link.close()
    await server.close()
    assert len(ended) == 2


async def test_a_slow_reader_loses_datagrams_and_knows_how_many():
    server = await serve_udp(echo, HOST, 0)
    link = await connect_udp(HOST, server.port)
    for _ in range(10):
        link.arrive(bytes(30_000))
    assert link.dropped == 7
    assert len(await link.receive()) == 30_000
    await link.close()
    await server.close()
