"""One connection between rooms of the back office: one side asks, the other answers, one question at a time.

A frame is the length of the message (4 bytes, big-endian) and the message, as between back office and head-end; which
messages may come is a parameter.

          send(request)              receive(answer)
    idle ──────────────► waiting ──────────────► idle        asks
    idle ──────────────► asked   ──────────────► idle        answers
         receive(request)          send(answer)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.zones.connection import FRAME_BYTES_MAX, LENGTH_BYTES, SILENCE_S, Ended

Ask = TypeVar("Ask")
Tell = TypeVar("Tell")
_MARGIN: Final = 2


class AskingConnection(Generic[Tell, Ask]):
    """One side; `decode` reads what the other side may say. `asks` is true for the side that begins."""

    def __init__(
        self,
        *,
        asks: bool,
        decode: Callable[[bytes], Tell],
        encode: Callable[[Ask], bytes],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._asks = asks
        self._decode = decode
        self._encode = encode
        self._silence_s = silence_s
        self._mine = asks
        self._ended = False
        self._received = bytearray()
        self._events: deque[Tell | Ended] = deque()
        self._out = bytearray()
        self._heard: float | None = None

    def begin(self, now: float) -> None:
        """The connection is there: from now on silence counts for the side that answers."""
        self._heard = now

    def receive(self, data: bytes, now: float) -> None:
        """Take what the peer sent."""
        if self._ended:
            return
        if not self._received:
            self._heard = now
        self._received += data
        try:
            self._read()
        except DecodeError as error:
            self._end(error)

    def next_event(self) -> Tell | Ended | None:
        """A message or the end; None if nothing is there yet."""
        return self._events.popleft() if self._events else None

    def send(self, message: Ask, now: float) -> None:
        """Ask, or answer; raises `LocalProtocolError` when it is not our turn or the message is too long."""
        if not self._mine or self._ended:
            raise LocalProtocolError(f"{type(message).__name__} cannot be sent now: it is the other side's turn")
        raw = self._encode(message)
        if len(raw) > FRAME_BYTES_MAX:
            raise LocalProtocolError(f"{type(message).__name__} of {len(raw)} bytes, limit {FRAME_BYTES_MAX}")
        self._out += len(raw).to_bytes(LENGTH_BYTES, "big") + raw
        self._mine, self._heard = False, now
        self.receive(b"", now)

    def data_to_send(self, now: float) -> bytes:
        """What is to be sent now; empty if nothing."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        """When the side that answers gives up a peer that says nothing."""
        if self._asks or self._mine or self._ended or self._heard is None:
            return None
        return self._heard + self._silence_s

    def handle_timeout(self, now: float) -> None:
        """End the connection if the silence has lasted long enough."""
        due = self.next_timeout()
        if due is not None and now >= due:
            self._end(None)

    def closed(self, now: float) -> None:
        """The peer ended the connection."""
        cut = DecodeError("the connection ended inside a frame", len(self._received)) if self._received else None
        self._end(cut)

    def _read(self) -> None:
        """One message while it is the peer's turn; what comes out of turn is bounded."""
        if self._mine:
            if len(self._received) > _MARGIN * FRAME_BYTES_MAX:
                raise LimitExceeded(f"{len(self._received)} bytes out of turn", 0)
            return
        if len(self._received) < LENGTH_BYTES:
            return
        length = int.from_bytes(self._received[:LENGTH_BYTES], "big")
        if length > FRAME_BYTES_MAX:
            raise LimitExceeded(f"a frame of {length} bytes, limit {FRAME_BYTES_MAX}", 0)
        end = LENGTH_BYTES + length
        if len(self._received) >= end:
            raw = bytes(self._received[LENGTH_BYTES:end])
            del self._received[:end]
            self._events.append(self._decode(raw))
            self._mine = True

    def _end(self, error: DecodeError | None) -> None:
        if not self._ended:
            self._ended = True
            self._received.clear()
            self._events.append(Ended(error))
