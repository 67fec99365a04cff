"""The meters that a collector can reach or hear, and by which network."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from openami.io.links.neighbourhood import MeterSeen, Neighbourhood
from openami.model.errors import ConnectFailed
from openami.protocols.zones.collector_message import METERS_AT_ONCE, KnownMeter, MetersKnown


class Known(NamedTuple):
    """One meter."""

    neighbourhood: Neighbourhood
    system_title: bytes | None


class MeterTable:
    """Bounded: beyond `meters_max` the meter that was seen first is forgotten; if it lives, it is seen again."""

    def __init__(self, meters_max: int) -> None:
        self._meters_max = meters_max
        self._known: dict[str, Known] = {}
        self._changed: dict[str, None] = {}
        self.changes = asyncio.Event()

    def __len__(self) -> int:
        return len(self._known)

    def see(self, seen: MeterSeen, neighbourhood: Neighbourhood) -> None:
        """A meter is there, or speaks."""
        known = Known(neighbourhood, seen.system_title)
        if self._known.get(seen.address) == known:
            return
        self._known[seen.address] = known
        self._change(seen.address)
        if len(self._known) > self._meters_max:
            self.forget(next(iter(self._known)))

    def hear(self, address: str, neighbourhood: Neighbourhood) -> None:
        """A meter said something: it is there, whatever else is known of it."""
        if address not in self._known:
            self.see(MeterSeen(address), neighbourhood)

    def forget(self, address: str) -> None:
        """There is no way to the meter any more."""
        if self._known.pop(address, None) is not None:
            self._change(address)

    def way(self, address: str) -> Neighbourhood:
        """The network by which the meter is reached; raises `ConnectFailed`."""
        if address not in self._known:
            raise ConnectFailed(f"no meter {address!r} is known in the neighbourhood")
        return self._known[address].neighbourhood

    def everything(self) -> list[str]:
        """All addresses, in the order in which they were seen."""
        return list(self._known)

    def take_changes(self) -> list[str]:
        """What has changed since this was asked last."""
        changed, self._changed = list(self._changed), {}
        self.changes.clear()
        return changed

    def tell(self, addresses: list[str]) -> list[MetersKnown]:
        """How these meters stand now, in messages that are short enough."""
        told = []
        for at in range(0, len(addresses), METERS_AT_ONCE):
            some = addresses[at : at + METERS_AT_ONCE]
            seen = [KnownMeter(each, self._known[each].system_title) for each in some if each in self._known]
            told.append(MetersKnown(seen, [each for each in some if each not in self._known]))
        return told

    def _change(self, address: str) -> None:
        self._changed[address] = None
        self.changes.set()
