"""The meter's gate for sealed commands: a sans-I/O core that opens, has the counter made durable, then lets through.

`receive(envelope, moment)` checks; then `next_event()` gives `Persist`, and once `persisted(event)` was called,
`CommandAccepted`. A power cut between the two costs the command and never repeats it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.counters import Persist
from openami.protocols.seal.opening import MeterMoment, MeterSeal, open_command
from openami.protocols.seal.signed import SignedCommand


class CommandAccepted(NamedTuple):
    """All checks passed and the counter is durable: apply the meter's own limits, then carry it out."""

    signed: SignedCommand


GateEvent = Persist | CommandAccepted


class CommandGate:
    """One meter's gate; `stored(name)` gives durable counters, 0 for a name that was never saved."""

    __slots__ = ("_events", "_seal", "_stored", "_waiting")

    def __init__(self, seal: MeterSeal, stored: Callable[[str], int]) -> None:
        self._seal = seal
        self._stored = stored
        self._events: deque[GateEvent] = deque()
        self._waiting: tuple[Persist, SignedCommand] | None = None

    def receive(self, envelope: bytes, moment: MeterMoment) -> None:
        """Check `envelope`; raises `CommandRefused`, and then nothing has changed. One command at a time."""
        if self._waiting is not None:
            raise LocalProtocolError("the counter of the command before is not durable yet: call persisted first")
        signed = open_command(envelope, self._seal, moment, self._last)
        event = Persist(self._name(signed.authority.system_title), signed.counter)
        self._waiting = event, signed
        self._events.append(event)

    def next_event(self) -> GateEvent | None:
        """The oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def persisted(self, event: Persist) -> None:
        """The counter of `event` is durable."""
        if self._waiting is None or self._waiting[0] != event:
            raise LocalProtocolError(f"{event.name} was not waited for")
        self._events.append(CommandAccepted(self._waiting[1]))
        self._waiting = None

    def _last(self, authority: bytes) -> int:
        return self._stored(self._name(authority))

    def _name(self, authority: bytes) -> str:
        return f"seal/{self._seal.system_title.hex()}/{authority.hex()}/accepted"
