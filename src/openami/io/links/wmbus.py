"""A radio stick on a link: serial line, pty, or the lines of a program over TCP. Nothing is opened here."""

from __future__ import annotations

from collections import OrderedDict, deque

from openami.io.links import neighbourhood
from openami.io.links.link import Link
from openami.io.links.neighbourhood import MeterSeen, NeighbourhoodEvent
from openami.model.errors import ConnectFailed, DecodeError, LinkLost
from openami.protocols.mbus.wireless.frame_format import decode_frame
from openami.protocols.mbus.wireless.link import decode_link
from openami.protocols.mbus.wireless.sticks.heard import Heard
from openami.protocols.mbus.wireless.sticks.kinds import StickKind

METERS_MAX = 100_000


class RadioListener:
    """What one stick hears. `noise` counts the pieces of its stream that were no telegram."""

    def __init__(self, link: Link, kind: StickKind) -> None:
        self.noise = 0
        self._link = link
        self._parser = kind.parser()
        self._heard: deque[Heard] = deque()

    async def next_heard(self) -> Heard:
        """The next telegram; cancelling loses nothing. Raises `LinkLost` when the stick is gone."""
        while not self._heard:
            data = await self._link.receive()
            if not data:
                raise LinkLost(f"{self._link.peer} has ended")
            for event in self._parser.feed(data):
                if isinstance(event, Heard):
                    self._heard.append(event)
                else:
                    self.noise += 1
        return self._heard.popleft()

    async def close(self) -> None:
        """End the link."""
        await self._link.close()


class WirelessNeighbourhood:
    """One-way meters around a stick, as a collector knows them: it needs no key and looks into no telegram.

    A meter's address is the text form of the sender in the link layer. Frames whose checksums are wrong are counted
    in `damaged` and go no further.
    """

    def __init__(self, listener: RadioListener, *, meters_max: int = METERS_MAX) -> None:
        self.damaged = 0
        self._listener = listener
        self._known: OrderedDict[str, None] = OrderedDict()
        self._meters_max = meters_max
        self._events: deque[NeighbourhoodEvent] = deque()

    async def next_event(self) -> NeighbourhoodEvent:
        """A meter that is heard for the first time is seen first; then what it sent, whole."""
        while not self._events:
            frame = (await self._listener.next_heard()).frame
            try:
                stripped = decode_frame(frame).data
                address = str(decode_link(stripped).address)
            except DecodeError:
                self.damaged += 1
                continue
            if address not in self._known:
                self._events.append(MeterSeen(address))
                if len(self._known) >= self._meters_max:
                    self._known.popitem(last=False)
            self._known[address] = None
            self._known.move_to_end(address)
            self._events.append(neighbourhood.Heard(address, stripped))
        return self._events.popleft()

    async def open(self, address: str) -> Link:
        """There is no way to a meter that only sends."""
        raise ConnectFailed(f"{address} only sends: there is no way to it")

    async def trigger(self, address: str) -> None:
        """A meter that only sends cannot be asked."""
        raise ConnectFailed(f"{address} only sends: it cannot be asked")
