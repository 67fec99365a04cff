"""When pushes leave: after a random delay, inside the communication windows, again if they failed.

Each push setup says how. A push is made when it is asked for and says what was then, however late it leaves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Final

from openami.field.meter.agenda import NEVER
from openami.field.meter.date_pattern import moments
from openami.field.meter.push import INVOKE_ID_MASK, PushSender
from openami.field.meter.push_confirmation import open_confirmation
from openami.field.meter.push_policy import PUSH_CLIENT, client_of, confirmation_s, repetition_s
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.push_setup import CommunicationWindow, PushSetup
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.notification import DataNotification

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

PUSHES_MAX: Final = 16
_TICK: Final = timedelta(seconds=1)


@dataclass(slots=True, eq=False)
class Push:
    """One push on its way. `due` is when it is tried next (meter time)."""

    setup: ObisCode
    notification: DataNotification
    due: float
    retries: int
    attempts: int = 0
    sealed: bytes = field(default=b"", repr=False)

    @property
    def invoke_id(self) -> int:
        """Names the push in its confirmation."""
        return self.notification.long_invoke_id_and_priority & INVOKE_ID_MASK


class PushQueue:
    """At most 16 pushes wait; the newest are kept. `random` gives bytes for the delays.

    Whoever takes pushes to the network says `delivered` or `failed` of each; a push that is to be confirmed fails by
    itself when nothing was heard for as long as the meter waits (see `confirmation_s`).
    """

    __slots__ = ("_meter", "_pending", "_random", "_ready", "_sender", "due", "last_confirmation")

    def __init__(self, meter: ElectricityMeter, random: Callable[[int], bytes]) -> None:
        self._meter = meter
        self._random = random
        self._sender = PushSender(meter)
        self._pending: deque[Push] = deque(maxlen=PUSHES_MAX)
        self._ready: deque[bytes] = deque(maxlen=PUSHES_MAX)
        self.due = NEVER
        self.last_confirmation: float | None = None
        """When a push was confirmed last (UTC seconds)."""

    def add(self, code: ObisCode, now: float) -> None:
        """Make the push of a push setup, and send it as the setup says; none if its objects have grown too large."""
        setup = self._setup(code)
        second = self._meter.clock.reading(now)
        try:
            notification = self._sender.notification(code, now)
        except Refused:
            return
        push = Push(code, notification, self._start(setup, second), setup.number_of_retries)
        self._pending.append(push)
        if push.due <= second:
            self._send(push, second)
        self._plan_due()

    def next(self) -> bytes | None:
        """The next APDU for the network."""
        return self._ready.popleft() if self._ready else None

    def addressed(self, sealed: bytes) -> tuple[int, int]:
        """The client SAP that the APDU `next` gave is for, and how many seconds its confirmation is waited for."""
        push = self._find(sealed)
        return (PUSH_CLIENT, 0) if push is None else (client_of(self._setup(push.setup)), self._confirmation_s(push))

    def delivered(self, sealed: bytes) -> None:
        """The network took the APDU `next` gave: enough for a push that is not confirmed."""
        push = self._find(sealed)
        if push is not None and not self._confirmation_s(push):
            self._drop(push)

    def failed(self, sealed: bytes, now: float) -> None:
        """The network did not take the APDU that `next` gave."""
        push = self._find(sealed)
        if push is not None:
            self._again(push, self._meter.clock.reading(now))

    def answered(self, apdu: bytes) -> bool:
        """Take what the receiver answered; true if it confirms a push that waits for it.

        Raises `SecurityError` or `DecodeError` for what is no confirmation by somebody who could read the push.
        """
        return self.confirmed(open_confirmation(self._meter, apdu))

    def confirmed(self, invoke_id: int) -> bool:
        """The receiver has confirmed the push of this number; false if none of that number waits for it."""
        for push in self._pending:
            if push.invoke_id == invoke_id & INVOKE_ID_MASK and push.sealed:
                self.last_confirmation = self._meter.now
                self._drop(push)
                return True
        return False

    def act(self, second: float) -> None:
        for push in list(self._pending):
            if push.due > second:
                continue
            if push.sealed:
                self._again(push, second)
            else:
                self._send(push, second)
        self._plan_due()

    def plan(self, second: float) -> None:
        """The clock was set: nothing waits longer than it would have from the beginning."""
        for push in self._pending:
            if push.due < NEVER:
                push.due = min(push.due, self._start(self._setup(push.setup), second))
        self._plan_due()

    def forget(self, code: ObisCode) -> None:
        """All pushes of a setup that are not confirmed are given up."""
        for push in [push for push in self._pending if push.setup == code]:
            self._drop(push)

    def _confirmation_s(self, push: Push) -> int:
        return confirmation_s(self._meter, self._setup(push.setup))

    def _setup(self, code: ObisCode) -> PushSetup:
        return self._meter.device.object(PushSetup, code)

    def _start(self, setup: PushSetup, second: float) -> float:
        interval = setup.randomisation_start_interval
        delay_s = int.from_bytes(self._random(4), "big") % (interval + 1) if interval else 0
        return opens_at(self._meter, setup.communication_window, second + delay_s)

    def _send(self, push: Push, second: float) -> None:
        push.due = opens_at(self._meter, self._setup(push.setup).communication_window, second)
        if push.due > second:
            return
        push.attempts += 1
        push.sealed = self._sender.seal(push.notification, push.setup)
        self._ready.append(push.sealed)
        waiting_s = self._confirmation_s(push)
        push.due = second + waiting_s if waiting_s else NEVER

    def _again(self, push: Push, second: float) -> None:
        """Try once more after the repetition delay, or give the push up."""
        if not push.retries:
            self._drop(push)
            return
        push.retries -= 1
        push.sealed = b""
        push.due = second + repetition_s(self._setup(push.setup), push.attempts)
        self._plan_due()

    def _find(self, sealed: bytes) -> Push | None:
        return next((push for push in self._pending if push.sealed == sealed), None)

    def _drop(self, push: Push) -> None:
        self._pending.remove(push)
        self._plan_due()

    def _plan_due(self) -> None:
        self.due = min((push.due for push in self._pending), default=NEVER)


def opens_at(meter: ElectricityMeter, windows: tuple[CommunicationWindow, ...], second: float) -> float:
    """`second` if a window is open then (or there are none), else when the next one opens; `NEVER` if none will."""
    local = meter.clock.local(second)
    if not windows or any(_open(window, local) for window in windows):
        return second
    starts = [start for window in windows if (start := _next(window.start_time, local)) is not None]
    return min((meter.clock.second_of(start) for start in starts), default=NEVER)


def _open(window: CommunicationWindow, local: datetime) -> bool:
    """Whether the next thing that the window does is to close."""
    start, end = _next(window.start_time, local), _next(window.end_time, local)
    return end is not None and (start is None or end <= start)


def _next(pattern: CosemDateTime, local: datetime) -> datetime | None:
    """The next moment of `pattern`, later than `local`."""
    return next(moments(pattern.date, pattern.time, local.replace(microsecond=0) + _TICK), None)


def random_of(seed: bytes) -> Callable[[int], bytes]:
    """Bytes that look random, are different for each seed, and the same in every run."""
    stream = (sha256(seed + number.to_bytes(8, "big")).digest() for number in count())
    return lambda size: next(stream)[:size]
