"""Deliveries as readings of meters: whose they are, whether they can be, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from openami.backoffice.mdm.placement import BLOCK_KINDS, Place, place_of
from openami.backoffice.registry.registry import Registry
from openami.model.interval import Stamps, utc
from openami.model.point import Channel, ChannelKind, MeteringPoint
from openami.model.quality import Quality
from openami.protocols.exchange.delivery import Delivery, Rejected, written

REMEMBERED_MAX = 100_000
VALUE_MAX = 1 << 53
Whose = tuple[MeteringPoint, list[tuple[int, Place]], list[Channel]]
"""A point, who measured it when (meter and place), and its channels."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Values of one meter at one channel: what can be stored of a delivery. `values` are in the channel's unit."""

    delivery: Delivery
    channel: Channel
    meter: int
    stamps: Stamps
    values: Stamps
    qualities: Sequence[Quality]
    lines: Sequence[int]

    def only(self, rows: Sequence[int]) -> Placed:
        """The chosen rows."""
        chosen, lines = [self.qualities[row] for row in rows], [self.lines[row] for row in rows]
        return Placed(self.delivery, self.channel, self.meter, self.stamps[rows], self.values[rows], chosen, lines)


class Placer:
    """Finds the place of deliveries, by `registry` as it is now; what was looked up is remembered, up to a bound.

    Values that end after `now` or before `oldest` are rejected.
    """

    def __init__(self, registry: Registry, now: datetime, oldest: datetime) -> None:
        self._registry = registry
        self._now, self._oldest = int(now.timestamp()), int(oldest.timestamp())
        self._known: dict[str, Whose | None] = {}
        self._serials: dict[str, int | None] = {}

    def place(self, delivery: Delivery) -> Iterator[Placed | Rejected]:
        """The delivery as one `Placed` per meter, and a `Rejected` for each reason why values are not among them."""
        named = self._meter(delivery.meter) if delivery.meter else None
        if delivery.meter and named is None:
            yield from _every(delivery, f"meter {delivery.meter[:60]!r} is not in the registry")
            return
        rows = [row for row, value in enumerate(delivery.values) if value is not None]
        for reason, bad in self._impossible(delivery, rows):
            yield from _counted(delivery, bad, reason)
            rows = _without(rows, bad)
        for code in [delivery.point] if delivery.point else self._points_of(named or 0):
            whose = self._whose(code)
            if whose is None:
                yield from _every(delivery, f"the metering point {code[:60]!r} is not in the registry")
                return
            channel = _channel(delivery, whose[0], whose[2])
            if isinstance(channel, str):
                yield from _every(delivery, channel)
                return
            for meter, place in whose[1]:
                mine = _inside(delivery, rows, place) if named in (None, meter) else []
                rows = _without(rows, mine)
                yield from _fitting(delivery, channel, meter, mine)
        if rows:
            who = f"meter {delivery.meter!r} did not hang" if delivery.meter else "no meter hung"
            yield from _counted(
                delivery, rows, f"{who} at {delivery.point!r} then" if delivery.point else f"{who} anywhere"
            )

    def _impossible(self, delivery: Delivery, rows: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
        """Reasons with the rows that they hold for; a row has at most one."""
        step = delivery.resolution_s or 1
        stamps, values = delivery.stamps, delivery.values
        seen: dict[int, Decimal | None] = {}
        left = list(rows)
        checks: tuple[tuple[str, Callable[[int], bool]], ...] = (
            ("they lie in the future", lambda row: stamps[row] > self._now),
            (f"they lie before {utc(self._oldest).date()}", lambda row: stamps[row] < self._oldest),
            (f"their ends are no multiples of {step} s", lambda row: stamps[row] % step != 0),
            ("they are negative", lambda row: (values[row] or 0) < 0),
            ("the record tells them twice", lambda row: seen.setdefault(stamps[row], values[row]) != values[row]),
        )
        for reason, holds in checks:
            bad = [row for row in left if holds(row)]
            if bad:
                yield reason, bad
                left = _without(left, bad)

    def _whose(self, code: str) -> Whose | None:
        if code not in self._known:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            point = self._registry.point_by_code(code)
            self._known[code] = None if point is None else self._looked_up(point)
        return self._known[code]

    def _looked_up(self, point: MeteringPoint) -> Whose:
        installations = self._registry.installations_of_point(point.id)
        return point, [(each.meter, place_of(each)) for each in installations], self._registry.channels(point.id)

    def _meter(self, serial: str) -> int | None:
        if serial not in self._serials:
            if len(self._serials) >= REMEMBERED_MAX:
                self._serials.clear()
            meter = self._registry.meter_by_serial(serial)
            self._serials[serial] = None if meter is None else meter.id
        return self._serials[serial]

    def _points_of(self, meter: int) -> list[str]:
        points = dict.fromkeys(each.metering_point for each in self._registry.installations(meter))
        return [self._registry.point(point).code for point in points]


def _every(delivery: Delivery, reason: str) -> Iterator[Rejected]:
    """The whole delivery, record by record."""
    return (Rejected(line, reason) for line in delivery.lines or (delivery.line,))


def _counted(delivery: Delivery, rows: Sequence[int], reason: str) -> Iterator[Rejected]:
    """Some values: each where it is a record of its own, else together."""
    for some in [[row] for row in rows] if delivery.lines else [rows]:
        of = f"{len(some)} of {1 if delivery.lines else len(delivery.stamps)} values"
        told = f"{of} (the first ends {_told(delivery.stamps[some[0]])}): {reason}"
        yield Rejected(delivery.line_of(some[0]), told)


def _without(rows: Sequence[int], others: Sequence[int]) -> list[int]:
    gone = set(others)
    return [row for row in rows if row not in gone]


def _inside(delivery: Delivery, rows: Sequence[int], place: Place) -> list[int]:
    """The values that a meter at `place` can have told: a register may be read at its very first moment."""
    first = place.start if delivery.registers else place.start + 1
    return [row for row in rows if first <= delivery.stamps[row] <= place.end]


def _fitting(delivery: Delivery, channel: Channel, meter: int, rows: Sequence[int]) -> Iterator[Placed | Rejected]:
    """The rows that the channel can count."""
    odd = [row for row in rows if _scaled(delivery.values[row], channel) is None]
    if odd:
        fine = (
            f"the channel counts in steps of 10^{channel.scaler} {channel.unit.symbol}, the value is finer or too large"
        )
        yield from _counted(delivery, odd, fine)
    good = _without(rows, odd)
    if good:
        yield _of_meter(delivery, channel, meter, good)


def _channel(delivery: Delivery, point: MeteringPoint, channels: Sequence[Channel]) -> Channel | str:
    """The channel that keeps the delivery, or why none does; for register values any channel of the quantity, which
    tells the unit.
    """
    same = [channel for channel in channels if channel.obis == delivery.obis]
    if not same:
        return f"the metering point {point.code!r} has no channel for {delivery.obis}"
    if delivery.resolution_s:
        kinds = BLOCK_KINDS if delivery.registers else (ChannelKind.INTERVAL_ENERGY,)
        fitting = [each for each in same if each.kind in kinds and each.resolution_s == delivery.resolution_s]
        if not fitting:
            have = ", ".join(sorted({f"{each.resolution_s} s" for each in same if each.kind in kinds})) or "none"
            told = f"intervals of {delivery.resolution_s} s; the channels of {delivery.obis} have {have}"
            return f"the metering point {point.code!r} does not count {told}"
        same = fitting
    if same[0].unit is not delivery.unit:
        told = f"{delivery.obis} counts {same[0].unit.symbol}, the record says {delivery.unit.symbol}"
        return f"wrong unit: channel {told}"
    return same[0]


def _scaled(value: Decimal | None, channel: Channel) -> int | None:
    """The value as an integer of the channel; None where it is too fine or too large. A missing value passes as 0."""
    if value is None:
        return 0
    scaled = value.scaleb(-channel.scaler)
    return int(scaled) if scaled == scaled.to_integral_value() and abs(scaled) < VALUE_MAX else None


def _of_meter(delivery: Delivery, channel: Channel, meter: int, rows: Sequence[int]) -> Placed:
    first = {delivery.stamps[row]: row for row in reversed(rows)}
    chosen = [row for row in rows if first[delivery.stamps[row]] == row]
    values = [_scaled(delivery.values[row], channel) or 0 for row in chosen]
    return Placed(
        delivery,
        channel,
        meter,
        np.array([delivery.stamps[row] for row in chosen], dtype=np.int64),
        np.array(values, dtype=np.int64),
        [delivery.qualities[row] for row in chosen],
        [delivery.line_of(row) for row in chosen],
    )


def _told(second: int) -> str:
    try:
        return written(second)
    except OverflowError:
        return f"{second} s after 1970"
