"""Replayed telegrams: message counters that have to grow, per meter."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from openami.model.errors import SecurityError
from openami.protocols.mbus.wireless.address import MeterAddress

METERS_MAX = 1_000_000


class Arrival(Enum):
    """A counter that has grown is new; the same counter once more came twice, over a repeater for example."""

    NEW = "new"
    AGAIN = "again"


class ReplayGuard:
    """The last verified counter of each meter; bounded, the meter that was silent longest is forgotten first.

    Call `admit` only with counters that a MAC or tag covers: others prove nothing and could shut a meter out.
    `counters` and the constructor's `known` let the owner keep them over a restart.
    """

    def __init__(self, known: dict[bytes, int] | None = None, *, meters_max: int = METERS_MAX) -> None:
        self._last: OrderedDict[bytes, int] = OrderedDict(known or {})
        self._meters_max = meters_max

    def counters(self) -> dict[bytes, int]:
        """The last counter by address (eight bytes in link layer order)."""
        return dict(self._last)

    def admit(self, meter: MeterAddress, counter: int) -> Arrival:
        """Take a verified counter; raises `SecurityError` when it is older than the last one."""
        name = meter.link_order
        last = self._last.get(name)
        if last is not None and counter < last:
            raise SecurityError(f"replayed: message counter {counter} of {meter} after {last}")
        self._last[name] = counter
        self._last.move_to_end(name)
        if len(self._last) > self._meters_max:
            self._last.popitem(last=False)
        return Arrival.AGAIN if counter == last else Arrival.NEW
