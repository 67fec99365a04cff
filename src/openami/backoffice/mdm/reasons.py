"""Why a value is what it is: the rule or method, its parameters, its inputs, and what followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from openami.model.errors import StoreError


class Outcome(StrEnum):
    """What followed from a rule or a method."""

    NOTED = "noted"
    """The rule spoke; the value stays as measured."""
    REFUSED = "refused"
    """The rule condemned the value; an estimate stands in its place."""
    CONFIRMED = "confirmed"
    """The rule condemned the value, but the registers at both its ends say the same: it stays."""
    ESTIMATED = "estimated"
    """The method gave the value."""
    NOT_ESTIMATED = "not estimated"
    """No method was able, or the gap is too long: the value stays missing."""


@dataclass(frozen=True, slots=True)
class Reason:
    """For `count` intervals of a day from number `first`. All that is in it is plain numbers, texts and lists.

    `inputs` of a rule are the columns it needed; of a method the days it used and, where registers tell the total, the
    two registers: stamp, meter, register and evidence of each.
    """

    first: int
    count: int
    name: str
    outcome: Outcome
    parameters: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def covers(self, interval: int) -> bool:
        return self.first <= interval < self.first + self.count


def encode(reasons: Sequence[Reason]) -> bytes | None:
    """One blob, the same for the same reasons; None for none."""
    told = [
        (reason.first, reason.count, reason.name, str(reason.outcome), dict(reason.parameters), dict(reason.inputs))
        for reason in sorted(reasons, key=_order)
    ]
    return msgspec.msgpack.encode(told, order="deterministic") if told else None


def _order(reason: Reason) -> tuple[bool, int, int, str]:
    """Rules before methods, as they ran."""
    by_method = reason.outcome in {Outcome.ESTIMATED, Outcome.NOT_ESTIMATED}
    return by_method, reason.first, reason.count, reason.name


def decode(blob: bytes | None) -> list[Reason]:
    """The reasons of a blob. Raises `StoreError` if it is damaged."""
    if blob is None:
        return []
    try:
        told = msgspec.msgpack.decode(blob, type=list[tuple[int, int, str, str, dict[str, int], dict[str, Any]]])
        return [Reason(first, count, name, Outcome(outcome), *rest) for first, count, name, outcome, *rest in told]
    except (msgspec.DecodeError, ValueError) as error:
        raise StoreError(f"stored reasons cannot be read ({error}): the store is damaged") from error
