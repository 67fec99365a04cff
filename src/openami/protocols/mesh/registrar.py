"""The root's desk: who may join, which group key they get, and how everybody comes by the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.mesh.allowance import Allowance
from openami.protocols.mesh.join_messages import (
    ANSWER,
    SALT_SIZE,
    UNASKED,
    UPDATE,
    GroupKey,
    JoinRequest,
    RelayedRequest,
    check_request,
    group_key,
    seal_key,
)
from openami.protocols.mesh.parameters import KeysOf, MeshParameters

_SKIP: Final = 1 << 16
"""How far a frame counter that was set back is put ahead of the last one that is known."""
_STATIONS_MAX: Final = 8192


class Registrar:
    """Answers join requests and hands out new keys, one station after another. `due`: when `next_update` wants in."""

    def __init__(
        self, root_key: bytes, keys_of: KeysOf, parameters: MeshParameters, random: Callable[[int], bytes]
    ) -> None:
        self._root_key = root_key
        self._keys_of = keys_of
        self._parameters = parameters
        self._random = random
        self._counters: dict[bytes, int] = {}
        self._waiting: deque[bytes] = deque()
        self._step_s = 0.0
        self._deadline = inf
        self._allowance = Allowance(parameters.joins_per_minute / 60, parameters.joins_per_minute)
        self.epoch = 0
        self.due = inf

    def key(self, epoch: int) -> bytes:
        """The group key of an epoch."""
        return group_key(self._root_key, epoch)

    def answer(self, relayed: RelayedRequest, now: float) -> bytes:
        """The sealed key for a station that wants to join; raises `SecurityError` if it may not.

        A request that is repeated by somebody else gets an answer that only its first sender could open, once.
        """
        request = relayed.request
        device_key = self._keys_of(request.eui64)
        if device_key is None:
            raise SecurityError(f"station {request.eui64.hex()} is not known to this collector")
        check_request(device_key, request)
        if not self._allowance.take(now):
            raise SecurityError("too many stations want to join at once; this one has to ask again")
        group = GroupKey(self.epoch, self.key(self.epoch), self._floor(relayed))
        return seal_key(device_key, ANSWER, request.eui64, request.nonce, self._random(SALT_SIZE), group)

    def is_fresh(self, request: JoinRequest) -> bool:
        """Whether the request is newer than all that was answered for its station: no repetition by somebody else."""
        return request.frame_counter > self._counters.get(request.eui64, -1)

    def roll(self, epoch: int, stations: list[bytes], now: float) -> None:
        """Hand the key of `epoch` to `stations` within half of the distribution time."""
        self.epoch = epoch
        self._waiting = deque(stations)
        self._step_s = self._parameters.key_distribution_s / 2 / max(len(stations), 1)
        self._deadline = now + self._parameters.key_distribution_s if stations else now
        self.due = now

    def next_update(self, now: float) -> tuple[bytes, bytes] | None:
        """The next station and the message for it; `None` when the time has come to send with the new key."""
        while self._waiting:
            station = self._waiting.popleft()
            device_key = self._keys_of(station)
            if device_key is not None:
                self.due = now + self._step_s
                group = GroupKey(self.epoch, self.key(self.epoch), 0)
                salt = self._random(SALT_SIZE)
                return station, seal_key(device_key, UPDATE, station, UNASKED, salt, group)
        if now < self._deadline:
            self.due = self._deadline
            return None
        self.due = self._deadline = inf
        return None

    @property
    def distributing(self) -> bool:
        """Whether a new key is on its way to the stations."""
        return self._deadline < inf

    def again(self, station: bytes, now: float) -> None:
        """The new key did not arrive there."""
        if self.distributing:
            self._waiting.append(station)
            self.due = min(self.due, now + self._step_s)

    def _floor(self, relayed: RelayedRequest) -> int:
        """Where the station's frame counter has to go on: ahead of all that anybody has heard of it."""
        request = relayed.request
        last = max(self._counters.get(request.eui64, 0), relayed.counter_seen)
        if len(self._counters) < _STATIONS_MAX or request.eui64 in self._counters:
            self._counters[request.eui64] = max(last, request.frame_counter)
        return last + _SKIP if request.frame_counter < last else request.frame_counter
