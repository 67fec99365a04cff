"""What M-Bus records say, wired or wireless, in the project's one vocabulary.

A record that a rule maps has its OBIS code as name, any other what people call the value. M-Bus meters tell the time of
their own clock without a zone, so it stays a remark: the time of a storage is the date record of the same storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.layout import compile_layout
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.obis import obis_of
from openami.protocols.mbus.records import Record

if TYPE_CHECKING:
    from openami.protocols.mbus.application import Application
    from openami.protocols.mbus.fixed import FixedData
    from openami.protocols.mbus.wireless.reader import Reading

_MOMENTS = ("date", "date and time")


def of_application(application: Application) -> tuple[Measurement, ...]:
    """The records of a wired frame, or its counters where it has the fixed structure; nothing where it holds none."""
    if application.fixed is not None:
        return tuple(_counters(application.fixed))
    if application.records is None:
        return ()
    device_type = 0 if application.address is None else application.address.device_type
    status = None if application.access_number is None else application.status
    named = [(record.name, record, GuaranteeClass.UNAUTHENTICATED) for record in application.records]
    return _measurements(named, device_type, status)


def _counters(fixed: FixedData) -> Iterator[Measurement]:
    for counter in fixed.counters:
        name = f"{counter.quantity}, stored" if counter.stored else counter.quantity
        value = str(counter.value) if isinstance(counter.value, MeterTime) else counter.value
        quality = Quality.MISSING if value is None else Quality.MEASURED
        yield Measurement(name, value, None, quality, fixed.status, "", GuaranteeClass.UNAUTHENTICATED)


def of_reading(reading: Reading) -> tuple[Measurement, ...]:
    """The values of a wireless telegram: records under codes or the driver's names, and the maker's own fields."""
    transport = reading.telegram.transport
    status = None if transport is None or transport.access_number is None else transport.status
    device_type = reading.telegram.meter.device_type
    records = [(value.name, value.record, value.guarantee) for value in reading.values if value.record is not None]
    found = _measurements(records, device_type, status)
    own = (value.measurement(status) for value in reading.values if value.record is None)
    return (*found, *own)


def _measurements(
    named: Sequence[tuple[str, Record, GuaranteeClass]], device_type: int, status: int | None
) -> tuple[Measurement, ...]:
    moments = _moments(record for _, record, _ in named)
    found: list[Measurement] = []
    for name, record, guarantee in named:
        value = str(record.value) if _is_moment(record.value) else record.value
        value = None if isinstance(value, MeterTime) else value
        good = value is not None and record.function is not Function.ERROR_STATE
        found.append(
            Measurement(
                code_of(record.layout.header, device_type) or name,
                value,
                None,
                Quality.MEASURED if good else Quality.MISSING,
                status,
                _remark(record, moments),
                guarantee,
            )
        )
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def code_of(header: bytes, device_type: int) -> ObisCode | None:
    """The OBIS code of records with this header from a device of this type."""
    return obis_of(Record(compile_layout(header), b"", None, 0, 0), device_type)


def _is_moment(value: object) -> bool:
    return isinstance(value, MeterTime) and value.moment is not None


def _moments(records: Iterable[Record]) -> dict[tuple[int, int], str]:
    """The meter's own time of each storage and tariff, as ISO text."""
    found: dict[tuple[int, int], str] = {}
    for record in records:
        if record.quantity in _MOMENTS and record.function is Function.INSTANTANEOUS and _is_moment(record.value):
            found.setdefault((record.storage, record.tariff), str(record.value))
    return found


def _remark(record: Record, moments: dict[tuple[int, int], str]) -> str:
    words = [record.error] if record.error else []
    if isinstance(record.value, Quantity):
        if record.unit is Unit.OTHER and record.layout.unit_text != Unit.OTHER.symbol:
            words.append(f"in {record.layout.unit_text}")
        moment = moments.get((record.storage, record.tariff)) or moments.get((record.storage, 0))
        if moment is not None:
            words.append(f"local time {moment}")
    return "; ".join(words)
