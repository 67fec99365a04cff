"""A station without group key looks for a network: beacons, a request through the best neighbour, the next if it fails.

Beacons prove nothing. Who lures us and cannot get us the key costs us one waiting time, then others come first.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from openami.model.errors import SecurityError
from openami.protocols.mesh.join_messages import NONCE_SIZE, GroupKey, SealedKey, make_request, open_key
from openami.protocols.mesh.neighbours import DBM_PER_TRANSMISSION, ETX_UNIT
from openami.protocols.mesh.parameters import MeshParameters

CANDIDATES_MAX: Final = 16
_FORGOTTEN_S: Final = 900.0
_DOUBLINGS: Final = 2


class Candidate(NamedTuple):
    """Somebody who says that he is part of a network."""

    eui64: bytes
    pan_id: int
    rank: int
    rssi_dbm: int

    def cost(self, good_dbm: int) -> float:
        """A guess at the rank that we would have below it."""
        return self.rank + ETX_UNIT * (1 + max(good_dbm - self.rssi_dbm, 0) / DBM_PER_TRANSMISSION)


class Request(NamedTuple):
    """Send `message` to the candidate."""

    candidate: Candidate
    message: bytes


class Pledge:
    """`due` is when `act` wants to be called."""

    def __init__(
        self, eui64: bytes, device_key: bytes, parameters: MeshParameters, random: Callable[[int], bytes]
    ) -> None:
        self._identity = eui64
        self._key = device_key
        self._parameters = parameters
        self._random = random
        self._candidates: dict[bytes, Candidate] = {}
        self._failed: dict[bytes, float] = {}
        self._asked: Candidate | None = None
        self._nonce = b""
        self._interval_s = parameters.scan_interval_min_s
        self._asks = 0
        self.due = inf

    def start(self, now: float) -> None:
        self._interval_s = self._parameters.scan_interval_min_s
        self._asked = None
        self._asks = 0
        self.due = now + self._chance()

    def stop(self) -> None:
        self._candidates.clear()
        self._asked = None
        self._nonce = b""
        self.due = inf

    def heard(self, candidate: Candidate, now: float) -> None:
        """A beacon came."""
        if self.due is inf or (len(self._candidates) >= CANDIDATES_MAX and candidate.eui64 not in self._candidates):
            return
        self._candidates[candidate.eui64] = candidate
        if self._asked is None:
            self.due = min(self.due, now + self._parameters.beacon_wait_s * (0.5 + self._chance() / 2))

    def act(self, frame_counter: int, now: float) -> Request | None:
        """What to do now: a request, or `None`: ask everybody for beacons."""
        if self._asked is not None:
            self._failed[self._asked.eui64] = now
            self._candidates.pop(self._asked.eui64, None)
            self._asked = None
        candidate = self._best(now)
        if candidate is None:
            self.due = now + self._interval_s * (0.75 + self._chance() / 2)
            self._interval_s = min(2 * self._interval_s, self._parameters.scan_interval_max_s)
            return None
        self._interval_s = self._parameters.scan_interval_min_s
        self.due = now + self._parameters.join_wait_s * 2 ** min(self._asks, _DOUBLINGS) * (1 + self._chance())
        self._asks += 1
        self._asked = candidate
        return self.request(candidate, frame_counter)

    def request(self, candidate: Candidate, frame_counter: int) -> Request:
        """A request with a fresh nonce; only an answer to the last one counts."""
        self._nonce = self._random(NONCE_SIZE)
        return Request(candidate, make_request(self._key, self._identity, self._nonce, frame_counter))

    def answered(self, message: SealedKey) -> GroupKey:
        """The group key in an answer; raises `SecurityError` unless it answers our last request."""
        if not self._nonce:
            raise SecurityError("a join answer that was not asked for")
        group = open_key(self._key, message, self._nonce)
        self._nonce = b""
        return group

    @property
    def asked(self) -> Candidate | None:
        """Whom we have asked and wait for."""
        return self._asked

    @property
    def asked_once(self) -> bool:
        """Whether the request that was answered is our first: then the root knows the way by which it came."""
        return self._asks == 1

    def _best(self, now: float) -> Candidate | None:
        """The candidate with the cheapest way up; those that failed lately come last, and only after the others."""
        self._failed = {eui64: at for eui64, at in self._failed.items() if now - at < _FORGOTTEN_S}
        if not self._candidates:
            return None
        good_dbm = self._parameters.good_dbm
        return min(self._candidates.values(), key=lambda each: (each.eui64 in self._failed, each.cost(good_dbm)))

    def _chance(self) -> float:
        return self._random(1)[0] / 256
