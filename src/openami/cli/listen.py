"""`openami listen`: what meters push, explained as it comes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Annotated

import typer

from openami.app.settings import address
from openami.cli.decode import KeyOption, SystemTitleOption, octets_of
from openami.cli.output import JsonOption, print_note
from openami.cli.watch import WatchedLink, Watcher
from openami.io.clock import SystemClock
from openami.io.links.address import open_link
from openami.io.links.link import Link
from openami.io.links.tcp import serve_tcp
from openami.io.links.udp import serve_udp
from openami.model.errors import LinkError
from openami.protocols.dlms.telegram import DlmsDecoder


def listen(
    where: Annotated[
        str, typer.Argument(help="host:port to listen on by TCP and UDP, or a consumer port: serial:///dev/ttyUSB0.")
    ] = "127.0.0.1:4059",
    *,
    key: KeyOption = None,
    system_title: SystemTitleOption = None,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many connections or datagrams; 0: never.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Listen for pushes (DataNotification, on a consumer port P1 and SML too) and say what each byte means.

    Ciphered pushes are opened when their keys are given. Nothing is ever sent.
    """
    decoder = DlmsDecoder(octets_of("--key", key), octets_of("--system-title", system_title))
    watcher = Watcher(decoder, as_json=as_json)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serial(where, watcher) if where.startswith("serial:") else _network(where, watcher, count))


async def _serial(where: str, watcher: Watcher) -> None:
    link = await open_link(where)
    try:
        await _hear(link, watcher)
    finally:
        await link.close()


async def _network(where: str, watcher: Watcher, count: int) -> None:
    host, port = address(where, "the address to listen on")
    enough = asyncio.Event()
    heard = 0

    async def handle(link: Link) -> None:
        nonlocal heard
        await _hear(link, watcher)
        heard += 1
        if heard == count:
            enough.set()

    async with AsyncExitStack() as stack:
        tcp = await serve_tcp(handle, host, port)
        stack.push_async_callback(tcp.close)
        udp = await serve_udp(handle, host, tcp.port)
        stack.push_async_callback(udp.close)
        print_note(f"listening on {host}:{tcp.port} (TCP and UDP); stop with Ctrl-C")
        await enough.wait()


async def _hear(link: Link, watcher: Watcher) -> None:
    clock = SystemClock()
    serial = link.peer.startswith("serial:")
    sink = WatchedLink(watcher, link.peer, datagrams=link.datagrams, consumer_port=serial)
    try:
        while data := await link.receive():
            sink.received(data, clock.time())
            if link.datagrams:
                return
    except LinkError as error:
        print_note(f"{link.peer}: {error}")
