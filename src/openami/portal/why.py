"""Why a value is what it is, for the reading's page: which rule or method, with which parameters, from which inputs.

A reader of limited sight is told rules, methods and parameters of their own intervals; inputs of times that are not
theirs are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from openami.backoffice.mdm.edits import EditStep
from openami.backoffice.mdm.estimation.fallback import METHODS
from openami.backoffice.mdm.judge import Explanation
from openami.backoffice.mdm.reasons import Outcome, Reason
from openami.backoffice.mdm.validation.catalogue import CATALOGUE
from openami.model.interval import utc
from openami.model.point import Channel
from openami.model.quantity import Quantity
from openami.portal.ownership import Sight
from openami.portal.rooms import Rooms

HISTORY = timedelta(days=60)
"""As far as rules look back: numbers that they were given may tell of days so long ago."""
OUTCOMES = {
    Outcome.NOTED: ("noted, the value stays", "warn"),
    Outcome.REFUSED: ("the measured value was refused", "bad"),
    Outcome.CONFIRMED: ("conspicuous, but the registers say the same: it stays", "good"),
    Outcome.ESTIMATED: ("gave the value", "warn"),
    Outcome.NOT_ESTIMATED: ("no method was able to give a value", "bad"),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """A register that an estimate had to agree with."""

    stamp: datetime
    meter: str
    register: Quantity
    evidence: int


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that spoke, or the method that gave the value. `hidden` tells that some inputs are not the reader's."""

    name: str
    outcome: str
    tone: str
    definition: str
    parameters: tuple[tuple[str, int], ...]
    days: tuple[date, ...]
    edges: tuple[Edge, ...]
    total: Quantity | None
    inputs: tuple[tuple[str, str], ...]
    hidden: bool


@dataclass(frozen=True, slots=True)
class Why:
    """The value as measured and as it holds, and every step between. `edits` are numbered, each with its steps."""

    told: Explanation
    measured: Quantity | None
    value: Quantity | None
    steps: tuple[Step, ...]
    edits: tuple[tuple[int, tuple[EditStep, ...]], ...]


def why(rooms: Rooms, sight: Sight, channel: Channel, start: datetime) -> Why:
    """The interval of `channel` that begins at `start`, which the reader may see."""
    told = rooms.judge.explain(sight.point.id, channel.number, start)

    def quantity(value: int | None) -> Quantity | None:
        return None if value is None else Quantity(value, channel.scaler, channel.unit)

    steps = tuple(_step(rooms, sight, channel, told, reason) for reason in told.reasons)
    edits = tuple((edit.number, edit.steps) for edit in told.edits)
    return Why(told, quantity(told.measured), quantity(told.value), steps, edits)


def _step(rooms: Rooms, sight: Sight, channel: Channel, told: Explanation, reason: Reason) -> Step:
    rule, method = CATALOGUE.get(reason.name), METHODS.get(reason.name)
    outcome, tone = OUTCOMES[reason.outcome]
    if told.measured is None and reason.outcome is Outcome.REFUSED:
        outcome = "no value came"
    days = [_local_day(sight, told.start + timedelta(days=shift)) for shift in reason.inputs.get("days", ())]
    edges = list(_edges(rooms, channel, reason.inputs))
    total = reason.inputs.get("total")
    seen_days = [day for day in days if _sees_day(sight, day)]
    seen_edges = [edge for edge in edges if sight.shows_register(edge.stamp)]
    other = {name: value for name, value in reason.inputs.items() if name not in {"days", "registers", "total"}}
    sees = sight.within(told.start - HISTORY, told.end) == [(told.start - HISTORY, told.end)]
    whole = len(seen_days) == len(days) and len(seen_edges) == len(edges) and (sees or not other)
    return Step(
        name=reason.name.replace("_", " "),
        outcome=outcome,
        tone=tone,
        definition=(rule.definition if rule else "") or (method.definition if method else ""),
        parameters=tuple(reason.parameters.items()),
        days=tuple(seen_days),
        edges=tuple(seen_edges),
        total=Quantity(total, channel.scaler, channel.unit) if total is not None and seen_edges == edges else None,
        inputs=tuple((name.replace("_", " "), str(value)) for name, value in other.items()) if sees else (),
        hidden=not whole,
    )


def _edges(rooms: Rooms, channel: Channel, inputs: Mapping[str, Any]) -> Iterator[Edge]:
    for stamp, meter, register, evidence in inputs.get("registers", ()):
        serial = rooms.registry.meter(meter).serial
        yield Edge(utc(stamp), serial, Quantity(register, channel.scaler, channel.unit), evidence)


def _local_day(sight: Sight, at: datetime) -> date:
    return at.astimezone(sight.zone).date()


def _sees_day(sight: Sight, day: date) -> bool:
    begin = datetime(day.year, day.month, day.day, tzinfo=sight.zone)
    end = begin + timedelta(days=1)
    return sight.within(begin, end) == [(begin, end)]
