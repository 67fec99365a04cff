"""Which channels measure the same as another one: a main channel and its check channels, most trusted first.

A check meter hangs at a metering point of its own. Which channels check which is a fact of the main channel's point
with both times; what they measured estimates the main channel's gaps, and tells where both differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from sqlalchemy import Connection, select

from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.placement import homes
from openami.backoffice.mdm.series import Span, read_spans, seconds
from openami.backoffice.mdm.status import POWER_DOWN
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.tables import registry_fact
from openami.model.interval import DAY_S, Values
from openami.model.obis import ObisCode
from openami.model.point import Channel
from openami.model.quality import Quality

NAMED = re.compile(r"([^=\s]+)=(\S+)")
Key = tuple[int, str]
"""Metering point and OBIS code."""


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What check channels measured, in a main channel's intervals, unit and scaler; 0 where not `known`. `names` are
    those that gave a value.
    """

    energy: Values
    known: Mask
    names: tuple[str, ...]


def channels_named(text: str) -> list[tuple[str, str]]:
    """Point and OBIS code of each channel in `P-7=1-0:1.8.0*255 P-8=…`. Raises `ValueError` if it is no such text."""
    found = NAMED.findall(text)
    if not found or NAMED.sub("", text).strip():
        raise ValueError("is not a list of POINT=OBIS")
    return [(code, str(ObisCode.parse(obis))) for code, obis in found]


def named_channels(channels: Sequence[tuple[str, str]]) -> str:
    """The text of `channels_named`."""
    return " ".join(f"{code}={obis}" for code, obis in channels)


def checked(registry: Registry, points: Sequence[int]) -> dict[Key, list[Fact]]:
    """Per main channel at `points` the facts that name its check channels."""
    found: dict[Key, list[Fact]] = {}
    for fact in registry.facts(FactKind.CHECK, points):
        for obis in fact.content:
            found.setdefault((fact.metering_point, obis), []).append(fact)
    return found


def mains(connection: Connection, registry: Registry) -> dict[int, list[tuple[int, int]]]:
    """Per point of a check channel the main channels (point and number) that it checks at any time."""
    table, found = registry_fact.c, dict[int, list[tuple[int, int]]]()
    # Both columns stand in one index, which is all that is read of a registry of millions.
    points = select(table.metering_point).where(table.kind == FactKind.CHECK.value).distinct()
    told = list(connection.execute(points.order_by(table.metering_point)).scalars())
    for fact in registry.facts(FactKind.CHECK, told) if told else ():
        channels = homes(registry.channels(fact.metering_point)).values()
        for obis, text in fact.content.items():
            main = [(each.metering_point, each.number) for each in channels if str(each.obis) == obis]
            for code, _ in channels_named(text):
                point = registry.point_by_code(code)
                if point is not None:
                    found.setdefault(point.id, []).extend(main)
    return found


def check_of(
    connection: Connection, registry: Registry, channel: Channel, facts: Sequence[Fact], days: tuple[int, int]
) -> Check:
    """What the check channels of `channel` measured in the UTC days from `days[0]` to `days[1]`, both included: each
    interval by the first of them that measured all of it, with its supply on.
    """
    count = (days[1] + 1 - days[0]) * DAY_S // channel.resolution_s
    ends = days[0] * DAY_S + channel.resolution_s * np.arange(1, count + 1, dtype=np.int64)
    energy, known, names = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_), list[str]()
    for fact in facts:
        until = (days[1] + 1) * DAY_S if fact.end is None else seconds(fact.end)
        inside = (ends - channel.resolution_s >= seconds(fact.start)) & (ends <= until)
        for name in channels_named(fact.content[str(channel.obis)]):
            for other in _blocks_of(registry, *name, channel):
                values, there = _converted(read_spans(connection, [other], days, days[1])[0][0], other, channel)
                chosen = there & inside & ~known
                energy[chosen], known[chosen] = values[chosen], True
                names += [named_channels([name])] if chosen.any() else []
    return Check(energy, known, tuple(dict.fromkeys(names)))


def _blocks_of(registry: Registry, code: str, obis: str, main: Channel) -> Iterator[Channel]:
    """The channels of a quantity whose intervals fill those of `main`, the longest first."""
    point = registry.point_by_code(code)
    channels = [] if point is None else homes(registry.channels(point.id)).values()
    fit = [each for each in channels if str(each.obis) == obis and each.unit is main.unit]
    whole = [each for each in fit if main.resolution_s % each.resolution_s == 0]
    yield from sorted(whole, key=lambda each: -each.resolution_s)


def _converted(span: Span, other: Channel, main: Channel) -> tuple[Values, Mask]:
    """The energies of `other` in intervals and scaler of `main`, and where each was measured whole."""
    parts = main.resolution_s // other.resolution_s
    good = (span.quality <= Quality.CALCULATED) & ~(span.present & ((span.status & np.uint8(POWER_DOWN)) != 0))
    total = np.where(good, span.energy, 0).reshape(-1, parts).sum(axis=1)
    factor = Fraction(10) ** (other.scaler - main.scaler)
    half = factor.denominator // 2
    return (total * factor.numerator + half) // factor.denominator, np.asarray(good.reshape(-1, parts).all(axis=1))
