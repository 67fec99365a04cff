"""Rule sets: which rules judge a class of channels from when to when, with which parameters and which consequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from openami.backoffice.mdm.estimation.complete import DEFAULT_CHAINS, Chains
from openami.backoffice.mdm.validation.catalogue import CATALOGUE, rule_named
from openami.backoffice.mdm.validation.rule import Parameters, Rule
from openami.model.errors import SettingError
from openami.model.obis import ObisCode


class Consequence(StrEnum):
    """What follows when a rule speaks: the value is refused and estimated, or it stays with the reason beside it."""

    REFUSE = "refuse"
    NOTE = "note"


class ChannelClass(StrEnum):
    """Channels that are judged alike."""

    CONSUMPTION = "consumption"
    GENERATION = "generation"
    OTHER = "other"


def class_of(obis: ObisCode) -> ChannelClass:
    """By the OBIS code: active energy import is consumption, export is generation."""
    if obis.a == 1 and obis.c in (1, 2):
        return ChannelClass.CONSUMPTION if obis.c == 1 else ChannelClass.GENERATION
    return ChannelClass.OTHER


@dataclass(frozen=True, slots=True)
class Use:
    """One rule in a rule set, all its parameters settled."""

    rule: Rule
    parameters: Parameters
    consequence: Consequence


def use(name: str, consequence: Consequence = Consequence.NOTE, **parameters: int) -> Use:
    """The rule `name` with these parameters, defaults for the rest. Raises `SettingError` for an unknown name."""
    rule = rule_named(name)
    return Use(rule, rule.settled(parameters), consequence)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Valid for days from `start` up to `end` (None: without end), both in UTC. `chains` are the methods that estimate
    what lacks a value, in the order in which they are tried. `holidays` are local dates that are like each other and
    like no weekday.
    """

    name: str
    channel_class: ChannelClass
    start: date
    end: date | None
    uses: tuple[Use, ...]
    chains: Chains = DEFAULT_CHAINS
    holidays: frozenset[date] = frozenset()

    def covers(self, channel_class: ChannelClass, day: date) -> bool:
        """Whether this rule set judges the class on that day."""
        return self.channel_class is channel_class and self.start <= day and (self.end is None or day < self.end)


class RuleSets:
    """Rule sets of which never two cover the same class and day; raises `SettingError` where two would.

    Where none does, those of `otherwise` hold.
    """

    def __init__(self, sets: Sequence[RuleSet], otherwise: RuleSets | None = None) -> None:
        self._otherwise = otherwise
        self._sets = sorted(sets, key=lambda each: (each.channel_class, each.start))
        for first, second in zip(self._sets, self._sets[1:], strict=False):
            if first.channel_class is second.channel_class and (first.end is None or first.end > second.start):
                raise SettingError(f"rule sets {first.name!r} and {second.name!r} both hold on {second.start}")

    def on(self, channel_class: ChannelClass, day: date) -> RuleSet:
        """The rule set of a class on a day; raises `SettingError` if there is none."""
        found = self.find(channel_class, day)
        if found is None:
            raise SettingError(f"no rule set holds for {channel_class} channels on {day}")
        return found

    def find(self, channel_class: ChannelClass, day: date) -> RuleSet | None:
        """The rule set of a class on a day, or None."""
        mine = next((each for each in self._sets if each.covers(channel_class, day)), None)
        return self._otherwise.find(channel_class, day) if mine is None and self._otherwise else mine

    def all(self) -> Sequence[RuleSet]:
        """These, by class and day, without those of `otherwise`."""
        return self._sets


BEGINNING = date(1970, 1, 1)
NO_RULES = RuleSet("no rules", ChannelClass.OTHER, BEGINNING, None, ())
REFUSED = (
    "missing_interval",
    "meter_flags",
    "register_dip",
    "demand_limits",
    "negative",
    "digits",
    "duplicate",
    "unit",
    "multiplier",
)


def full_set(channel_class: ChannelClass) -> RuleSet:
    """Every rule of the catalogue with its defaults; for generation, nights of zeros are no finding.

    Refused are values that cannot be (`REFUSED`); what is merely unusual stays, with its reason beside it.
    """
    quiet = ("zero_run", "zero_consumption", "twice_expected") if channel_class is ChannelClass.GENERATION else ()
    uses = tuple(
        use(name, Consequence.REFUSE if name in REFUSED else Consequence.NOTE)
        for name in CATALOGUE
        if name not in quiet
    )
    return RuleSet(f"{channel_class} 1", channel_class, BEGINNING, None, uses)


DEFAULT_RULE_SETS = RuleSets([full_set(channel_class) for channel_class in ChannelClass])
