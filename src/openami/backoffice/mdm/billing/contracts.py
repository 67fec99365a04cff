"""Runs in which each point is billed by the plan that its contract names as its tariff, from when to when it holds.

A contract that holds only for a part of the period gets lines of its own, marked with the local date on which that part
begins: `import@2026-02-15`. A time without a contract, and a tariff without a plan, are lines too: neither is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from openami.backoffice.mdm.billing.computing import Asked, computed, computed_again
from openami.backoffice.mdm.billing.determinants import Line
from openami.backoffice.mdm.billing.plan import Plan
from openami.backoffice.mdm.billing.results import Inputs
from openami.backoffice.mdm.series import seconds
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import Registry

Plans = Callable[[str, int | None], tuple[int, Plan] | None]
"""By name and version (None: the one that holds for the run) a plan and its version."""
Days = tuple[date, date]


class Part(msgspec.Struct, array_like=True, frozen=True):
    """From `begin` up to `end` (seconds UTC) a point was billed by a version of a plan. `mark` is put to the names of
    its lines: empty for the whole period.
    """

    mark: str
    plan: str
    version: int
    begin: int
    end: int


class Rest(msgspec.Struct, array_like=True, frozen=True):
    """What a point's lines rest on: its parts, each with the versions of its days; seconds without a contract; and
    tariffs without a plan.
    """

    parts: list[tuple[Part, Inputs]]
    without_s: int
    unknown: list[str]


def made(
    connection: Connection, registry: Registry, days: Days, points: Sequence[int], plans: Plans
) -> dict[int, tuple[list[Line], Rest]]:
    """The lines of each point by its contracts, and what they rest on."""
    zones, told = registry.zones(points), dict[int, list[Fact]]()
    for fact in registry.facts(FactKind.CONTRACT, points):
        told.setdefault(fact.metering_point, []).append(fact)
    found = {point: _outline(days, zones[point], told.get(point, []), plans) for point in points}
    groups: dict[Part, list[int]] = {}
    for point, rest in found.items():
        for part, _ in rest.parts:
            groups.setdefault(part, []).append(point)
    computed_parts: dict[tuple[int, Part], tuple[Sequence[Line], Inputs]] = {}
    for part, members in groups.items():
        of_part = computed(connection, registry, _asked(part, days, plans), members)
        computed_parts |= {(point, part): of_part[point] for point in members}
    lines: dict[int, tuple[list[Line], Rest]] = {}
    for point, rest in found.items():
        parts = [(part, computed_parts[point, part]) for part, _ in rest.parts]
        whole = Rest([(part, inputs) for part, (_, inputs) in parts], rest.without_s, rest.unknown)
        lines[point] = [*_lacking(rest), *(line for part, (some, _) in parts for line in _marked(some, part))], whole
    return lines


def made_again(connection: Connection, days: Days, point: int, rest: Rest, zone: str, plans: Plans) -> list[Line]:
    """The lines of a point from the very versions that `rest` names."""
    lines = _lacking(rest)
    for part, inputs in rest.parts:
        lines += _marked(computed_again(connection, _asked(part, days, plans), point, inputs, zone), part)
    return lines


def plans_of(rest: Rest, plans: Plans) -> Mapping[str, Plan]:
    """By the mark of its lines the plan of each part."""
    return {part.mark: _plan(part, plans) for part, _ in rest.parts}


def period_of(days: Days, zone: str) -> tuple[int, int]:
    """The local days from `days[0]` to before `days[1]` in seconds UTC."""
    begin, end = (int(datetime.combine(day, time(), ZoneInfo(zone)).timestamp()) for day in days)
    return begin, end


def _outline(days: Days, zone: str, facts: Sequence[Fact], plans: Plans) -> Rest:
    """Which contract counts when, nothing computed yet."""
    parts, unknown, (begin, end) = list[tuple[Part, Inputs]](), list[str](), period_of(days, zone)
    without_s = end - begin
    for fact in facts:
        first, last = seconds(fact.start), end if fact.end is None else seconds(fact.end)
        without_s -= max(min(last, end) - max(first, begin), 0)
        name = str(fact.content.get("tariff", ""))
        known = plans(name, None) if name else None
        if known is None:
            unknown += [name] if first < end and last > begin else []
            continue
        whole = Asked(known[1], *days).bounds(zone)
        cut = max(first, whole[0]), whole[1] if fact.end is None else min(last, whole[1])
        if cut[0] < cut[1]:
            mark = "" if cut == whole else str(datetime.fromtimestamp(cut[0], ZoneInfo(zone)).date())
            parts.append((Part(mark, name, known[0], *cut), []))
    return Rest(parts, without_s, list(dict.fromkeys(unknown)))


def _asked(part: Part, days: Days, plans: Plans) -> Asked:
    return Asked(_plan(part, plans), *days, (part.begin, part.end))


def _plan(part: Part, plans: Plans) -> Plan:
    found = plans(part.plan, part.version)
    assert found is not None, "a plan that was used is never deleted"
    return found[1]


def _marked(lines: Sequence[Line], part: Part) -> list[Line]:
    return [replace(line, name=f"{line.name}@{part.mark}") for line in lines] if part.mark else list(lines)


def _lacking(rest: Rest) -> list[Line]:
    """What nobody is billed for, as lines."""
    lines = [Line(f"tariff.{name or 'none'}", None, "", 0, 1, 0, 0) for name in rest.unknown]
    return [*([Line("without_contract", rest.without_s, "s", 0, 0, 0, 0)] if rest.without_s else []), *lines]
