"""A station: a core without I/O, joined to the medium by callbacks: no task, so that thousands are cheap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from openami.simulation.medium import Medium

STEP_S = 0.001
"""Timeouts are handled no faster than this: a core that wants the past again does not stop the world."""


class Core(Protocol):
    """What `MeshNode` and `MeshFace` are to the simulation."""

    def start(self, now: float) -> None: ...

    def stop(self, now: float) -> None: ...

    def receive(self, psdu: bytes, now: float, *, rssi_dbm: int) -> None: ...

    def next_transmission(self, now: float) -> bytes | None: ...

    def transmitted(self, now: float, *, clear: bool) -> None: ...

    def next_event(self) -> Any: ...

    def next_timeout(self) -> float | None: ...

    def handle_timeout(self, now: float) -> None: ...

    def persisted(self, event: Any, now: float) -> None: ...


class Station:
    """`on_event` is told what the core says. Without supply a station neither hears nor sends."""

    __slots__ = (
        "_due",
        "_handled",
        "_loop",
        "_medium",
        "_on_event",
        "_sending",
        "_timer",
        "_wanted",
        "core",
        "name",
        "number",
        "powered",
    )

    def __init__(
        self,
        number: int,
        name: str,
        core: Core,
        medium: Medium,
        loop: asyncio.AbstractEventLoop,
        on_event: Callable[[Station, Any], None],
        eui64: bytes = b"",
    ) -> None:
        self.number = number
        self.name = name
        self.core = core
        self.powered = False
        self._medium = medium
        self._loop = loop
        self._on_event = on_event
        self._sending = False
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._wanted: float | None = None
        self._handled = 0.0
        medium.attach(number, self, eui64)

    def start(self) -> None:
        """The supply is there."""
        self.powered = True
        self._sending = False
        self.core.start(self._loop.time())
        self.pump()

    def stop(self) -> None:
        """The supply fails."""
        self._medium.cut(self.number)
        self.core.stop(self._loop.time())
        self.powered = False

    def heard(self, psdu: bytes, level_dbm: int) -> None:
        if self.powered:
            self.core.receive(psdu, self._loop.time(), rssi_dbm=level_dbm)
            self.pump()

    def sent(self, *, clear: bool) -> None:
        if self.powered and self._sending:
            self._sending = False
            self.core.transmitted(self._loop.time(), clear=clear)
            self.pump()

    def pump(self) -> None:
        """Take what the core has: events, a frame whose turn has come, the time of its next timeout.

        While a frame is on the air its end is waited for, and nothing else that is new.
        """
        core = self.core
        while (event := core.next_event()) is not None:
            self._on_event(self, event)
        if not self._sending and self.powered:
            psdu = core.next_transmission(self._loop.time())
            if psdu is not None:
                self._sending = True
                self._medium.transmit(self.number, psdu)
        if self._sending:
            return
        due = self._wanted = core.next_timeout()
        if due is not None and (self._timer is None or due < self._due):
            self._arm(max(due, self._handled + STEP_S))

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._fire)

    def _fire(self) -> None:
        """A timer may come early: timeouts that moved on did not cancel it. Whatever the core was told, was pumped."""
        self._timer = None
        if not self.powered:
            return
        due = self.core.next_timeout() if self._sending else self._wanted
        now = self._loop.time()
        if due is not None and due > now:
            self._arm(due)
            return
        if due is not None:
            self._handled = now
            self.core.handle_timeout(now)
        self.pump()
