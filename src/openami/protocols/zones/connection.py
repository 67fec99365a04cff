"""One connection between back office and head-end: frames first, then, if a circuit opens, its bytes.

A frame is the length of the message (4 bytes, big-endian) and the message. Nothing longer than `FRAME_BYTES_MAX`
is accepted or sent. The back office asks; one request is open at a time.

                 OpenCircuit            CircuitOpened
        asking ───────────────► opening ─────────────► circuit (opaque bytes until either side ends)
          ▲  └──── any other request, its answer ────┐     │
          └──────────────────────────────────────────┘     ▼
                            bad bytes, silence, end ────► ended
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.zones.message import (
    Answer,
    CircuitOpened,
    Message,
    OpenCircuit,
    Request,
    decode_answer,
    decode_request,
    encode_message,
)

FRAME_BYTES_MAX = 4 << 20
REQUEST_BYTES_MAX = 4096
LENGTH_BYTES = 4
SILENCE_S = 60.0


class Role(Enum):
    """Which side this end is."""

    BACK_OFFICE = auto()
    HEADEND = auto()


@dataclass(frozen=True, slots=True)
class CircuitData:
    """Bytes of the circuit, as they came."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will come. `error` says what the peer did wrong, or None if it simply ended."""

    error: DecodeError | None


Event = Request | Answer | CircuitData | Ended


class _State(Enum):
    ASKING = auto()
    ANSWERING = auto()
    CIRCUIT = auto()
    ENDED = auto()


class ZoneConnection:
    """The core of either side. `silence_s` bounds how long a head-end waits for the next or the rest of a request."""

    def __init__(self, role: Role, *, silence_s: float = SILENCE_S) -> None:
        self._role = role
        self._silence_s = silence_s
        self._state = _State.ASKING
        self._opening = False
        self._received = bytearray()
        self._events: deque[Event] = deque()
        self._out = bytearray()
        self._heard: float | None = None

    def receive(self, data: bytes, now: float) -> None:
        """Take what the peer sent."""
        if self._state is _State.CIRCUIT:
            self._events.append(CircuitData(data))
            return
        if self._state is _State.ENDED:
            return
        if not self._received:  # a frame that trickles in does not get more time with each byte
            self._heard = now
        self._received += data
        self._read()

    def next_event(self) -> Event | None:
        """A message, circuit bytes, or the end; None if nothing is there yet."""
        return self._events.popleft() if self._events else None

    def send(self, message: Message, now: float) -> None:
        """Ask, or answer. Raises `LocalProtocolError` when it is not our turn."""
        turn = _State.ASKING if self._role is Role.BACK_OFFICE else _State.ANSWERING
        if self._state is not turn or isinstance(message, Request) is not (self._role is Role.BACK_OFFICE):
            raise LocalProtocolError(f"{type(message).__name__} cannot be sent while {self._state.name.lower()}")
        raw = encode_message(message)
        if len(raw) > FRAME_BYTES_MAX:
            raise LocalProtocolError(f"{type(message).__name__} of {len(raw)} bytes, limit {FRAME_BYTES_MAX}")
        self._out += len(raw).to_bytes(LENGTH_BYTES, "big") + raw
        self._heard = now
        self._sent(message)

    def send_circuit(self, data: bytes) -> None:
        """Send bytes of the circuit."""
        if self._state is not _State.CIRCUIT:
            raise LocalProtocolError("no circuit is open")
        self._out += data

    def data_to_send(self, now: float) -> bytes:
        """What is to be sent now; empty if nothing."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        """When the head-end gives up a back office that says nothing."""
        if self._role is Role.BACK_OFFICE or self._state is not _State.ASKING or self._heard is None:
            return None
        return self._heard + self._silence_s

    def handle_timeout(self, now: float) -> None:
        """End the connection if the silence has lasted long enough."""
        due = self.next_timeout()
        if due is not None and now >= due:
            self._end(None)

    def begin(self, now: float) -> None:
        """The connection is there: from now on silence counts."""
        self._heard = now

    def closed(self, now: float) -> None:
        """The peer ended the connection."""
        cut = bool(self._received) and self._state is not _State.CIRCUIT
        self._end(DecodeError("the connection ended inside a frame", len(self._received)) if cut else None)

    def _sent(self, message: Message) -> None:
        if self._role is Role.BACK_OFFICE:
            self._state = _State.ANSWERING
            self._opening = isinstance(message, OpenCircuit)
            return
        self._state = _State.CIRCUIT if isinstance(message, CircuitOpened) else _State.ASKING
        self._read()

    def _read(self) -> None:
        try:
            self._take_frames()
        except DecodeError as error:
            self._end(error)

    def _take_frames(self) -> None:
        """Read whole frames while it is the peer's turn; what comes after a circuit has opened is its bytes."""
        waiting = _State.ANSWERING if self._role is Role.BACK_OFFICE else _State.ASKING
        while self._state is waiting and (raw := self._next_frame()) is not None:
            message = decode_answer(raw) if self._role is Role.BACK_OFFICE else decode_request(raw)
            self._came(message)
            self._events.append(message)
        if self._state is _State.CIRCUIT:
            self._flush_received()
        elif self._state is not waiting and len(self._received) > self._limit():
            raise LimitExceeded(f"{len(self._received)} bytes out of turn", 0)

    def _came(self, message: Request | Answer) -> None:
        if self._role is Role.HEADEND:
            self._opening = isinstance(message, OpenCircuit)
            self._state = _State.ANSWERING
        elif isinstance(message, CircuitOpened):
            if not self._opening:
                raise DecodeError("CircuitOpened without OpenCircuit", 0)
            self._state = _State.CIRCUIT
        else:
            self._state = _State.ASKING

    def _next_frame(self) -> bytes | None:
        if len(self._received) < LENGTH_BYTES:
            return None
        length = int.from_bytes(self._received[:LENGTH_BYTES], "big")
        if length > self._limit():
            raise LimitExceeded(f"a frame of {length} bytes, limit {self._limit()}", 0)
        end = LENGTH_BYTES + length
        if len(self._received) < end:
            return None
        raw = bytes(self._received[LENGTH_BYTES:end])
        del self._received[:end]
        return raw

    def _limit(self) -> int:
        return FRAME_BYTES_MAX if self._role is Role.BACK_OFFICE else REQUEST_BYTES_MAX

    def _flush_received(self) -> None:
        if self._received:
            self._events.append(CircuitData(bytes(self._received)))
            self._received.clear()

    def _end(self, error: DecodeError | None) -> None:
        if self._state is not _State.ENDED:
            self._state = _State.ENDED
            self._received.clear()
            self._events.append(Ended(error))
