"""What the interface answers: the shapes that its OpenAPI document describes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class ChannelAnswer(Struct, kw_only=True):
    """A quantity of a point. Values are integers × 10^`scaler` in `unit`."""

    number: int
    obis: str
    kind: str
    unit: str
    scaler: int
    resolution_s: int


class PointAnswer(Struct, kw_only=True):
    """A metering point; `zone` is the time zone of its calendar."""

    code: str
    zone: str
    channels: list[ChannelAnswer]


class PointsAnswer(Struct, kw_only=True):
    """Some points, by id. `next`, where there are more, is what to ask as `after`."""

    items: list[PointAnswer]
    next: int | None


class IntervalAnswer(Struct, kw_only=True):
    """The interval that ends at `end`. `value` is null where it is missing."""

    end: datetime
    value: int | None
    quality: str


class IntervalsAnswer(Struct, kw_only=True):
    """Intervals of one channel, in order of time. `next`, where there are more, is what to ask as `from`."""

    point: str
    channel: ChannelAnswer
    items: list[IntervalAnswer]
    next: datetime | None


class SumAnswer(Struct, kw_only=True):
    """Energy of a period of the point's own calendar, with what is missing or estimated of its intervals."""

    start: datetime
    end: datetime
    energy_wh: int
    intervals: int
    missing: int
    estimated: int


class SumsAnswer(Struct, kw_only=True):
    """Sums of one quantity, in order of time."""

    point: str
    obis: str
    items: list[SumAnswer]


class RegisterAnswer(Struct, kw_only=True):
    """A register as it stood at `at`, an integer in its channel's unit and scaler."""

    at: datetime
    meter: str
    value: int


class RegistersAnswer(Struct, kw_only=True):
    """Daily, monthly and exchange reads of one quantity."""

    point: str
    obis: str
    items: list[RegisterAnswer]


class ErrorAnswer(Struct, kw_only=True):
    """What is wrong with the request."""

    status_code: int
    detail: str
