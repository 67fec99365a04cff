"""The receiving end of a consumer port: pushes only, in UI frames or in I frames that nobody connected for.

Several makers' meters push so (published captures), once in ten seconds and from any address. A listener never
sends a byte.
"""

from __future__ import annotations

from collections import deque

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.framing import Connected, Disconnected, FramingEvent, Garbage
from openami.protocols.dlms.hdlc.broadcast import Broadcast
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind
from openami.protocols.dlms.hdlc.parser import HdlcParser

SILENCE_S = 2.0


class HdlcListener:
    """A `Framing` that only hears: every APDU is unconfirmed; frames that carry none are `Garbage`."""

    def __init__(self) -> None:
        self.max_apdu: int | None = None
        self._events: deque[FramingEvent] = deque()
        self._parser = HdlcParser()
        self._broadcast = Broadcast(self._events.append)
        self._give_up_at: float | None = None

    def connect(self, now: float) -> None:
        self._events.append(Connected(0))

    def disconnect(self, now: float) -> None:
        self._events.append(Disconnected("disconnected as asked", clean=True))

    def closed(self, now: float) -> None:
        self._handle(self._parser.flush(), now)
        self._give_up_at = None
        self._broadcast.lost("the link ended")
        self._events.append(Disconnected("the link ended"))

    def receive(self, data: bytes, now: float) -> None:
        self._handle(self._parser.feed(data), now)
        self._give_up_at = now + SILENCE_S if self._parser.pending else None

    def next_event(self) -> FramingEvent | None:
        return self._events.popleft() if self._events else None

    def send(
        self,
        apdu: bytes,  # noqa: ARG002 - the shape of a Framing
        now: float,
        *,
        destination: int | None = None,  # noqa: ARG002 - the shape of a Framing
        unconfirmed: bool = False,  # noqa: ARG002 - the shape of a Framing
    ) -> None:
        """A listener has nothing to say."""
        raise LocalProtocolError("a listener does not send")

    def data_to_send(self, now: float) -> bytes:
        return b""

    def next_timeout(self) -> float | None:
        return self._give_up_at

    def handle_timeout(self, now: float) -> None:
        if self._give_up_at is not None and now >= self._give_up_at:
            self._give_up_at = None
            self._handle(self._parser.flush(), now)

    def _handle(self, items: list[Frame | Garbage], now: float) -> None:
        for item in items:
            if isinstance(item, Garbage):
                self._broadcast.lost("noise inside a segmented push")
                self._events.append(item)
            elif item.kind in {FrameKind.UI, FrameKind.I}:
                self._broadcast.take(item, now)
            else:
                self._events.append(Garbage(item.information, f"a {item.kind.value} frame, where pushes are expected"))
