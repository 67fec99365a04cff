"""Rule sets as settings in the store: imported from TOML, each change a version, the judge takes the one of the day.

```toml
[[rule_set]]
name = "consumption 2027"
class = "consumption"          # consumption, generation, other
start = 2027-01-01             # first day, UTC
end = 2028-01-01               # first day after; without it: until further notice
with_total = ["outage_zero", { method = "linear", hours_tenths = 10 }, "like_day", "flat"]   # in this order
without_total = ["outage_zero", "like_day", "average_daily_load"]
scaling = "estimates"          # what is made to sum to the registers: estimates, all, none
holidays = [2027-01-01]        # local dates that are like each other and like no weekday

[rule_set.rules]
missing_interval = { consequence = "refuse" }
spike = { consequence = "note", percent = 500 }
```

Days and classes that no stored set covers are judged by the default sets.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from openami.backoffice.mdm.estimation.complete import DEFAULT_CHAINS, Chains
from openami.backoffice.mdm.estimation.fallback import MethodUse, method_use
from openami.backoffice.mdm.estimation.reconcile import Scaling
from openami.backoffice.mdm.tables import judging_setting
from openami.backoffice.mdm.validation.rule_set import (
    DEFAULT_RULE_SETS,
    ChannelClass,
    Consequence,
    RuleSet,
    RuleSets,
    use,
)
from openami.io.store.bulk import insert_rows
from openami.io.store.columns import microseconds
from openami.model.errors import SettingError

EPOCH = date(1970, 1, 1)
Parameters = dict[str, int | str]


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[rule_set]]` as it is written."""

    name: str
    channel_class: ChannelClass = msgspec.field(name="class")
    start: date
    rules: dict[str, Parameters]
    end: date | None = None
    with_total: Sequence[str | Parameters] | None = None
    without_total: Sequence[str | Parameters] | None = None
    scaling: Scaling = Scaling.ESTIMATES
    holidays: frozenset[date] = frozenset()


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    rule_set: Sequence[Written]


def parse_rule_sets(text: str) -> list[Written]:
    """The rule sets of a TOML file. Raises `SettingError` for what is no rule, method, parameter or consequence."""
    try:
        written = msgspec.convert(tomllib.loads(text), File).rule_set
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingError(f"rule sets: {error}") from error
    RuleSets([_rule_set(each) for each in written])
    return list(written)


def store_rule_sets(connection: Connection, written: Sequence[Written], now: datetime) -> int:
    """Store those that differ from what is stored under their name. How many did.

    Raises `SettingError` if two sets of one class would then hold on one day.
    """
    there = _current(connection)
    changed = [each for each in written if each.name not in there or there[each.name][1] != each]
    together = {name: one for name, (_, one) in there.items()} | {each.name: each for each in written}
    RuleSets([_rule_set(each) for each in together.values()])
    rows = []
    for each in changed:
        version = there[each.name][0] + 1 if each.name in there else 1
        until = None if each.end is None else (each.end - EPOCH).days
        content = msgspec.json.encode(each).decode()
        rows.append(
            (each.name, version, str(each.channel_class), (each.start - EPOCH).days, until, content, microseconds(now))
        )
    insert_rows(connection, judging_setting, rows)
    return len(changed)


def stored_rule_sets(connection: Connection) -> RuleSets:
    """The rule sets that hold now, by class and day; the default ones where none is stored."""
    return RuleSets([_rule_set(each) for _, each in _current(connection).values()], DEFAULT_RULE_SETS)


def _current(connection: Connection) -> dict[str, tuple[int, Written]]:
    """By name the latest version and what it says."""
    table = judging_setting.c
    query = select(table.name, table.version, table.content).order_by(table.version)
    latest = {name: (version, content) for name, version, content in connection.execute(query)}
    return {name: (version, msgspec.json.decode(content, type=Written)) for name, (version, content) in latest.items()}


def _rule_set(written: Written) -> RuleSet:
    uses = []
    for name, given in written.rules.items():
        consequence = _consequence(name, given)
        uses.append(use(name, consequence, **_numbers(f"rule {name}", given, "consequence")))
    chains = Chains(
        DEFAULT_CHAINS.with_total if written.with_total is None else _methods(written.with_total),
        DEFAULT_CHAINS.without_total if written.without_total is None else _methods(written.without_total),
        written.scaling,
    )
    kind, days = written.channel_class, (written.start, written.end)
    return RuleSet(written.name, kind, *days, tuple(uses), chains, written.holidays)


def _consequence(name: str, given: Mapping[str, int | str]) -> Consequence:
    try:
        return Consequence(str(given.get("consequence", Consequence.NOTE)))
    except ValueError:
        raise SettingError(f"rule {name}: the consequence is refuse or note, not {given['consequence']!r}") from None


def _methods(written: Sequence[str | Parameters]) -> tuple[MethodUse, ...]:
    return tuple(_method(each) for each in written)


def _method(written: str | Parameters) -> MethodUse:
    if isinstance(written, str):
        return method_use(written)
    name = written.get("method")
    if not isinstance(name, str):
        raise SettingError('an estimation method with parameters is written as { method = "linear", … }')
    return method_use(name, **_numbers(f"method {name}", written, "method"))


def _numbers(what: str, given: Mapping[str, int | str], apart: str) -> dict[str, int]:
    found: dict[str, Any] = {name: value for name, value in given.items() if name != apart}
    if wrong := [name for name, value in found.items() if not isinstance(value, int)]:
        raise SettingError(f"{what}: parameter {wrong[0]} is a whole number, not {found[wrong[0]]!r}")
    return found
