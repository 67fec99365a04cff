"""`openami capture`: what passes a link, as pcapng and explained."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from openami.app.settings import address
from openami.cli.decode import KeyOption, SystemTitleOption, octets_of
from openami.cli.output import JsonOption, print_note
from openami.cli.watch import WatchedLink, Watcher
from openami.io.clock import SystemClock
from openami.io.links.address import open_link, parse_address
from openami.io.links.capture import CapturingLink, PcapngWriter, Sink
from openami.io.links.link import Link
from openami.io.links.tcp import serve_tcp
from openami.model.errors import LinkError
from openami.protocols.dlms.telegram import DlmsDecoder


def capture(
    link: Annotated[str, typer.Argument(help="The meter's side: tcp://host:port, udp://host:port, serial:///dev/….")],
    *,
    listen: Annotated[
        str | None, typer.Option(help="Stand between: a client connects here (host:port) and reaches the meter.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a pcapng file that Wireshark opens.")] = None,
    key: KeyOption = None,
    system_title: SystemTitleOption = None,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many connections; 0: never.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only write the file, explain nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Record what passes a link, and say what it means.

    With `--listen` the command stands between a client and the meter and passes every byte on unchanged; without it, it
    only listens to the link.
    """
    parse_address(link)
    decoder = DlmsDecoder(octets_of("--key", key), octets_of("--system-title", system_title))
    watcher = None if quiet else Watcher(decoder, as_json=as_json)
    with ExitStack() as stack:
        writer = PcapngWriter(stack.enter_context(out.open("wb"))) if out is not None else None
        tap = Tap(link, writer, watcher)
        with suppress(KeyboardInterrupt):
            asyncio.run(tap.overhear() if listen is None else tap.relay(listen, count))


class Tap:
    """Everything that passes goes to the file and to the watcher."""

    def __init__(self, target: str, writer: PcapngWriter | None, watcher: Watcher | None) -> None:
        self._target = target
        self._writer = writer
        self._watcher = watcher
        self._clock = SystemClock()

    async def overhear(self) -> None:
        """Listen to the link until it ends."""
        link = self._tapped(await open_link(self._target))
        try:
            while await link.receive():
                pass
        finally:
            await link.close()

    async def relay(self, listen: str, count: int) -> None:
        """Pass bytes between clients and the meter, `count` connections (0: without end)."""
        host, port = address(listen, "--listen")
        enough = asyncio.Event()
        served = 0

        async def handle(client: Link) -> None:
            nonlocal served
            await self._join(client)
            served += 1
            if served == count:
                enough.set()

        server = await serve_tcp(handle, host, port)
        print_note(f"connect to {host}:{server.port}; stop with Ctrl-C")
        try:
            await enough.wait()
        finally:
            await server.close()

    async def _join(self, client: Link) -> None:
        try:
            meter = self._tapped(await open_link(self._target))
        except LinkError as error:
            print_note(f"{self._target}: {error}")
            return
        try:
            ways = [asyncio.create_task(_pump(client, meter)), asyncio.create_task(_pump(meter, client))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            await meter.close()

    def _tapped(self, link: Link) -> Link:
        sinks: list[Sink] = []
        if self._writer is not None:
            sinks.append(self._writer.link(link.peer, self._clock.time()))
        if self._watcher is not None:
            sinks.append(WatchedLink(self._watcher, link.peer, datagrams=link.datagrams))
        for sink in sinks:
            link = CapturingLink(link, sink, self._clock)
        return link


async def _pump(source: Link, target: Link) -> None:
    with suppress(LinkError):
        while data := await source.receive():
            await target.send(data)
