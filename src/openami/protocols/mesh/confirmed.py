"""Confirmed datagrams: repeated until the other end says that it has them, and delivered there once.

Who receives may hold a confirmation back until what came is safe with him: repetitions stay unanswered until then.

A datagram on port 61618 begins with its kind, a number and the port that it is for; one of a station says after that
the station's rank (2 octets) and the network's time (4, see `link_time`). The confirmation has a kind and the number,
and the root's the network's time. Numbers start anywhere and go up, so that a sender that has started anew is not taken
for a repetition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Final, NamedTuple

from openami.model.errors import DecodeError
from openami.protocols.mesh.link_time import LinkTime
from openami.protocols.mesh.parameters import MeshParameters

CONFIRMED_PORT: Final = 0xF0B2
_DATA, _CONFIRMATION, _TOLD_DATA = 1, 2, 3
_DATA_HEAD, _TOLD_HEAD = 7, 13
_CONFIRMATION_SIZE, _TIMED_SIZE = 5, 9
REMEMBERED: Final = 32
SOURCES_MAX: Final = 8192
_MODULUS: Final = 1 << 32


class _Pending:
    __slots__ = ("destination", "due", "payload", "sent_at", "tries", "wait_s")

    def __init__(self, destination: bytes, payload: bytes, wait_s: float, sent_at: float) -> None:
        self.destination = destination
        self.payload = payload
        self.sent_at = sent_at
        self.tries = 0
        self.wait_s = wait_s
        self.due = inf


class Arrived(NamedTuple):
    """A new datagram. Its sender goes on repeating it until `Confirmed.confirm(source, number, now)`.

    `rank` is what the sender said of itself, `latency_s` how long the datagram was on its way by the network's time,
    since it was sent first; None where nothing was told.
    """

    number: int
    port: int
    payload: bytes
    rank: int | None = None
    latency_s: float | None = None


class Confirmed:
    """`transmit(destination, payload, now)` sends on the port of confirmed datagrams. `rank` is None at the root."""

    def __init__(
        self,
        parameters: MeshParameters,
        random: Callable[[int], bytes],
        transmit: Callable[[bytes, bytes, float], None],
        link_time: LinkTime,
        rank: Callable[[], int] | None,
    ) -> None:
        self._link_time = link_time
        self._rank = rank
        self._parameters = parameters
        self._random = random
        self._transmit = transmit
        self._number = int.from_bytes(random(4), "big")
        self._pending: dict[int, _Pending] = {}
        self._timers: list[tuple[float, int]] = []
        self._seen: dict[bytes, deque[int]] = {}
        self._held: dict[bytes, set[int]] = {}
        self.holds = False
        """Whoever takes a datagram says when it is safe; otherwise it is confirmed when it arrives."""

    @property
    def due(self) -> float:
        return self._timers[0][0] if self._timers else inf

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def full(self) -> bool:
        return len(self._pending) >= self._parameters.confirmed_pending_max

    def next_number(self) -> int:
        """A number for a datagram, confirmed or not."""
        self._number = (self._number + 1) % _MODULUS
        return self._number

    def send(self, number: int, destination: bytes, port: int, payload: bytes, now: float) -> None:
        head = (
            bytes((_DATA if self._rank is None else _TOLD_DATA,)) + number.to_bytes(4, "big") + port.to_bytes(2, "big")
        )
        if self._rank is not None:
            head += self._rank().to_bytes(2, "big") + self._link_time.stamp(now).to_bytes(4, "big")
        self._pending[number] = _Pending(destination, head + payload, self._parameters.confirmed_wait_s, now)
        self._try(number, now)

    def receive(self, source: bytes, payload: bytes, now: float) -> Arrived | int | None:
        """A new datagram, not confirmed yet; the number of one of ours that has arrived; `None` for a repetition.

        Raises `DecodeError`.
        """
        kind = payload[0] if payload else 0
        if (kind == _DATA and len(payload) >= _DATA_HEAD) or (kind == _TOLD_DATA and len(payload) >= _TOLD_HEAD):
            return self._arrived(source, payload, now)
        if kind != _CONFIRMATION or len(payload) not in (_CONFIRMATION_SIZE, _TIMED_SIZE):
            raise DecodeError("neither a confirmed datagram nor a confirmation", 0)
        number = int.from_bytes(payload[1:5], "big")
        pending = self._pending.get(number)
        if pending is None or pending.destination != source:
            return None
        del self._pending[number]
        self._link_time.learn(int.from_bytes(payload[5:], "big"), pending.sent_at, now)
        return number

    def _arrived(self, source: bytes, payload: bytes, now: float) -> Arrived | None:
        number = int.from_bytes(payload[1:5], "big")
        if self._repeated(source, number):
            if number not in self._held.get(source, ()):
                self._send_confirmation(source, number, now)
            return None
        self._held.setdefault(source, set()).add(number)
        port = int.from_bytes(payload[5:7], "big")
        if payload[0] == _DATA:
            return Arrived(number, port, payload[_DATA_HEAD:])
        rank, stamp = int.from_bytes(payload[7:9], "big"), int.from_bytes(payload[9:13], "big")
        return Arrived(number, port, payload[_TOLD_HEAD:], rank, self._link_time.age_s(stamp, now))

    def confirm(self, source: bytes, number: int, now: float) -> None:
        """What came under this number is safe here: tell its sender, now and whenever it is repeated."""
        self._release(source, number)
        self._send_confirmation(source, number, now)

    def refuse(self, source: bytes, number: int) -> None:
        """What came under this number could not be kept: its repetition is taken as if it came for the first time."""
        self._release(source, number)
        seen = self._seen.get(source)
        if seen is not None and number in seen:
            seen.remove(number)

    def act(self, now: float) -> list[int]:
        """Repeat what is due; the numbers of what is given up."""
        given_up = []
        while self._timers and self._timers[0][0] <= now:
            due, number = heappop(self._timers)
            pending = self._pending.get(number)
            if pending is None or pending.due != due:
                continue
            if pending.tries >= self._parameters.confirmed_tries:
                del self._pending[number]
                given_up.append(number)
            else:
                self._try(number, now)
        return given_up

    def _try(self, number: int, now: float) -> None:
        pending = self._pending[number]
        pending.tries += 1
        pending.due = now + pending.wait_s * (1 + self._random(1)[0] / 512)
        pending.wait_s *= 2
        heappush(self._timers, (pending.due, number))
        self._transmit(pending.destination, pending.payload, now)

    def _send_confirmation(self, source: bytes, number: int, now: float) -> None:
        told = b"" if self._rank is not None else self._link_time.stamp(now).to_bytes(4, "big")
        self._transmit(source, bytes((_CONFIRMATION,)) + number.to_bytes(4, "big") + told, now)

    def _release(self, source: bytes, number: int) -> None:
        held = self._held.get(source, set())
        held.discard(number)
        if not held:
            self._held.pop(source, None)

    def _repeated(self, source: bytes, number: int) -> bool:
        seen = self._seen.get(source)
        if seen is None:
            if len(self._seen) >= SOURCES_MAX:
                oldest = next(iter(self._seen))
                del self._seen[oldest]
                self._held.pop(oldest, None)
            seen = self._seen[source] = deque(maxlen=REMEMBERED)
        if number in seen:
            return True
        if len(seen) == REMEMBERED:
            self._release(source, seen[0])
        seen.append(number)
        return False
