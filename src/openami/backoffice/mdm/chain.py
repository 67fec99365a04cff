"""The chain of registers of a point: snapshots and stamped registers in order of time, across exchanges.

Energy between two links is known if every step between them is: a meter's register that rose, a known roll-over, or
an exchange with its closing and opening reads. A gap in the profile is no break: the registers at its ends tell its
energy. A register that fell, or an exchange without its reads, is a break, and energy across it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.derive import ROLL_OVER_PART
from openami.backoffice.mdm.placement import Place
from openami.backoffice.mdm.ratios import UNCHANGED, Ratios
from openami.backoffice.mdm.series import Span
from openami.backoffice.mdm.stamped import StampedRegister
from openami.backoffice.mdm.status import usable

NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Links in order of time. `energy` is what flowed since the first link as far as known; `breaks` counts the
    breaks since then, so that energy between two links is known where both have the same count. Registers start again
    from 0 at `modulus` (0: not known) and stand for what `ratios` tell.
    """

    stamps: Column
    registers: Column
    meters: Column
    evidence: Column
    energy: Column
    breaks: Column
    modulus: int
    ratios: Ratios

    def __len__(self) -> int:
        return len(self.stamps)

    def between(self, first: int, last: int) -> int | None:
        """Energy from link `first` to link `last`, None across a break."""
        if self.breaks[first] != self.breaks[last]:
            return None
        return int(self.energy[last] - self.energy[first])

    def across(self, first: int, last: int) -> int | None:
        """Energy by the registers of links `first` and `last` alone, if they are one meter's and nothing between them
        changed its multiplier; what was read in between is passed over.
        """
        two = np.array([first, last])
        if self.meters[first] != self.meters[last]:
            return None
        step, broken = _steps(self.meters[two], self.registers[two], self.stamps[two], self.modulus, self.ratios)
        return None if broken[1] else int(step[1])

    def at(self, stamp: int) -> int | None:
        """The link at exactly `stamp`: the old meter's where an exchange has two."""
        index = int(np.searchsorted(self.stamps, stamp))
        return index if index < len(self) and self.stamps[index] == stamp else None

    def broken(self, first: int, last: int) -> list[int]:
        """The links right after each break between `first` and `last`."""
        return (np.flatnonzero(np.diff(self.breaks[first : last + 1])) + first + 1).tolist()


def chain_of(
    span: Span | None,
    reads: Sequence[StampedRegister],
    places: dict[int, list[Place]],
    modulus: int,
    ratios: Ratios = UNCHANGED,
) -> Chain:
    """Join the snapshots of `span` that can be trusted with stamped `reads`; `places` are the meters' at this point."""
    links = _links(span, [read for read in reads if _hung(read, places)])
    order = np.lexsort((_began(links[0], links[1], places), links[0]))
    stamps, meters, registers, evidence = links[:, order]
    step, broken = _steps(meters, registers, stamps, modulus, ratios)
    for index in (np.flatnonzero(np.diff(meters)) + 1).tolist():
        old, new = (int(meters[i]) for i in (index - 1, index))
        closed = any(place.end == stamps[index - 1] for place in places.get(old, []))
        opened = any(place.whole_start and place.start == stamps[index] for place in places.get(new, []))
        broken[index], step[index] = not (closed and opened), 0
    return Chain(stamps, registers, meters, evidence, np.cumsum(step), np.cumsum(broken), modulus, ratios)


def _hung(read: StampedRegister, places: dict[int, list[Place]]) -> bool:
    """Whether the meter hung here when it was read: a read filed under a wrong point does not count."""
    return any(place.start <= read.stamp <= place.end for place in places.get(read.meter, []))


def _links(span: Span | None, reads: Sequence[StampedRegister]) -> Column:
    """(4, n): stamp, meter, register, evidence; one link per stamp and meter, the profile's where both tell it."""
    profile = np.zeros((4, 0), dtype=np.int64)
    if span is not None:
        good = span.present & usable(span.status)
        profile = np.stack([span.stamps[good], span.meter[good], span.registers[good], span.evidence[good]])
    told = dict.fromkeys(zip(profile[0].tolist(), profile[1].tolist(), strict=True))
    extra = [
        (read.stamp, read.meter, read.register, read.evidence) for read in reads if (read.stamp, read.meter) not in told
    ]
    return np.concatenate((profile, np.array(extra, dtype=np.int64).reshape(-1, 4).T), axis=1)


def _began(stamps: Column, meters: Column, places: dict[int, list[Place]]) -> Column:
    """Per read when the installation began under which it was taken: it orders both reads of an exchange."""
    began = np.full(len(stamps), NEVER, dtype=np.int64)
    for meter in np.unique(meters).tolist():
        for place in places.get(meter, []):
            inside = (meters == meter) & (stamps >= place.start) & (stamps <= place.end)
            began[inside] = np.maximum(began[inside], place.start)
    return np.where(began == NEVER, stamps, began)


def _steps(meters: Column, registers: Column, stamps: Column, modulus: int, ratios: Ratios) -> tuple[Column, Mask]:
    """Per link what flowed since the one before, and whether that is not known; between two meters it is 0."""
    step = np.diff(registers, prepend=registers[:1])
    if modulus:
        wrapped = step + modulus
        rolled = (step < 0) & (wrapped >= 0) & (wrapped <= modulus // ROLL_OVER_PART)
        step = np.where(rolled, wrapped, step)
    before = np.concatenate((stamps[:1], stamps[:-1]))
    broken = (step < 0) | ratios.cut(before, stamps)
    step = np.where(broken, 0, ratios.flowed(step, before))
    return step, broken & (np.diff(meters, prepend=meters[:1]) == 0)
