"""One connection between a collector and the head-end, its circuits as links."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.inbox import Inbox
from openami.io.links.link import Link
from openami.model.errors import LinkError, LinkLost
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorEvent
from openami.protocols.zones.collector_message import (
    ChannelClosed,
    ChannelCredit,
    ChannelData,
    ChannelOpened,
    CollectorMessage,
    HeadendMessage,
    OpenChannel,
)
from openami.protocols.zones.connection import Ended
from openami.protocols.zones.message import RefusalCause

_PIECE = 1 << 14
_DETAIL_MAX = 500


class ChannelRefused(LinkError):
    """The collector opened no circuit; `cause` says why."""

    def __init__(self, cause: RefusalCause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class ChannelLink:
    """One circuit. Sending waits for the credit that the other end gives back as it takes."""

    datagrams = False

    def __init__(self, channels: Channels, number: int, peer: str) -> None:
        self.peer = peer
        self.number = number
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._channels = channels
        self._inbox = Inbox()
        self._may_send = asyncio.Event()
        self._ended: LinkError | None = None

    async def receive(self) -> bytes:
        data = await self._inbox.take()
        if data:
            await self._channels.tell(ChannelCredit(self.number, len(data)))
        return data

    async def send(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self._ended is not None:
                raise self._ended
            piece = data[at : at + min(_PIECE, self._channels.credit(self.number))]
            if piece:
                at += len(piece)
                await self._channels.send(ChannelData(self.number, piece))
            else:
                self._may_send.clear()
                await self._may_send.wait()

    async def close(self) -> None:
        if self._ended is None:
            self.ended(LinkLost(f"the circuit with {self.peer} is closed"), clean=True)
            await self._channels.tell(ChannelClosed(self.number))
            self._channels.forget(self.number)

    async def refuse(self, cause: RefusalCause, detail: str) -> None:
        """Tell why there is no circuit (collector)."""
        if self._ended is None:
            self.ended(LinkLost(detail), clean=True)
            await self._channels.tell(ChannelClosed(self.number, cause, detail[:_DETAIL_MAX]))
            self._channels.forget(self.number)

    def arrive(self, data: bytes) -> None:
        """Bytes from the other end."""
        self._inbox.put(data)

    def resume(self) -> None:
        """There is credit again."""
        self._may_send.set()

    def ended(self, error: LinkError, *, clean: bool) -> None:
        """The other end has closed, or the connection broke."""
        self._ended = error
        self._inbox.end(None if clean else error)
        self._may_send.set()
        if not self.opened.done():
            self.opened.set_exception(error)
            self.opened.exception()  # whoever waits is told; if nobody does, nothing is amiss


class Channels:
    """Runs the core of either side over `link`. One task takes events; any may send."""

    def __init__(self, core: CollectorConnection, link: Link, clock: Clock) -> None:
        self.peer = link.peer
        self._core = core
        self._clock = clock
        self._driver: Driver[CollectorEvent] = Driver(core, link, clock)
        self._links: dict[int, ChannelLink] = {}

    def __len__(self) -> int:
        return len(self._links)

    async def next_event(self) -> CollectorMessage | HeadendMessage:
        """The next message that is not a circuit's own. Raises `LinkError` at the end, `DecodeError` for bad bytes."""
        while True:
            event = await self._driver.next_event()
            if isinstance(event, Ended):
                raise event.error or LinkLost(f"{self.peer} ended the connection, or said nothing for too long")
            if not self._of_circuit(event):
                return event

    async def send(self, message: CollectorMessage | HeadendMessage) -> None:
        """Say something; raises `LinkError` if the connection has ended."""
        if self._core.ended:
            raise LinkLost(f"the connection with {self.peer} has ended")
        self._core.send(message, self._clock.monotonic())
        await self._driver.flush()

    async def tell(self, message: ChannelClosed | ChannelCredit) -> None:
        """Say it if the circuit is still there for the other side."""
        if self._core.has(message.channel):
            with suppress(LinkError):
                await self.send(message)

    async def open(self, address: str, timeout_s: float) -> Link:
        """A circuit to the meter at `address` (head-end); raises `ChannelRefused` or `LinkError`."""
        link = ChannelLink(self, self._core.new_channel(), f"{self.peer}/{address}")
        self._links[link.number] = link
        try:
            await self.send(OpenChannel(link.number, address, timeout_s))
            await link.opened
        except BaseException:
            await link.close()
            raise
        return link

    def accept(self, request: OpenChannel) -> ChannelLink:
        """The circuit that the head-end asks for (collector); say `opened` or refuse."""
        link = ChannelLink(self, request.channel, f"{self.peer}/{request.address}")
        self._links[link.number] = link
        return link

    async def opened(self, link: ChannelLink) -> None:
        """Tell that the meter is reached (collector)."""
        await self.send(ChannelOpened(link.number))

    def credit(self, number: int) -> int:
        """How many bytes a circuit may send now."""
        return self._core.credit(number)

    def forget(self, number: int) -> None:
        """The circuit has ended."""
        self._links.pop(number, None)

    async def close(self) -> None:
        """End all circuits and the connection."""
        error = LinkLost(f"the connection with {self.peer} has ended")
        for link in list(self._links.values()):
            link.ended(error, clean=False)
        self._links.clear()
        await self._driver.close()

    def _of_circuit(self, event: CollectorMessage | HeadendMessage) -> bool:
        """Hand a circuit's message to its link; whether it was one."""
        if not isinstance(event, ChannelOpened | ChannelData | ChannelCredit | ChannelClosed):
            return False
        link = self._links.get(event.channel)
        if link is None:
            return True
        match event:
            case ChannelOpened():
                if not link.opened.done():
                    link.opened.set_result(None)
            case ChannelData():
                link.arrive(event.data)
            case ChannelCredit():
                link.resume()
            case ChannelClosed():
                self.forget(link.number)
                link.ended(_told(link.peer, event), clean=event.cause is None)
        return True


def _told(peer: str, closed: ChannelClosed) -> LinkError:
    if closed.cause is None:
        return LinkLost(f"{peer} has ended the circuit")
    return ChannelRefused(closed.cause, closed.detail)
