from __future__ import annotations

import asyncio
import logging

import pytest

from openami.io.clock import SystemClock
from openami.io.links import driver, stream
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.model.errors import ConnectFailed, LinkLost, LinkTimeout

HOST = "127.0.0.1"


async def echo(link):
    while data := await link.receive():
        await link.send(data)


async def test_an_echo_over_tcp():
    server = await serve_tcp(echo, HOST, 0)
    link = await connect_tcp(HOST, server.port)
    assert link.peer == f"tcp:127.0.0.1:{server.port}"
    await link.send(b"hello")
    assert await link.receive() == b"hello"
    await link.close()
    await link.close()
    assert await link.receive() == b""
    with pytest.raises(LinkLost):
        await link.send(b"x")
    await server.close()
    await server.close()


async def test_a_refused_connection_names_the_address():
    server = await serve_tcp(echo, HOST, 0)
    await server.close()
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{server.port}"):
        await connect_tcp(HOST, server.port)


async def test_a_taken_port_is_named():
    server = await serve_tcp(echo, HOST, 0)
    with pytest.raises(ConnectFailed, match=f"cannot listen on 127.0.0.1:{server.port}"):
        await serve_tcp(echo, HOST, server.port)
    await server.close()


async def test_a_connection_that_does_not_come_about_in_time(monkeypatch):
    async def never(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    with pytest.raises(ConnectFailed, match=r"within 0\.01 s"):
        await connect_tcp(HOST, 4059, timeout_s=0.01)


async def test_a_flood_is_held_back_in_both_directions():
    """Neither end takes: the sender must come to wait, and then all bytes must arrive."""
    links = asyncio.Queue()

    async def keep(link):
        await links.put(link)
        await asyncio.Event().wait()

    server = await serve_tcp(keep, HOST, 0)
    near = await connect_tcp(HOST, server.port)
    far = await links.get()
    size, piece, total = 0, bytes(1 << 20), 64 << 20

    async def flood():
        for _ in range(total // len(piece)):
            await near.send(piece)
        await near.close()

    sending = asyncio.create_task(flood())
    while not far._inbox.full:
        await asyncio.sleep(0)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not sending.done()
    assert far._inbox.size < 2 << 20
    while data := await far.receive():
        size += len(data)
    await sending
    assert size == total
    await server.close()


async def test_a_peer_that_takes_nothing_is_cut_off(monkeypatch):
    """Neither closing a link nor ending a driver waits for it."""
    monkeypatch.setattr(stream, "CLOSE_TIMEOUT_S", 0.01)
    monkeypatch.setattr(driver, "CLOSE_TIMEOUT_S", 0.01)

    class Flood:
        def data_to_send(self, _now):
            return bytes(1 << 20)

    async def keep(_link):
        await asyncio.Event().wait()

    server = await serve_tcp(keep, HOST, 0)
    link = await connect_tcp(HOST, server.port)
    await driver.Driver(Flood(), link, SystemClock()).close()
    assert link._transport.get_extra_info("socket").fileno() == -1
    await server.close()


async def test_what_was_asked_before_the_end_is_answered():
    server = await serve_tcp(echo, HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, server.port)
    writer.write(b"last words")
    writer.write_eof()
    assert await reader.read() == b"last words"
    writer.close()
    await server.close()


async def test_too_many_connections_are_refused_and_the_others_served(caplog):
    server = await serve_tcp(echo, HOST, 0, connections_max=1)
    first = await connect_tcp(HOST, server.port)
    await first.send(b"a")
    assert await first.receive() == b"a"
    second = await connect_tcp(HOST, server.port)
    assert await second.receive() == b""
    await first.send(b"b")
    assert await first.receive() == b"b"
    assert "1 connections are open" in caplog.text
    await first.close()
    await second.close()
    await server.close()


async def test_a_failing_handler_ends_its_own_link_only(caplog):
    async def fail(link):
        if await link.receive() == b"bug":
            raise ValueError("a bug")
        raise LinkLost("gone")

    caplog.set_level(logging.INFO)
    server = await serve_tcp(fail, HOST, 0)
    for word in (b"bug", b"other"):
        link = await connect_tcp(HOST, server.port)
        await link.send(word)
        assert await link.receive() == b""
        await link.close()
    assert "a bug" in caplog.text
    assert "gone" in caplog.text
    await server.close()


async def test_a_handler_whose_own_link_fails_is_told_without_a_traceback(caplog):
    async def late(_link):
        raise LinkTimeout("no answer")

    caplog.set_level(logging.INFO)
    server = await serve_tcp(late, HOST, 0)
    link = await connect_tcp(HOST, server.port)
    assert await link.receive() == b""
    await link.close()
    assert [(record.levelname, record.message, record.exc_info) for record in caplog.records] == [
        ("INFO", "no answer", None)
    ]
    await server.close()


async def test_a_thousand_connections_at_once():
    server = await serve_tcp(echo, HOST, 0)
    links = await asyncio.gather(*(connect_tcp(HOST, server.port) for _ in range(1000)))
    for number, link in enumerate(links):
        await link.send(number.to_bytes(2, "big"))
    assert [int.from_bytes(await link.receive(), "big") for link in links] == list(range(1000))
    assert server.connections == 1000
    for link in links:
        await link.close()
    await server.close()


async def test_a_link_needs_little_memory():
    """Ten thousand of them are to fit one process: no task and no buffer of ours per connection."""
    before = len(asyncio.all_tasks())
    server = await serve_tcp(echo, HOST, 0)
    links = [await connect_tcp(HOST, server.port) for _ in range(20)]
    assert len(asyncio.all_tasks()) == before + 20, "one task each at the serving end, and that is the handler"
    for link in links:
        await link.close()
    await server.close()
