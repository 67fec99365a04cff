"""Where the records of a telegram lie, kept from one telegram to the next that is built alike.

A meter repeats its layout: only data change, headers and length bytes stay. A plan holds those that stay as one mask
and one pattern over the whole telegram, so that one comparison of two integers says whether a telegram fits. The walk
from record to record is the oracle: it makes every plan, and reads what no plan fits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from openami.protocols.mbus.layout import RecordLayout
from openami.protocols.mbus.value import Value

KEYS_MAX = 4096
PLANS_MAX = 4096
PLANS_PER_KEY_MAX = 16


class Place(NamedTuple):
    """One record: its header stands at `start`, its data from `at` to `stop`."""

    layout: RecordLayout
    convert: Callable[[bytes], Value]
    start: int
    at: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """`places` in a telegram whose bytes under `mask` are `pattern`; what begins at `tail` is the manufacturer's."""

    places: tuple[Place, ...]
    mask: int
    pattern: int
    tail: int
    more_records_follow: bool
    global_readout: bool


def make_plan(data: bytes, places: tuple[Place, ...], tail: int, *, more: bool, everything: bool) -> Plan:
    """The plan that `data` is the first example of."""
    kept = bytearray(b"\xff" * len(data))
    for place in places:
        kept[place.at : place.stop] = bytes(place.stop - place.at)
    kept[tail:] = bytes(len(data) - tail)
    mask = int.from_bytes(kept, "little")
    return Plan(places, mask, int.from_bytes(data, "little") & mask, tail, more, everything)


class Plans:
    """Plans by size and first bytes of a telegram; bounded, all are forgotten when there are too many.

    A plan is made when its size and first bytes come for the second time: what comes once would not pay for it.
    """

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        self._plans: dict[tuple[int, bytes], list[Plan]] = {}
        self._keys_max = keys_max
        self._kept = 0

    def find(self, data: bytes) -> Plan | None:
        """The plan that `data` fits."""
        plans = self._plans.get(_key(data))
        if not plans:
            return None
        number = int.from_bytes(data, "little")
        for plan in plans:
            if number & plan.mask == plan.pattern:
                return plan
        return None

    def wanted(self, data: bytes) -> bool:
        """Whether a plan for `data` should be made: something like it was here before."""
        key = _key(data)
        plans = self._plans.get(key)
        if plans is not None:
            return len(plans) < PLANS_PER_KEY_MAX
        if len(self._plans) >= self._keys_max:
            self.forget()
        self._plans[key] = []
        return False

    def keep(self, data: bytes, plan: Plan) -> None:
        """Keep the plan that was wanted for `data`."""
        if self._kept >= PLANS_MAX:
            self.forget()
        self._kept += 1
        self._plans.setdefault(_key(data), []).append(plan)

    def forget(self) -> None:
        """Begin anew."""
        self._plans.clear()
        self._kept = 0


def _key(data: bytes) -> tuple[int, bytes]:
    return len(data), data[:4] if data[:1] == b"\x2f" else data[:2]
