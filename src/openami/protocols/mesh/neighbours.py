"""What a station knows of the stations around it: rank, and how many transmissions a frame to them takes (ETX)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openami.protocols.mesh.rpl_messages import INFINITE_RANK

ETX_UNIT: Final = 128
LINK_METRIC_MAX: Final = 512
"""A link that takes more than four transmissions a frame is no way up (RFC 6719 MAX_LINK_METRIC)."""
_WEIGHT: Final = 0.05
_FAILURES: Final = 4
"""After so many frames in a row that were never acknowledged a link is no way up, whatever it was before."""
_CLIMATE_WEIGHT: Final = 0.1
_FAILURE: Final = 8.0
_ETX_MAX: Final = 16.0
DBM_PER_TRANSMISSION: Final = 5
"""A link that is so much weaker than a good one takes one transmission more."""
_GUESS_MAX: Final = 3.9
"""A link that was never tried is not given up for what others have suffered."""
_RETRIED_AFTER_S: Final = 600.0
_DOUBLINGS: Final = 7
"""Each failure in a row doubles the time until the next chance: up to 21 hours."""
_ALONE_S: Final = 30.0
"""Who has no way up at all does not hold a failure against a neighbour for longer."""


class Climate:
    """How many transmissions a frame from here takes at present, to whomever: who was not tried yet is no better."""

    __slots__ = ("etx", "good_dbm")

    def __init__(self, good_dbm: int) -> None:
        self.etx = 1.0
        self.good_dbm = good_dbm


class Neighbour:
    """One station in reach. `dio` is the last DIO heard from it, as it stood in the packet."""

    __slots__ = (
        "_climate",
        "blamed",
        "blames",
        "corrected",
        "dio",
        "dtsn",
        "etx",
        "eui64",
        "failures",
        "heard",
        "measured",
        "rank",
        "rssi_dbm",
    )

    def __init__(self, eui64: bytes, rssi_dbm: int, now: float, climate: Climate) -> None:
        self.eui64 = eui64
        self._climate = climate
        self.rank = INFINITE_RANK
        self.rssi_dbm = float(rssi_dbm)
        self.measured = False
        self.etx = self.guess
        self.dio = b""
        self.dtsn = 0
        self.heard = now
        self.failures = 0
        self.blames = 0
        self.blamed = -_RETRIED_AFTER_S
        self.corrected = -_RETRIED_AFTER_S

    @property
    def guess(self) -> float:
        """An ETX from signal strength alone, until frames were sent: at least what frames from here take now."""
        weak = max((self._climate.good_dbm - self.rssi_dbm) / DBM_PER_TRANSMISSION, 0.0)
        return min(self._climate.etx + weak, _GUESS_MAX)

    @property
    def link_metric(self) -> int:
        return int(self.etx * ETX_UNIT)

    @property
    def path_cost(self) -> int:
        """What our rank would be below it; `INFINITE_RANK` if it is no way up."""
        metric = int(self.etx * ETX_UNIT)
        if self.rank >= INFINITE_RANK or metric > LINK_METRIC_MAX:
            return INFINITE_RANK
        return min(self.rank + metric, INFINITE_RANK)

    def hear(self, rssi_dbm: int, now: float, *, alone: bool = False) -> None:
        """A message came. A neighbour that failed long ago gets another chance, sooner if we are without parent."""
        self.heard = now
        self.rssi_dbm += (rssi_dbm - self.rssi_dbm) / 4
        if not self.measured:
            self.etx = self.guess
        elif self.link_metric > LINK_METRIC_MAX and now - self.blamed > (_ALONE_S if alone else self._patience_s):
            self.etx = max(self.guess, 2.0)

    def sent(self, attempts: int, now: float, *, delivered: bool) -> None:
        """A frame to it has ended after so many transmissions."""
        sample = float(attempts) if delivered else _FAILURE
        self._climate.etx += (sample - self._climate.etx) * _CLIMATE_WEIGHT
        self.etx += (sample - self.etx) * _WEIGHT
        self.measured = True
        self.failures = 0 if delivered else self.failures + 1
        if self.failures >= _FAILURES:
            self.blame(now)

    def blame(self, now: float) -> None:
        """What was entrusted to it did not arrive though the link took it: no way up for a while."""
        self.etx = _ETX_MAX
        self.measured = True
        self.failures = 0
        self.blames += 1
        self.blamed = now

    def trust(self) -> None:
        """What went through it came back confirmed by the root."""
        self.blames = 0

    @property
    def _patience_s(self) -> float:
        return _RETRIED_AFTER_S * 2.0 ** min(max(self.blames - 1, 0), _DOUBLINGS)


class Neighbours:
    """At most `limit` neighbours; a new one takes the place of the one with the costliest way up, if that is worse."""

    def __init__(self, limit: int, good_dbm: int) -> None:
        self._limit = limit
        self._known: dict[bytes, Neighbour] = {}
        self._climate = Climate(good_dbm)

    def get(self, eui64: bytes) -> Neighbour | None:
        return self._known.get(eui64)

    def heard(self, eui64: bytes, rssi_dbm: int, now: float, keep: Neighbour | None) -> Neighbour | None:
        """The neighbour of whom a message came; `None` if there is no room for it. `keep` is never given up."""
        known = self._known.get(eui64)
        if known is not None:
            known.hear(rssi_dbm, now, alone=keep is None)
            return known
        if len(self._known) >= self._limit:
            worst = max((each for each in self._known.values() if each is not keep), key=_worth, default=None)
            if worst is None or (worst.path_cost < INFINITE_RANK and worst.rssi_dbm >= rssi_dbm):
                return None
            del self._known[worst.eui64]
        made = self._known[eui64] = Neighbour(eui64, rssi_dbm, now, self._climate)
        return made

    def clear(self) -> None:
        self._known.clear()

    def __iter__(self) -> Iterator[Neighbour]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)


def _worth(neighbour: Neighbour) -> tuple[int, float]:
    return neighbour.path_cost, -neighbour.heard
