"""What M-Bus records say, wired or wireless, in the project's one vocabulary.

A record that a rule maps has its OBIS code as name, any other what people call the value; the words are always there.
M-Bus meters tell the time of their own clock without a zone, so it stays a remark: the time of a storage is the date
record of the same storage. What is the same in every telegram of one layout is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.application import Application
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.fixed import FixedData
from openami.protocols.mbus.layout import LAYOUTS_MAX, compile_layout
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.obis import obis_of
from openami.protocols.mbus.plan import Plan
from openami.protocols.mbus.profile import may_be_profile, profile_values
from openami.protocols.mbus.records import Record, Records

_MOMENTS = ("date", "date and time")
_MEASURED, _MISSING = Quality.MEASURED, Quality.MISSING
_new = tuple.__new__
"""A named tuple's own constructor costs a call more."""


class Told(NamedTuple):
    """`values`, and for each the record that it was made of."""

    values: tuple[Measurement, ...]
    sources: tuple[Record, ...]


class _Saying(NamedTuple):
    """What a record says whatever its data are. `clocks` are the records that may tell its time, the best first."""

    name: ObisCode | str
    words: str
    remark: str
    clocks: tuple[int, ...]
    good: bool


def of_application(application: Application) -> tuple[Measurement, ...]:
    """The records of a wired frame, or its counters where it has the fixed structure; nothing where it holds none."""
    if application.fixed is not None:
        return tuple(_counters(application.fixed))
    if application.records is None:
        return ()
    device_type = 0 if application.address is None else application.address.device_type
    status = None if application.access_number is None else application.status
    return of_records(application.records, device_type, status, GuaranteeClass.UNAUTHENTICATED).values


def _counters(fixed: FixedData) -> Iterator[Measurement]:
    for counter in fixed.counters:
        name = f"{counter.quantity}, stored" if counter.stored else counter.quantity
        value = str(counter.value) if isinstance(counter.value, MeterTime) else counter.value
        quality = Quality.MISSING if value is None else Quality.MEASURED
        yield Measurement(name, value, None, quality, fixed.status, "", GuaranteeClass.UNAUTHENTICATED, name)


def of_records(records: Records, device_type: int, status: int | None, guarantee: GuaranteeClass) -> Told:
    """The records of one telegram from a device of this type, the values of compact profiles each for itself."""
    sources = records.records
    sayings = None if records.plan is None else _of_plan(records.plan, device_type)
    if sayings is None:
        named = tuple(_named(records))
        sources, sayings = tuple(record for _, record in named), _sayings(named, device_type)
    moments: dict[int, str] = {}
    found: list[Measurement] = []
    for (name, words, remark, clocks, good), record in zip(sayings, sources, strict=True):
        read = record.value
        value: Quantity | str | bytes | None
        told = remark
        if type(read) is Quantity:  # first, since most values are
            value = read
            if clocks:
                told = (not remark and moments.get(clocks[0])) or _timed(remark, clocks, sources, moments)
        elif isinstance(read, MeterTime):
            value = None if read.moment is None else str(read)
        else:
            value = read
        if value is None and record.raw and not told:
            told = f"not valid: {record.raw.hex()}"
        quality = _MEASURED if good and value is not None else _MISSING
        found.append(_new(Measurement, (name, value, None, quality, status, told, guarantee, words)))
    return Told(tuple(found), sources)


@lru_cache(LAYOUTS_MAX)
def code_of(header: bytes, device_type: int) -> ObisCode | None:
    """The OBIS code of records with this header from a device of this type."""
    return obis_of(Record(compile_layout(header), b"", None, 0, 0), device_type)


@lru_cache(LAYOUTS_MAX)
def _words(header: bytes) -> str:
    return compile_layout(header).name


@lru_cache(1 << 12)
def _of_plan(plan: Plan, device_type: int) -> tuple[_Saying, ...] | None:
    """What records read by this plan say; None where a profile's data decide."""
    records = tuple(Record(place.layout, b"", None, place.start, place.stop) for place in plan.places)
    if any(may_be_profile(record.layout) for record in records):
        return None
    return _sayings(tuple(_named(records)), device_type)


def _named(records: Iterable[Record]) -> Iterator[tuple[str, Record]]:
    """The records, those inside profiles too, each under a name of its own."""
    seen: dict[str, int] = {}
    for record in records:
        inside = profile_values(record) if record.layout.vifes else ()
        for words, one in inside or ((_words(record.layout.header), record),):
            count = seen[words] = seen.get(words, 0) + 1
            yield words if count == 1 else f"{words} ({count})", one


def _sayings(named: Sequence[tuple[str, Record]], device_type: int) -> tuple[_Saying, ...]:
    clocks = [(at, record.storage, record.tariff) for at, (_, record) in enumerate(named) if _may_be_clock(record)]
    return tuple(_saying(words, record, device_type, clocks) for words, record in named)


def _may_be_clock(record: Record) -> bool:
    return record.quantity in _MOMENTS and record.function is Function.INSTANTANEOUS


def _saying(words: str, record: Record, device_type: int, clocks: Sequence[tuple[int, int, int]]) -> _Saying:
    remark = record.error
    if not remark and record.unit is Unit.OTHER and record.layout.unit_text != Unit.OTHER.symbol:
        remark = f"in {record.layout.unit_text}"
    storage, tariff = record.storage, record.tariff
    own = [at for at, *which in clocks if which == [storage, tariff]]
    shared = [at for at, *which in clocks if which == [storage, 0] and tariff]
    name = code_of(record.layout.header, device_type) or words
    return _Saying(name, words, remark, (*own, *shared), record.function is not Function.ERROR_STATE)


def _timed(remark: str, clocks: tuple[int, ...], sources: Sequence[Record], moments: dict[int, str]) -> str:
    """The remark with what the meter's own clock says of the value, if one of its records is valid."""
    for at in clocks:
        text = moments.get(at)
        if text is None:
            told = sources[at].value
            shown = isinstance(told, MeterTime) and told.moment and str(told)
            text = moments[at] = f"local time {shown}" if shown else ""
        if text:
            return f"{remark}; {text}" if remark else text
    return remark
