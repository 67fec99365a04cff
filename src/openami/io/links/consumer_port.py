"""A meter's consumer port on a link, P1 or SML: whole messages are handed on as they came, and nothing is opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from openami.io.clock import Clock
from openami.io.links.address import open_line
from openami.io.links.lasting import Listener
from openami.io.links.link import Link
from openami.io.links.neighbourhood import Heard, MeterSeen, NeighbourhoodEvent
from openami.model.errors import ConnectFailed, LinkLost, SettingError
from openami.protocols.iec62056_21 import p1_stream
from openami.protocols.iec62056_21.p1_stream import P1Parser
from openami.protocols.sml.transport import TransportedFile, TransportParser

Cut = Callable[[bytes], list[bytes | None]]
"""Takes octets of a stream and gives the messages that they complete; None for what is no message."""


class PortKind(NamedTuple):
    """How a port's stream is cut, and the settings of its serial line where the address has none."""

    cut: Callable[[], Cut]
    line: str


def _p1() -> Cut:
    parser = P1Parser()
    return lambda data: [None if isinstance(one, p1_stream.Garbage) else one.raw for one in parser.feed(data)]


def _sml() -> Cut:
    parser = TransportParser()
    return lambda data: [one.raw if isinstance(one, TransportedFile) else None for one in parser.feed(data)]


PORTS = {"p1": PortKind(_p1, "baudrate=115200"), "sml": PortKind(_sml, "baudrate=9600")}
"""P1 since DSMR 4; earlier meters want `?baudrate=9600&bytesize=7&parity=E`."""


def port_address(text: str, setting: str) -> tuple[str, str]:
    """Kind and link of a port written `KIND=LINK`, as `p1=serial:///dev/ttyUSB0`; raises `SettingError`."""
    kind, equals, address = text.partition("=")
    if not equals or kind not in PORTS:
        known = ", ".join(PORTS)
        raise SettingError(
            f"{setting} holds {text!r}; write KIND=LINK with one of {known}, as p1=serial:///dev/ttyUSB0"
        )
    return kind, address


class PortListener:
    """What one port says. `noise` counts the pieces of its stream that were no message."""

    def __init__(self, link: Link, kind: PortKind) -> None:
        self.noise = 0
        self._link = link
        self._cut = kind.cut()
        self._heard: deque[bytes] = deque()

    async def next_heard(self) -> bytes:
        """The next message; cancelling loses nothing. Raises `LinkLost` when the port is gone."""
        while not self._heard:
            data = await self._link.receive()
            if not data:
                raise LinkLost(f"{self._link.peer} has ended")
            for message in self._cut(data):
                if message is None:
                    self.noise += 1
                else:
                    self._heard.append(message)
        return self._heard.popleft()

    async def close(self) -> None:
        """End the link."""
        await self._link.close()


async def open_port(kind: str, address: str) -> PortListener:
    """Listen to the port at `address`."""
    return PortListener(await open_line(address, PORTS[kind].line), PORTS[kind])


class PortNeighbourhood:
    """The meter at one port, as a collector knows it: it needs no key, and `name` is all that it can call the meter.

    Of what the port says, one message in `every_s` seconds is handed on (0: all), the others count in `held_back`.
    """

    def __init__(self, name: str, listener: Listener[bytes], clock: Clock, *, every_s: float = 0) -> None:
        self.heard = self.held_back = 0
        self._name = name
        self._listener = listener
        self._clock = clock
        self._every_s = every_s
        self._handed_on: float | None = None
        self._waiting: Heard | None = None

    async def next_event(self) -> NeighbourhoodEvent:
        """The meter is seen when it speaks for the first time; then what it says, whole."""
        while True:
            if self._waiting is not None:
                waiting, self._waiting = self._waiting, None
                return waiting
            message = await self._listener.next_heard()
            self.heard += 1
            now = self._clock.monotonic()
            first = self._handed_on is None
            if self._handed_on is not None and now - self._handed_on < self._every_s:
                self.held_back += 1
                continue
            self._handed_on, self._waiting = now, Heard(self._name, message)
            if first:
                return MeterSeen(self._name)

    async def open(self, address: str) -> Link:
        """There is no way to a meter that only tells."""
        raise ConnectFailed(f"{address} is a consumer port: it only tells")

    async def trigger(self, address: str) -> None:
        """A port cannot be asked."""
        raise ConnectFailed(f"{address} is a consumer port: it cannot be asked")
