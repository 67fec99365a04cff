"""Where wake-ups arrive: a UDP port that never answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from openami.io.clock import Clock
from openami.model.errors import ConnectFailed, DecodeError, SecurityError, StoreError
from openami.protocols.zones.wake_up import WakeUpGuard

LOG = logging.getLogger(__name__)
CHECKS_PER_S = 20


class KeepsCounter(Protocol):
    """A journal of counters."""

    def save(self, name: str, value: int) -> None: ...


class WakeUpPort(asyncio.DatagramProtocol):
    """Calls `wake` for each wake-up that the guard accepts, once its counter is kept under `counter_name`.

    At most `CHECKS_PER_S` datagrams are looked at each second: a flood costs no more than that. What is refused
    is counted, and not answered.
    """

    def __init__(
        self, guard: WakeUpGuard, counters: KeepsCounter, counter_name: str, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._guard = guard
        self._counters = counters
        self._counter_name = counter_name
        self._clock = clock
        self._wake = wake
        self._second = 0
        self._checks = 0
        self.refused = 0

    def datagram_received(self, data: bytes, addr: Any) -> None:
        second = int(self._clock.monotonic())
        if second != self._second:
            self._second, self._checks = second, 0
        self._checks += 1
        if self._checks > CHECKS_PER_S:
            self.refused += 1
            return
        try:
            wake_up = self._guard.accept(data, self._clock.time())
            self._counters.save(self._counter_name, wake_up.counter)
        except (DecodeError, SecurityError, StoreError) as error:
            self.refused += 1
            LOG.info("a wake-up from %s is refused: %s", addr, error)
            return
        self._guard.accepted(wake_up.counter)
        self._wake()

    def error_received(self, exc: Exception) -> None:
        LOG.info("the wake-up port heard of an undelivered datagram: %s", exc)


async def listen_for_wake_ups(port: WakeUpPort, host: str, number: int) -> asyncio.DatagramTransport:
    """Bind the UDP port; raises `ConnectFailed` if that fails."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: port, local_addr=(host, number))
    except OSError as error:
        raise ConnectFailed(f"cannot listen on {host}:{number} (UDP): {error.strerror or error}") from error
    return transport
