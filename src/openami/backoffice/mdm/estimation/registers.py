"""Estimates of registers: where a bill needs a read at a moment at which nobody read.

Each takes plain integers: stamps in seconds, registers and energies in the channel's unit and scaler.
"""

from __future__ import annotations

from collections.abc import Sequence

DAY_S = 86_400
HUNDREDTHS = 100

Read = tuple[int, int]
"""Stamp and register."""


def from_average_daily_use(earlier: Read, latest: Read, at_s: int) -> int:
    """The register at `at_s`, carried on from the latest read at the mean use between the last two good reads.

    Days × (latest − earlier) ÷ days between + latest, truncated. (Itron; AEMO 65)
    """
    span = latest[0] - earlier[0]
    if span <= 0:
        raise ValueError(f"the reads stand in the wrong order: {earlier[0]} and {latest[0]}")
    return latest[1] + (at_s - latest[0]) * (latest[1] - earlier[1]) // span


def from_average_daily_use_rounded(earlier: Read, latest: Read, at_s: int) -> int:
    """As above with the rounding of California 1998: the mean day to two decimals, the estimate truncated, then added
    to the last read. (CPUC working group)
    """
    span = latest[0] - earlier[0]
    if span <= 0:
        raise ValueError(f"the reads stand in the wrong order: {earlier[0]} and {latest[0]}")
    daily_hundredths = (2 * (latest[1] - earlier[1]) * DAY_S * HUNDREDTHS + span) // (2 * span)
    return latest[1] + (at_s - latest[0]) * daily_hundredths // (DAY_S * HUNDREDTHS)


def from_intervals(read: int, energies: Sequence[int]) -> int:
    """The register after `energies`, counted on from a read before them. (Oracle)"""
    return read + sum(energies)


def between_reads(before: Read, after: Read, at_s: int) -> int:
    """The register at `at_s` on the line between two reads around it, rounded down. (AEMO 54)"""
    if not before[0] < after[0] or not before[0] <= at_s <= after[0]:
        raise ValueError(f"{at_s} does not lie between the reads at {before[0]} and {after[0]}")
    return before[1] + (at_s - before[0]) * (after[1] - before[1]) // (after[0] - before[0])


def subtractive(main: Sequence[int], parts: Sequence[Sequence[int]]) -> list[int]:
    """What the main channel measured less its sub-channels, interval by interval; it may be negative. (Oracle)"""
    if any(len(part) != len(main) for part in parts):
        raise ValueError("the channels have different numbers of intervals")
    return [whole - sum(part[at] for part in parts) for at, whole in enumerate(main)]
