"""Channel-days as columns: what intake computes with, many at a time, all of one resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.blocks import Codes, Matrix
from openami.backoffice.mdm.status import delivered
from openami.model.interval import DAY_S
from openami.model.quality import Quality

Column = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int32]

ABSENT = -1

Key = tuple[int, int, int]  # metering point, channel, day


class Source(NamedTuple):
    """Where a snapshot came from. Of two snapshots of one stamp the one that became known later is current; the
    evidence decides a tie, so that the outcome never depends on the order of arrival.
    """

    known_at: int
    evidence: int
    meter: int


@dataclass(slots=True)
class Sources:
    """Numbers for sources, so that a matrix can name one per interval."""

    all: list[Source] = field(default_factory=list)
    numbers: dict[Source, int] = field(default_factory=dict)

    def number(self, source: Source) -> int:
        found = self.numbers.setdefault(source, len(self.all))
        if found == len(self.all):
            self.all.append(source)
        return found

    def numbered(self, sources: Sequence[Source]) -> list[int]:
        """The number of each."""
        numbers = self.numbers
        found = [numbers.setdefault(source, len(numbers)) for source in sources]
        self.all = list(numbers)
        return found

    def ranks(self) -> Column:
        """Per source its place in the order of precedence; index -1 (absent) ranks lowest."""
        order = sorted(range(len(self.all)), key=self.all.__getitem__)
        ranks = np.full(len(self.all) + 1, ABSENT, dtype=np.int64)
        ranks[order] = np.arange(len(order))
        return ranks

    def meters(self) -> Column:
        """Per source its meter; index -1 (absent) gives 0."""
        return np.array([source.meter for source in self.all] + [0], dtype=np.int64)


@dataclass(slots=True, eq=False)
class ChannelDays:
    """`n` channel-days of `k` intervals. `source[i, j]` is ABSENT where no snapshot is known.

    `version` is the stored version that a row came from, 0 if nothing is stored yet.
    """

    resolution_s: int
    keys: list[Key]
    version: list[int]
    sources: Sources
    registers: Matrix
    status: Codes
    source: Places
    energy: Matrix
    quality: Codes

    @classmethod
    def empty(cls, resolution_s: int, keys: list[Key], sources: Sources) -> ChannelDays:
        shape = len(keys), DAY_S // resolution_s
        return cls(
            resolution_s,
            keys,
            [0] * len(keys),
            sources,
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape, dtype=np.uint8),
            np.full(shape, ABSENT, dtype=np.int32),
            np.zeros(shape, dtype=np.int64),
            np.full(shape, Quality.MISSING, dtype=np.uint8),
        )

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def intervals(self) -> int:
        """How many intervals a day has."""
        return DAY_S // self.resolution_s

    def put(self, rows: npt.NDArray[np.intp], days: ChannelDays) -> None:
        """Let `rows` be the rows of `days`."""
        for mine, theirs in (
            (self.registers, days.registers),
            (self.status, days.status),
            (self.source, days.source),
            (self.energy, days.energy),
            (self.quality, days.quality),
        ):
            mine[rows] = theirs
        for row, version in zip(rows.tolist(), days.version, strict=True):
            self.version[row] = version

    def take_newer(self, other: ChannelDays) -> int:
        """Take each snapshot of `other` (same keys and sources) that goes before mine. How many of mine went.

        This is the least upper bound of both, snapshot by snapshot: commutative, associative and idempotent.
        """
        ranks = self.sources.ranks()
        mine = precedence(ranks, self.source, self.status)
        theirs = precedence(ranks, other.source, other.status)
        newer = theirs > mine
        tie = (theirs == mine) & (theirs != ABSENT)
        newer |= tie & (other.registers > self.registers)
        newer |= tie & (other.registers == self.registers) & (other.status > self.status)
        passed = newer & (mine != ABSENT)
        self.registers = np.where(newer, other.registers, self.registers)
        self.status = np.where(newer, other.status, self.status)
        self.source = np.where(newer, other.source, self.source)
        return int(np.count_nonzero(passed))

    def differs(self, other: ChannelDays) -> Mask:
        """Per row, whether anything differs from `other` (same keys and sources)."""
        changed = (self.source != other.source) | (self.registers != other.registers) | (self.status != other.status)
        changed |= (self.energy != other.energy) | (self.quality != other.quality)
        return np.asarray(changed.any(axis=1))


def precedence(ranks: Column, source: Places, status: Codes) -> Column:
    """Per row its rank; any snapshot of a register goes before any energy that was delivered, because the register
    also tells the energy of the interval after it.
    """
    snapshot = (source != ABSENT) & ~delivered(status)
    return np.asarray(ranks[source] + np.where(snapshot, len(ranks), 0))
