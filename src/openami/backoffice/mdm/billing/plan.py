"""A billing plan: which registers a tariff has and when each counts, tiers, the demand window, gross or net.

[[plan]]
name = "household"
register = "low"                  # counts when no window does
holidays = ["2026-01-01"]         # local dates
tiers_wh = [300_000, 700_000]     # upper bounds of all tiers but the last
demand_window_s = 900             # 0: no demand
metering = "gross"                # or "net": import minus export
day_begins = "00:00"              # local time at which a day, and so the period, begins: "06:00" for gas

[[plan.window]]
register = "high"
days = ["mon", "tue", "wed", "thu", "fri"]   # and "sat", "sun", "holiday"; a holiday is no weekday
from = "06:00"                    # local time, included
until = "22:00"                   # not included; "24:00" is the day's end
months = [1, 2, 3, 10, 11, 12]    # all by default
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from openami.model.errors import SettingError
from openami.model.interval import DAY_S, Stamps

EDITION = 2
CONTRACTS = "contracts"
"""In the place of a plan's name: each point is billed by the plan that its contract names as tariff."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
HOLIDAY = DAYS.index("holiday")
TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]


class Metering(StrEnum):
    """What tiers and registers are of."""

    GROSS = "gross"
    NET = "net"


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from"}):
    """From `begin` to `until` on some days of some months `register` counts."""

    register: Name
    begin: str
    until: str
    days: tuple[str, ...] = DAYS
    months: tuple[Annotated[int, Meta(ge=1, le=12)], ...] = tuple(range(1, 13))


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of a period. Of windows that overlap the first one counts.

    `edition` says by which edition of this program a plan was stored, so that what it once gave is given again: from 2
    on tiers tell their estimated part.
    """

    name: Name
    register: Name
    window: tuple[Window, ...] = ()
    holidays: frozenset[date] = frozenset()
    tiers_wh: tuple[Annotated[int, Meta(gt=0)], ...] = ()
    demand_window_s: Annotated[int, Meta(ge=0, le=DAY_S)] = 0
    metering: Metering = Metering.GROSS
    day_begins: str = "00:00"
    edition: int = 1

    @property
    def registers(self) -> list[str]:
        """Every register, the one without windows first."""
        return list(dict.fromkeys((self.register, *(window.register for window in self.window))))

    @property
    def begins(self) -> time:
        """When a day of this plan begins, by local time."""
        return time.fromisoformat(self.day_begins)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    plan: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A window in numbers: seconds of the local day, weekdays and months."""

    register: int
    begin: int
    until: int
    days: frozenset[int]
    months: frozenset[int]


def parse_plans(text: str) -> tuple[Plan, ...]:
    """The plans of a TOML text. Raises `SettingError`."""
    try:
        plans = msgspec.convert(tomllib.loads(text), _File).plan
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingError(f"this is no billing plan: {error}") from error
    plans = tuple(msgspec.structs.replace(plan, edition=EDITION) for plan in plans)
    for plan in plans:
        if plan.name == CONTRACTS:
            raise SettingError(f"a plan is not called {CONTRACTS}: that asks for the plan of each point's contract")
        _rules(plan)
        if plan.demand_window_s and DAY_S % plan.demand_window_s:
            raise SettingError(f"plan {plan.name}: a demand window of {plan.demand_window_s} s does not divide a day")
        if _seconds(plan, plan.day_begins) == DAY_S:
            raise SettingError(f"plan {plan.name}: a day begins between 00:00 and 23:59")
        if list(plan.tiers_wh) != sorted(set(plan.tiers_wh)):
            raise SettingError(f"plan {plan.name}: the bounds of its tiers must rise")
    return plans


def register_codes(plan: Plan, starts: Stamps, offsets_s: Stamps) -> np.typing.NDArray[np.int8]:
    """Which register (number in `plan.registers`) counts in each interval, by its beginning: UTC seconds `starts`, and
    how far local time is from UTC then.
    """
    local = starts + offsets_s
    days, seconds = local // DAY_S, local % DAY_S
    codes = np.zeros(len(starts), dtype=np.int8)
    taken = np.zeros(len(starts), dtype=np.bool_)
    dates = {day: date.fromordinal(day + date(1970, 1, 1).toordinal()) for day in np.unique(days).tolist()}
    for rule in _rules(plan):
        mine = np.array([day for day, on in dates.items() if _applies(rule, on, plan)], dtype=np.int64)
        counts = np.isin(days, mine) & (seconds >= rule.begin) & (seconds < rule.until) & ~taken
        codes[counts], taken = rule.register, taken | counts
    return codes


def _applies(rule: _Rule, on: date, plan: Plan) -> bool:
    kind = HOLIDAY if on in plan.holidays else on.weekday()
    return kind in rule.days and on.month in rule.months


def _rules(plan: Plan) -> list[_Rule]:
    numbers = {name: number for number, name in enumerate(plan.registers)}
    found = []
    for window in plan.window:
        unknown = [day for day in window.days if day not in DAYS]
        if unknown:
            raise SettingError(f"plan {plan.name}: {unknown[0]!r} is no day; days are {', '.join(DAYS)}")
        begin, until = _seconds(plan, window.begin), _seconds(plan, window.until)
        if begin >= until:
            raise SettingError(f"plan {plan.name}: a window from {window.begin} until {window.until} is empty; "
                               "write one over midnight as two")  # fmt: skip
        days = frozenset(DAYS.index(day) for day in window.days)
        found.append(_Rule(numbers[window.register], begin, until, days, frozenset(window.months)))
    return found


def _seconds(plan: Plan, given: str) -> int:
    matched = TIME.fullmatch(given)
    seconds = int(matched[1]) * 3_600 + int(matched[2]) * 60 if matched else DAY_S + 1
    if seconds > DAY_S:
        raise SettingError(f"plan {plan.name}: {given!r} is no time of day; write it as 06:00")
    return seconds
