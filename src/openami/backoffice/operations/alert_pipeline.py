"""From alerts to pages: dedupe, a bucket for each meter, incidents by cause, a budget of pages.

What gets here was opened and verified. What the head-end says of itself is a class of its own: it raises one page at
most, however much it says. What does not come is noticed too: heartbeats that are missing and holes in counters, from
whatever number of meters, raise one alarm about whoever carries them. Nothing is dropped: what pages nobody is counted
in its incident.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

DEDUPE_S: Final = 900.0
BUCKET_PER_HOUR: Final = 10
HOUR_S: Final = 3600.0
PAGES_MAX: Final = 10
PAGES_WINDOW_S: Final = 600.0
INCIDENT_S: Final = 3600.0
MISSED_PERIODS: Final = 2
HEADEND_CAUSE: Final = "head-end"
BEGAN_AGAIN: Final = 64
"""A meter whose counter is so far below what it had reached has begun again, as after a power cut."""
CARRIER_PERMILLE: Final = 200
"""From so many silent meters of a carrier on, it is the carrier that is silent."""


class Trust(StrEnum):
    """Who says it: a meter under its seal, or the head-end about itself."""

    SEALED = "sealed"
    HEADEND = "headend"


class Place(NamedTuple):
    """What a meter has in common with others."""

    transformer: str = ""
    carrier: str = ""
    firmware: str = ""


class Alert(NamedTuple):
    """One alert: from which meter (empty for the head-end), which code, when it came (UTC seconds)."""

    meter: str
    code: str
    at: float
    trust: Trust = Trust.SEALED


class Page(NamedTuple):
    """Somebody is called."""

    at: float
    cause: str
    code: str


@dataclass(slots=True)
class Incident:
    """Alerts of one cause. `alerts` counts all of them, `meters` those that are concerned, in the order they came."""

    cause: str
    code: str
    first: float
    last: float
    alerts: int = 0
    meters: dict[str, None] = field(default_factory=dict)
    paged: bool = False


class AlertPipeline:
    """Give it alerts and heartbeats in the order in which they came; it gives pages.

    `never_throttled` are the few codes that no bucket holds back; they are grouped all the same.
    """

    def __init__(
        self, places: dict[str, Place], heartbeat_s: float, *, never_throttled: frozenset[str] = frozenset()
    ) -> None:
        self._places = places
        self._heartbeat_s = heartbeat_s
        self._never_throttled = never_throttled
        self._seen: dict[tuple[str, str], float] = {}
        self._buckets: dict[str, deque[float]] = {}
        self._pages: deque[float] = deque()
        self._heard: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._counters: dict[str, int] = {}
        self.incidents: dict[tuple[str, str], Incident] = {}

    def alert(self, alert: Alert) -> Page | None:
        """Take one alert; the page that it makes, if any."""
        if alert.trust is Trust.HEADEND:
            return self._put(HEADEND_CAUSE, "unverified claims", alert.meter, alert.at)
        fresh = self._fresh(alert) and self._within_bucket(alert)
        cause = self._cause(alert)
        if not fresh:
            self._incident(cause, alert.code, alert.at).alerts += 1
            return None
        return self._put(cause, alert.code, alert.meter, alert.at)

    def heard(self, meter: str, counter: int, at: float) -> Page | None:
        """A sealed item came from `meter`, under its counter; a hole before it is suppression."""
        last = self._counters.get(meter)
        self._heard[meter] = at
        again = last is None or counter < last - BEGAN_AGAIN
        self._counters[meter] = counter if again else max(counter, last or 0)
        if last is None or counter <= last + 1:
            return None
        carrier = self._places.get(meter, Place()).carrier
        return self._put(f"carrier {carrier}", "items are missing", meter, at)

    def told(self, meter: str, at: float) -> None:
        """A telegram of `meter` came, which has no number that could leave a hole.

        Who has told twice is missed after two of the shortest pauses between telegrams, of two heartbeats at least.
        """
        last = self._told.get(meter)
        self._told[meter] = at
        if last is not None and at > last:
            self._heard[meter] = at
            self._pauses[meter] = max(self._heartbeat_s, min(self._pauses.get(meter, at - last), at - last))

    def expected(self, meter: str) -> int | None:
        """The counter that comes next from `meter`; None if it was not heard yet."""
        last = self._counters.get(meter)
        return None if last is None else last + 1

    def check(self, now: float) -> list[Page]:
        """Who has not been heard for two periods: one page for a carrier, or one for a meter by itself."""
        silent: dict[str, list[str]] = {}
        carried: dict[str, int] = {}
        for meter, at in self._heard.items():
            carrier = self._places.get(meter, Place()).carrier
            carried[carrier] = carried.get(carrier, 0) + 1
            if now - at > MISSED_PERIODS * self._pauses.get(meter, self._heartbeat_s):
                silent.setdefault(carrier, []).append(meter)
        pages = [
            self._put(cause, "heartbeats are missing", meter, now)
            for carrier, meters in silent.items()
            for cause, meter in _silence(carrier, meters, carried[carrier])
        ]
        return [page for page in pages if page is not None]

    def _fresh(self, alert: Alert) -> bool:
        key = alert.meter, alert.code
        last = self._seen.get(key)
        if last is not None and alert.at - last < DEDUPE_S:
            return False
        self._seen[key] = alert.at
        return True

    def _within_bucket(self, alert: Alert) -> bool:
        if alert.code in self._never_throttled:
            return True
        bucket = self._buckets.setdefault(alert.meter, deque())
        while bucket and bucket[0] <= alert.at - HOUR_S:
            bucket.popleft()
        if len(bucket) >= BUCKET_PER_HOUR:
            return False
        bucket.append(alert.at)
        return True

    def _cause(self, alert: Alert) -> str:
        """The incident that is open for what the meter shares with others; by itself if there is none yet."""
        place = self._places.get(alert.meter, Place())
        shared = [f"{name} {value}" for name, value in zip(Place._fields, place, strict=True) if value]
        for cause in shared:
            found = self.incidents.get((cause, alert.code))
            if found is not None and alert.at - found.last < INCIDENT_S:
                return cause
        return shared[0] if shared else f"meter {alert.meter}"

    def _incident(self, cause: str, code: str, at: float) -> Incident:
        found = self.incidents.get((cause, code))
        if found is None or at - found.last >= INCIDENT_S:
            found = self.incidents[cause, code] = Incident(cause, code, at, at)
        found.last = at
        return found

    def _put(self, cause: str, code: str, meter: str, at: float) -> Page | None:
        incident = self._incident(cause, code, at)
        incident.alerts += 1
        incident.meters[meter] = None
        if incident.paged or not self._within_budget(at):
            return None
        incident.paged = True
        return Page(at, cause, code)

    def _within_budget(self, at: float) -> bool:
        while self._pages and self._pages[0] <= at - PAGES_WINDOW_S:
            self._pages.popleft()
        if len(self._pages) >= PAGES_MAX:
            return False
        self._pages.append(at)
        return True


def _silence(carrier: str, meters: list[str], carried: int) -> list[tuple[str, str]]:
    if len(meters) > 1 and len(meters) * 1000 >= carried * CARRIER_PERMILLE:
        return [(f"carrier {carrier}", meter) for meter in meters]
    return [(f"meter {meter}", meter) for meter in meters]
