"""What a channel's registers stand for over time, where the instrument transformers of its point were changed.

Registers are stored by the multiplier with which the channel began, so that a meter's registers go on rising over such
a change and what is told late alters no register. Energies are what flowed: the difference of two registers by the
multiplier that held between them. Between registers on both sides of a change it is known only if the register at the
very moment of the change is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import Registry
from openami.io.store.columns import microseconds
from openami.model.point import Channel

SECOND = 1_000_000
Reads = Mapping[tuple[int, int], int]  # (meter, stamp): stamped register


@dataclass(frozen=True, slots=True)
class Ratios:
    """Up to `times[0]` (seconds since 1970-01-01) the multiplier is `factors[0]`, up to `times[1]` `factors[1]`, …, in
    the end the last one. Registers are stored by the multiplier `base`.
    """

    base: int = 1
    times: tuple[int, ...] = ()
    factors: tuple[int, ...] = (1,)

    def flowed(self, counted: Column, starts: Column) -> Column:
        """What flowed while registers rose by `counted` from each of `starts` on, without a change on the way."""
        if not self.times:
            return counted
        factors = np.array(self.factors, dtype=np.int64)
        return np.asarray(counted * factors[np.searchsorted(self.times, starts, side="right")] // self.base)

    def cut(self, starts: Column, ends: Column) -> Mask:
        """Where a change lies between start and end, at neither of them."""
        if not self.times:
            return np.zeros(len(starts), dtype=np.bool_)
        begun = np.searchsorted(self.times, starts, side="right")
        return np.asarray(begun < np.searchsorted(self.times, ends, side="left"))

    def energy(self, meter: int, first: tuple[int, int], last: tuple[int, int], reads: Reads) -> int | None:
        """What flowed while `meter` went from one (stamp, register) to another; None if a register on the way fell, or
        is not known where the multiplier changed.
        """
        total, between = 0, [at for at in self.times if first[0] < at < last[0]]
        told = [first, *((at, reads.get((meter, at))) for at in between), last]
        for (start, opening), (_, closing) in pairwise(told):
            if opening is None or closing is None or closing < opening:
                return None
            total += (closing - opening) * self.at(start) // self.base
        return total

    def at(self, stamp: int) -> int:
        """The multiplier that holds from `stamp` on."""
        return self.factors[int(np.searchsorted(self.times, stamp, side="right"))]


UNCHANGED = Ratios()


def ratios_of(registry: Registry, channels: Sequence[Channel]) -> dict[tuple[int, str], Ratios]:
    """By point and OBIS code, of those `channels` whose multiplier is known to have changed."""
    told: dict[tuple[int, str], list[tuple[Fact, int]]] = {}
    for fact in registry.facts(FactKind.RATIO, list(dict.fromkeys(channel.metering_point for channel in channels))):
        for obis, factor in fact.content.items():
            told.setdefault((fact.metering_point, obis), []).append((fact, factor))
    if not told:
        return {}
    base = {(channel.metering_point, str(channel.obis)): channel.multiplier for channel in channels}
    return {key: _of(facts, base[key]) for key, facts in told.items() if key in base}


def _of(facts: Sequence[tuple[Fact, int]], base: int) -> Ratios:
    times, factors = list[int](), [base]
    for at, factor in _changes(facts, base):
        if times and times[-1] == at:  # one ends where the next begins
            factors[-1] = factor
        else:
            times.append(at)
            factors.append(factor)
    return Ratios(base, tuple(times), tuple(factors))


def _changes(facts: Sequence[tuple[Fact, int]], base: int) -> Iterator[tuple[int, int]]:
    for fact, factor in facts:
        yield microseconds(fact.start) // SECOND, factor
        if fact.end is not None:
            yield microseconds(fact.end) // SECOND, base
