"""What the guard allows. The defaults are proposals; the network operator sets them, and they change with a delay."""

from __future__ import annotations

from typing import Final

import msgspec

from openami.protocols.seal.verbs import CriticalVerb

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
WINDOW_S: Final = 900
"""Switched power is limited in any window of this length."""
SPREAD_S: Final = 600
"""A meter of ours delays a switching by 0 to 600 s, except in an emergency."""
CHANGE_DELAY_S: Final = DAY_S
"""Changed limits hold a day after they were signed."""


class Counts(msgspec.Struct, frozen=True, array_like=True):
    """Commands of one verb in any minute, hour, day and week."""

    minute: int
    hour: int
    day: int
    week: int

    def windows(self) -> tuple[tuple[int, int], ...]:
        """(seconds, commands) of each."""
        return (MINUTE_S, self.minute), (HOUR_S, self.hour), (DAY_S, self.day), (WEEK_S, self.week)


_FEW: Final = Counts(60, 600, 2_000, 6_000)
_MANY: Final = Counts(100_000, 1_000_000, 5_000_000, 20_000_000)


def _per_person() -> dict[CriticalVerb, Counts]:
    counts: dict[CriticalVerb, Counts] = {verb: _FEW for verb in CriticalVerb if verb is not CriticalVerb.DETOUR}
    return {
        **counts,
        CriticalVerb.TARIFF: _MANY,
        CriticalVerb.FIRMWARE_ACTIVATION: _MANY,
        CriticalVerb.KEY_CHANGE: _MANY,
    }


def _total() -> dict[CriticalVerb, Counts]:
    twice = Counts(120, 1_200, 5_000, 20_000)
    return {verb: twice if counts == _FEW else _MANY for verb, counts in _per_person().items()}


def _bounds() -> dict[CriticalVerb, tuple[int, int]]:
    return {CriticalVerb.LOAD_LIMIT: (1_000, 1_000_000), CriticalVerb.CLOCK_JUMP: (0, HOUR_S)}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are in permille. A verb without counts is not sealed at all.

    `bounds` are the least and greatest value of a verb: watts of a load limit, seconds of a clock jump.
    `firmware_waves` are the shares of the fleet that may run a new image: each wave lasts `wave_s` at least.
    """

    per_person: dict[CriticalVerb, Counts] = msgspec.field(default_factory=_per_person)
    total: dict[CriticalVerb, Counts] = msgspec.field(default_factory=_total)
    bounds: dict[CriticalVerb, tuple[int, int]] = msgspec.field(default_factory=_bounds)
    feeder_permille: int = 10
    operator_w: int = 2_000_000
    ramp_w_per_minute: int = 1_000_000
    transformer_permille: int = 50
    keys_permille_per_day: int = 20
    firmware_waves: tuple[int, ...] = (10, 50, 250, 1000)
    wave_s: int = DAY_S
    failures_permille: int = 5
    lone_reconnects_per_day: int = 3
