"""A radio stick on a link: serial line, pty, or the lines of a program over TCP. Nothing is opened here."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from openami.io.clock import Clock
from openami.io.links import neighbourhood
from openami.io.links.address import open_line
from openami.io.links.lasting import Listener
from openami.io.links.link import Link
from openami.io.links.neighbourhood import MeterSeen, NeighbourhoodEvent
from openami.model.errors import ConnectFailed, DecodeError, LinkLost, SettingError
from openami.protocols.mbus.wireless.frame_format import decode_frame
from openami.protocols.mbus.wireless.link import decode_link
from openami.protocols.mbus.wireless.spacing import Spacing
from openami.protocols.mbus.wireless.sticks.heard import Heard
from openami.protocols.mbus.wireless.sticks.kinds import STICKS, StickKind

METERS_MAX = 100_000


class RadioListener:
    """What one stick hears. `noise` counts the pieces of its stream that were no telegram."""

    def __init__(self, link: Link, kind: StickKind) -> None:
        self.noise = 0
        self._link = link
        self._kind = kind
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

    def check_sends(self) -> Callable[[bytes], bytes]:
        """How the stick is asked to send; raises `ConnectFailed` if it is only heard."""
        if self._kind.send is None:
            raise ConnectFailed(f"{self._link.peer}: this kind of stick only hears; use imst, amber or hex")
        return self._kind.send

    async def send(self, frame: bytes) -> None:
        """Send `frame` (without checksums); raises `ConnectFailed` if the stick is only heard."""
        await self._link.send(self.check_sends()(frame))

    async def close(self) -> None:
        """End the link."""
        await self._link.close()


def stick_address(text: str, setting: str) -> tuple[StickKind, str]:
    """Kind and link of a stick written `KIND=LINK`, as `cul=serial:///dev/ttyUSB0`; raises `SettingError`."""
    name, equals, address = text.partition("=")
    if not equals or name not in STICKS:
        known = ", ".join(STICKS)
        raise SettingError(
            f"{setting} holds {text!r}; write KIND=LINK with one of {known}, as cul=serial:///dev/ttyUSB0"
        )
    return STICKS[name], address


async def open_stick(kind: StickKind, address: str) -> RadioListener:
    """Listen to the stick at `address`; a serial line without settings gets those with which its maker delivers it."""
    return RadioListener(await open_line(address, f"baudrate={kind.baudrate}"), kind)


class WirelessNeighbourhood:
    """One-way meters around a stick, as a collector knows them: it needs no key and looks into no telegram.

    A meter's address is the text form of the sender in the link layer. Frames whose checksums are wrong are counted
    in `damaged`, those that look like one of a moment ago in `held_back`; both go no further.
    """

    def __init__(
        self,
        listener: Listener[Heard],
        clock: Clock,
        *,
        every_s: float = 0,
        meters_max: int = METERS_MAX,
    ) -> None:
        self.heard = self.damaged = self.held_back = 0
        self._listener = listener
        self._clock = clock
        self._spacing = Spacing(every_s)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._meters_max = meters_max
        self._events: deque[NeighbourhoodEvent] = deque()

    async def next_event(self) -> NeighbourhoodEvent:
        """A meter that is heard for the first time is seen first; then what it sent, whole."""
        while not self._events:
            self._take((await self._listener.next_heard()).frame)
        return self._events.popleft()

    def _take(self, frame: bytes) -> None:
        try:
            stripped = decode_frame(frame).data
            address = str(decode_link(stripped).address)
        except DecodeError:
            self.damaged += 1
            return
        self.heard += 1
        if address not in self._known:
            self._events.append(MeterSeen(address))
            if len(self._known) >= self._meters_max:
                self._known.popitem(last=False)
        self._known[address] = None
        self._known.move_to_end(address)
        if self._spacing.admit(stripped, self._clock.time()):
            self._events.append(neighbourhood.Heard(address, stripped))
        else:
            self.held_back += 1

    async def open(self, address: str) -> Link:
        """There is no way to a meter that only sends."""
        raise ConnectFailed(f"{address} only sends: there is no way to it")

    async def trigger(self, address: str) -> None:
        """A meter that only sends cannot be asked."""
        raise ConnectFailed(f"{address} only sends: it cannot be asked")
