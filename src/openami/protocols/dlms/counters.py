"""Invocation counters: a number is never sent twice with one key and never accepted twice.

Sending: numbers are reserved in ranges. A connection says `Persist(name, value, reserve)`; its bytes stay where
they are until `persisted` says that the store holds the value. A crash loses the rest of a range, never uses one
twice. Receiving: check, verify the tag, then commit; a forged frame moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from openami.model.errors import LocalProtocolError, SecurityError

COUNTER_END = 1 << 32


class Counters(Protocol):
    """Where counters live. `load` of an unknown name is 0; a value is durable when `save` returns."""

    def load(self, name: str) -> int:
        """The last saved value of `name`, 0 if there is none."""
        ...

    def save(self, name: str, value: int) -> None:
        """Keep `value` under `name`, durably."""
        ...


@dataclass(frozen=True, slots=True)
class Persist:
    """Bytes are withheld until `value` is durable under `name`; then call `persisted(event)`.

    With `reserve` > 0 the numbers from `value - reserve` up to but not including `value` are being reserved for
    sending. Somebody else may have reserved meanwhile: `apply` below does the right thing.
    """

    name: str
    value: int
    reserve: int = 0


def apply(counters: Counters, event: Persist) -> Persist:
    """Do what `event` asks; the event to hand to `persisted`.

    There is no await between load and save, so that two sessions of one process never get the same range.
    """
    stored = counters.load(event.name)
    if event.reserve:
        first = max(stored, event.value - event.reserve)
        event = Persist(event.name, min(first + event.reserve, COUNTER_END), min(event.reserve, COUNTER_END - first))
        if event.reserve <= 0:
            raise CountersExhausted(event.name)
    if event.value > stored:
        counters.save(event.name, event.value)
    return event


class CountersExhausted(SecurityError):
    """All 2³² numbers of a key are used: sending more would repeat the key stream."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"invocation counter {name} is used up (last number {COUNTER_END - 1}): "
            f"change the encryption key before anything more is sent"
        )
        self.name = name


class ReplayedCounter(SecurityError):
    """A verified or claimed counter that is not newer than the last accepted one."""

    def __init__(self, counter: int, last: int) -> None:
        super().__init__(f"invocation counter {counter} is not newer than the last accepted {last}: replay refused")
        self.counter = counter
        self.last = last


class SendCounter:
    """The numbers that one sender may use with one key, in ascending order."""

    __slots__ = ("_end", "_next", "name", "reserve")

    def __init__(self, name: str, start: int = 0, reserve: int = 32) -> None:
        self.name = name
        self.reserve = reserve
        self._next = start
        self._end = start

    @property
    def available(self) -> int:
        """How many numbers may be taken without reserving more."""
        return self._end - self._next

    def reservation(self) -> Persist:
        """What must be durable before the next number may be used; `CountersExhausted` if there is none left."""
        if self._end >= COUNTER_END:
            raise CountersExhausted(self.name)
        value = min(self._end + self.reserve, COUNTER_END)
        return Persist(self.name, value, value - self._end)

    def reserved(self, event: Persist) -> None:
        """`event` is durable: its range may be used. Numbers left of an earlier range are skipped if needed."""
        first = event.value - event.reserve
        first = max(first, self._end)
        if first > self._end:
            self._next = first
        self._end = max(self._end, event.value)

    @property
    def upcoming(self) -> int:
        """The number that comes next."""
        return self._next

    def advance(self, first: int) -> None:
        """Go on with `first` if that is ahead; it has to be reserved like every other number."""
        if first > self._next:
            self._next = first
            self._end = max(self._end, first)

    def take(self) -> int:
        """The next number, which nobody else gets."""
        if self._next >= self._end:
            raise LocalProtocolError(f"invocation counter {self.name}: a number was taken before it was reserved")
        number = self._next
        self._next = number + 1
        return number


class ReceiveWindow:
    """The last accepted counter of one originator; -1 before the first, for 0 is a legal first value."""

    __slots__ = ("last",)

    def __init__(self, last: int = -1) -> None:
        self.last = last

    def check(self, counter: int) -> None:
        """Raise `ReplayedCounter` unless `counter` is newer. Changes nothing: the tag is not verified yet."""
        if counter <= self.last:
            raise ReplayedCounter(counter, self.last)

    def commit(self, counter: int) -> None:
        """The APDU with `counter` was verified."""
        self.last = max(self.last, counter)


def transactions_name(window_name: str) -> str:
    """The name of a window of transaction-ids beside the window of invocation counters `window_name`."""
    return f"{window_name}/transactions"


class CounterRanges:
    """Counters that reserve `size` numbers at a time in `counters`, so that most sessions cost no sync.

    Only for send counters: after a crash the stored value is ahead of what was used. Names that do not end in
    `ending` are none and are kept in `counters` as they are.
    """

    def __init__(self, counters: Counters, size: int = 1024, ending: str = "") -> None:
        self._counters = counters
        self._size = size
        self._ending = ending
        self._used: dict[str, int] = {}
        self._durable: dict[str, int] = {}

    def load(self, name: str) -> int:
        """The first number that is not handed out yet."""
        if not name.endswith(self._ending):
            return self._counters.load(name)
        if name not in self._used:
            self._used[name] = self._durable[name] = self._counters.load(name)
        return self._used[name]

    def save(self, name: str, value: int) -> None:
        """Numbers below `value` are handed out; a sync only when the durable range is used up."""
        if not name.endswith(self._ending):
            self._counters.save(name, value)
            return
        self.load(name)
        if value > self._durable[name]:
            durable = min(value + self._size, COUNTER_END)
            self._counters.save(name, durable)
            self._durable[name] = durable
        self._used[name] = value


class MemoryCounters:
    """Counters that live as long as the process: for meters in memory and for tests, never for real keys."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def load(self, name: str) -> int:
        """The last saved value of `name`, 0 if there is none."""
        return self.values.get(name, 0)

    def save(self, name: str, value: int) -> None:
        """Keep `value` under `name` in memory."""
        self.values[name] = value
