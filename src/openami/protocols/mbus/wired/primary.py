"""The primary of a wired bus: asks one meter at a time, repeats on silence, keeps the frame count bits.

Sans-I/O; times are seconds of one monotonic clock. An echo of what was sent is taken off; noise before an answer does
no harm. Timing as public descriptions of EN 13757-2 have it (330 bit times and 50 ms until the answer begins), with
room for gateways.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from openami.protocols.mbus.wired.events import (
    Answered,
    Disturbed,
    Ended,
    Initialise,
    PrimaryEvent,
    Request,
    RequestData,
    SendData,
    Silent,
)
from openami.protocols.mbus.wired.frame import (
    ACD,
    BROADCAST,
    DFC,
    FCB,
    NETWORK_LAYER,
    TEST,
    Acknowledge,
    Control,
    LongFrame,
    ShortFrame,
    WiredFrame,
    encode_frame,
)
from openami.protocols.mbus.wired.parser import Garbage, WiredParser
from openami.protocols.mbus.wired.selection import SELECT


@dataclass(frozen=True, slots=True)
class WiredTiming:
    """`answer_s` until the answer begins, `gap_s` within it; `repeats` after silence or a disturbed answer."""

    answer_s: float = 0.5
    gap_s: float = 0.3
    repeats: int = 2


class WiredPrimary:
    """One bus. Requests wait in line; each ends in one `Answered`, `Silent` or `Disturbed`, in order."""

    def __init__(self, timing: WiredTiming | None = None) -> None:
        self._timing = timing or WiredTiming()
        self._parser = WiredParser()
        self._queue: deque[Request] = deque()
        self._events: deque[PrimaryEvent] = deque()
        self._frame_count: dict[int, bool] = {}
        self._request: Request | None = None
        self._sent = b""
        self._echo = b""
        self._echoed = b""
        self._noise = bytearray()
        self._reason = ""
        self._nothing = False
        self._tries = 0
        self._out = b""
        self._deadline: float | None = None
        self._ended = False

    def send(self, request: Request, now: float) -> None:
        """Ask, once all that was asked before has its outcome."""
        self._queue.append(request)
        self._start(now)

    def next_event(self) -> PrimaryEvent | None:
        """The oldest outcome that was not taken yet."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the bus; the time of the answer begins to run."""
        data, self._out = self._out, b""
        if data:
            self._deadline = now + self._timing.answer_s
        return data

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the bus."""
        if self._request is None:
            return  # nobody was asked: late answers and noise between requests
        data = self._without_echo(data)
        self._deadline = now + (self._timing.gap_s if data else self._timing.answer_s)
        self._take(self._parser.feed(data), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        return self._deadline

    def handle_timeout(self, now: float) -> None:
        """Give up waiting: ask again or tell the outcome."""
        if self._deadline is None or now < self._deadline or self._request is None:
            return
        self._take([*self._parser.feed(self._echoed), *self._parser.flush()], now)
        self._echoed = b""
        if self._request is not None:
            self._unanswered(self._request, now)

    def closed(self, now: float) -> None:
        """The link has ended."""
        if not self._ended:
            self._ended = True
            self._queue.clear()
            self._request, self._deadline, self._out = None, None, b""
            self._events.append(Ended())

    def _start(self, now: float) -> None:
        if self._request is None and self._queue and not self._ended:
            self._request = self._queue.popleft()
            self._tries = 0
            self._sent = encode_frame(self._frame(self._request))
            self._transmit(now)

    def _transmit(self, now: float) -> None:
        self._parser = WiredParser()
        self._noise.clear()
        self._reason = ""
        self._nothing = False
        self._out = self._echo = self._sent
        self._echoed = b""
        self._deadline = now + self._timing.answer_s

    def _frame(self, request: Request) -> WiredFrame:
        address = request.address
        if isinstance(request, Initialise):
            self._frame_count[address] = True
            return ShortFrame(Control.SND_NKE.value, address)
        if isinstance(request, RequestData):
            control = Control.REQ_UD1 if request.alarm else Control.REQ_UD2
            return ShortFrame(control.value | self._bit(address), address)
        if request.ci == SELECT:
            self._frame_count[address] = True
            return LongFrame(Control.SND_UD.value, address, request.ci, request.data)
        return LongFrame(Control.SND_UD.value | self._bit(address), address, request.ci, request.data)

    def _bit(self, address: int) -> int:
        return FCB if self._frame_count.get(address, True) else 0

    def _without_echo(self, data: bytes) -> bytes:
        """Hold back bytes as long as they may be the echo of what was sent; drop a whole echo."""
        if not self._echo:
            return data
        held = self._echoed + data
        if held.startswith(self._echo):
            rest = held[len(self._echo) :]
            self._echo = self._echoed = b""
            return rest
        if self._echo.startswith(held):
            self._echoed = held
            return b""
        self._echo = self._echoed = b""
        return held

    def _take(self, items: list[WiredFrame | Garbage], now: float) -> None:
        for item in items:
            if self._request is None:
                return
            if isinstance(item, Garbage):
                self._noise += item.data
                self._reason = self._reason or item.reason
            elif isinstance(item, Acknowledge) and isinstance(self._request, RequestData):
                self._nothing = True  # "no data", unless it was noise and data still come
            elif self._is_answer(self._request, item):
                self._answered(self._request, item, now)
            else:
                self._noise += encode_frame(item)
                self._reason = self._reason or "a frame that is no answer to the request"

    @staticmethod
    def _is_answer(request: Request, frame: WiredFrame) -> bool:
        if isinstance(frame, Acknowledge):
            return True
        if not isinstance(request, RequestData) or not isinstance(frame, LongFrame):
            return False
        if frame.control & ~(ACD | DFC) != Control.RSP_UD.value:
            return False
        return request.address in {frame.address, TEST, NETWORK_LAYER}

    def _answered(self, request: Request, frame: WiredFrame, now: float) -> None:
        if not isinstance(frame, Acknowledge | LongFrame):
            return
        if not isinstance(request, Initialise) and not (isinstance(request, SendData) and request.ci == SELECT):
            self._frame_count[request.address] = not self._frame_count.get(request.address, True)
        self._finish(Answered(request, frame), now)

    def _unanswered(self, request: Request, now: float) -> None:
        if self._nothing:
            self._answered(request, Acknowledge(), now)
            return
        repeats = self._timing.repeats
        if isinstance(request, SendData) and request.repeats is not None:
            repeats = request.repeats
        if self._tries < repeats and request.address != BROADCAST:
            self._tries += 1
            self._transmit(now)
        elif self._noise:
            self._finish(Disturbed(request, bytes(self._noise), self._reason), now)
        else:
            self._finish(Silent(request), now)

    def _finish(self, outcome: PrimaryEvent, now: float) -> None:
        self._request, self._deadline = None, None
        self._events.append(outcome)
        self._start(now)
