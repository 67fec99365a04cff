"""Where each meter hangs: the guard's own table, which no request can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Place:
    """A meter's place in the network. `power_w` is what it may draw or feed in when switched, as planned for."""

    operator: str
    feeder: str
    transformer: str
    power_w: int
    protected: bool = False


@dataclass(frozen=True)
class Network:
    """Places by system title; `feeder_peak_w` by feeder."""

    places: Mapping[bytes, Place]
    feeder_peak_w: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def customers(self) -> Mapping[str, int]:
        """Meters by transformer."""
        counted: dict[str, int] = {}
        for place in self.places.values():
            counted[place.transformer] = counted.get(place.transformer, 0) + 1
        return counted

    @property
    def fleet(self) -> int:
        """All meters."""
        return len(self.places)
