"""Handing join requests on to the root: one at a time, and more slowly while answers do not come.

A district that wakes up asks for more joins than the air around the root can carry. Each relay keeps one request on its
way and a few waiting; a missing answer doubles the time until the next, an answer halves it.
"""

from __future__ import annotations

from math import inf
from typing import Final

from openami.protocols.mesh.join_messages import JoinRequest

WAITING_MAX: Final = 4
_WAIT_MIN_S, _WAIT_MAX_S = 6.0, 48.0
_STALE_S: Final = 12.0
"""A request that waited so long is dropped: the station will have asked anew."""


class JoinRelay:
    """`due` is when `act` wants to be called; what it and `take` give is to be handed on now."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[JoinRequest, float]] = {}
        self._asked = b""
        self._wait_s = _WAIT_MIN_S
        self.due = inf

    def take(self, request: JoinRequest, now: float) -> JoinRequest | None:
        """A request came: it goes on at once, or it waits in place of the station's last, or there is no room."""
        if self.due is inf or request.eui64 == self._asked:
            return self._send(request, now)
        if request.eui64 in self._waiting or len(self._waiting) < WAITING_MAX:
            self._waiting[request.eui64] = (request, now)
        return None

    def answered(self, eui64: bytes, now: float) -> None:
        """The root's answer for a station has come by."""
        if eui64 == self._asked:
            self._asked = b""
            self._wait_s = max(self._wait_s / 2, _WAIT_MIN_S)
            self.due = now

    def act(self, now: float) -> JoinRequest | None:
        """The next request, if it is time."""
        if self.due > now:
            return None
        if self._asked:
            self._wait_s = min(self._wait_s * 2, _WAIT_MAX_S)
            self._asked = b""
        while self._waiting:
            request, since = self._waiting.pop(next(iter(self._waiting)))
            if now - since < _STALE_S:
                return self._send(request, now)
        self.due = inf
        return None

    def _send(self, request: JoinRequest, now: float) -> JoinRequest:
        self._waiting.pop(request.eui64, None)
        self._asked = request.eui64
        self.due = now + self._wait_s
        return request
