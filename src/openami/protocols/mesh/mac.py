"""Access to the medium: a queue, CSMA with exponential backoff, acknowledgements, retries, and the duty cycle.

One frame is on its way at a time, so that the counters of secured frames go up on the air.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final

from openami.protocols.mesh.duty import DutyCycle
from openami.protocols.mesh.frame import BROADCAST, COMMAND, encode_ack, encode_header
from openami.protocols.mesh.parameters import MeshParameters

if TYPE_CHECKING:
    from openami.protocols.mesh.link_layer import Transit

ACKS_MAX: Final = 8
_HUB_HASTE: Final = 2
"""The root, through which half of all messages leave, asks for the channel with so much smaller an exponent."""


class Outgoing:
    """A frame on its way. `done(frame, delivered, now)` hears of its end after `tries` attempts."""

    __slots__ = ("busy", "content", "destination", "done", "kind", "psdu", "secured", "sequence", "transit", "tries")

    def __init__(
        self,
        kind: int,
        destination: bytes,
        content: bytes,
        transit: Transit | None,
        done: Callable[[Outgoing, bool, float], None] | None,
        *,
        secured: bool,
    ) -> None:
        self.kind = kind
        self.destination = destination
        self.content = content
        self.secured = secured
        self.transit = transit
        self.done = done
        self.tries = 0
        self.busy = 0
        self.sequence = 0
        self.psdu = b""


class Mac:
    """`seal(header, content)` protects a frame, or gives `None` while no frame counter is at hand.

    A station's backoff doubles when it finds the channel busy or hears no acknowledgement, which may mean a collision
    with somebody whom it does not hear. The root (`hub`) waits less: what queues up there keeps everybody waiting.
    """

    __slots__ = (
        "_ack_due",
        "_acks",
        "_busy_exponent_max",
        "_duty",
        "_exponent",
        "_exponent_min",
        "_identity",
        "_on_air",
        "_parameters",
        "_queue",
        "_random",
        "_seal",
        "_sequence",
        "_turn",
        "dropped",
        "pan_id",
    )

    def __init__(
        self,
        parameters: MeshParameters,
        eui64: bytes,
        random: Callable[[int], bytes],
        seal: Callable[[bytes, bytes], bytes | None],
        *,
        hub: bool,
    ) -> None:
        self._parameters = parameters
        self._identity = eui64
        self._random = random
        self._seal = seal
        self.pan_id = parameters.pan_id
        self._queue: deque[Outgoing] = deque()
        self._acks: deque[bytes] = deque(maxlen=ACKS_MAX)
        self._on_air = b""
        self._turn = inf
        self._ack_due = inf
        self._exponent = self._exponent_min = parameters.backoff_exponent_min - (_HUB_HASTE if hub else 0)
        self._busy_exponent_max = self._exponent_min + 1 if hub else parameters.backoff_exponent_max
        self._sequence = random(1)[0]
        self._duty = DutyCycle(parameters.duty)
        self.dropped = 0

    @property
    def due(self) -> float:
        """When the radio should be asked for again, if nothing else happens."""
        if self._on_air:
            return inf
        if self._acks:
            return -inf
        return min(self._turn, self._ack_due)

    @property
    def airtime_s(self) -> float:
        """How long this station has been on the air."""
        return self._duty.airtime_s

    @property
    def room(self) -> int:
        """How many frames the queue still takes."""
        return self._parameters.queue_max - len(self._queue)

    def send(self, frame: Outgoing, now: float) -> bool:
        """Queue a frame; false, and the frame is dropped, if the queue is full."""
        if len(self._queue) >= self._parameters.queue_max:
            self.dropped += 1
            return False
        self._queue.append(frame)
        if len(self._queue) == 1:
            self._prepare(now)
        return True

    def acknowledge(self, sequence: int) -> None:
        """The next transmission is the acknowledgement of a frame that was just received."""
        self._acks.append(encode_ack(sequence))

    def next_transmission(self, now: float) -> bytes | None:
        if self._on_air:
            return None
        if self._acks:
            self._on_air = self._acks.popleft()
            return self._on_air
        if self._turn > now or not self._queue:
            return None
        frame = self._queue[0]
        if not frame.psdu:
            self._encode(frame)
            if not frame.psdu:
                self._turn = inf
                return None
        wait_s = self._duty.wait_s(self._parameters.airtime_s(len(frame.psdu)), now)
        if wait_s > 0:
            self._turn = now + wait_s
            return None
        self._turn = inf
        self._on_air = frame.psdu
        return frame.psdu

    def transmitted(self, now: float, *, clear: bool) -> None:
        psdu, self._on_air = self._on_air, b""
        if not psdu:
            return
        if clear:
            self._duty.spend(self._parameters.airtime_s(len(psdu)), now)
        if not self._queue or psdu is not self._queue[0].psdu:
            return
        frame = self._queue[0]
        if not clear:
            self._found_busy(frame, now)
            return
        frame.tries += 1
        if frame.destination in (b"", BROADCAST):
            self._finish(now, delivered=True)
        else:
            self._ack_due = now + self._parameters.ack_wait_s

    def acknowledged(self, sequence: int, now: float) -> None:
        """An acknowledgement was heard. It counts only while one is waited for."""
        if self._ack_due < inf and self._queue[0].sequence == sequence:
            self._finish(now, delivered=True)

    def act(self, now: float) -> None:
        """The acknowledgement did not come."""
        if self._ack_due <= now:
            self._ack_due = inf
            self._again(self._queue[0], now)

    def wake(self, now: float) -> None:
        """Frame counters are at hand again."""
        if self._queue and not self._on_air and self._turn == inf == self._ack_due:
            self._turn = now

    def clear(self) -> None:
        """Forget all frames that wait; nobody hears of them."""
        self._queue.clear()
        self._acks.clear()
        self._on_air = b""
        self._turn = self._ack_due = inf

    def _prepare(self, now: float) -> None:
        self._exponent = self._exponent_min
        self._back_off(now)

    def _back_off(self, now: float) -> None:
        slots = self._random(1)[0] & ((1 << self._exponent) - 1)
        self._turn = now + slots * self._parameters.backoff_s

    def _encode(self, frame: Outgoing) -> None:
        self._sequence = (self._sequence + 1) & 0xFF
        unicast = frame.destination not in (b"", BROADCAST)
        source = b"" if frame.kind == COMMAND else self._identity
        pan_id = 0xFFFF if frame.kind == COMMAND else self.pan_id
        header = encode_header(
            frame.kind,
            self._sequence,
            pan_id,
            frame.destination,
            source,
            secured=frame.secured,
            ack_request=unicast,
        )
        frame.sequence = self._sequence
        frame.psdu = (self._seal(header, frame.content) or b"") if frame.secured else header + frame.content

    def _found_busy(self, frame: Outgoing, now: float) -> None:
        """A busy channel says nothing of the link: it is no attempt."""
        frame.busy += 1
        if frame.busy > self._parameters.busy_max:
            self._finish(now, delivered=False)
            return
        self._exponent = min(self._exponent + 1, self._busy_exponent_max)
        self._back_off(now)

    def _again(self, frame: Outgoing, now: float) -> None:
        if frame.tries > self._parameters.frame_retries:
            self._finish(now, delivered=False)
            return
        self._exponent = min(self._exponent_min + frame.tries, self._parameters.backoff_exponent_max)
        self._back_off(now)

    def _finish(self, now: float, *, delivered: bool) -> None:
        self._ack_due = inf
        frame = self._queue.popleft()
        if not delivered and frame.transit is not None:
            self._discard(frame.transit)
        if self._queue:
            self._prepare(now)
        if frame.done is not None:
            frame.done(frame, delivered, now)

    def _discard(self, transit: Transit) -> None:
        """Forget the other frames of a packet that cannot arrive whole any more."""
        self._queue = deque(frame for frame in self._queue if frame.transit is not transit)
