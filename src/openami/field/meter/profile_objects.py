"""The meter's profiles as COSEM objects: load profile, daily billing, event log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from openami.field.meter import codes
from openami.field.meter.row_encodings import encoded
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.profile_buffer import ProfileBuffer, SortMethod
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

DAY_S = 86_400


def profile_objects(meter: ElectricityMeter) -> Iterator[ProfileGeneric]:
    """Load profile (1-0:99.1.0), daily billing (1-0:98.2.0, at local midnight), event log (0-0:99.98.0, per event)."""
    rows = encoded(meter.load_profile, meter.config.profile_encoding, lambda: meter.capture_period_s)
    load = _profile(meter, codes.LOAD_PROFILE, rows, codes.LOAD_PROFILE_COLUMNS, 0)
    load.bind(
        ProfileGeneric.capture_period,
        lambda _now: meter.capture_period_s,
        lambda period_s, now: _set_period(meter, period_s, now),
    )
    load.handle(ProfileGeneric.capture, lambda _, now: meter.capture(_second(meter, now)))
    yield load
    billing = _profile(meter, codes.DAILY_BILLING, meter.daily_billing, codes.DAILY_BILLING_COLUMNS, DAY_S)
    billing.handle(ProfileGeneric.capture, lambda _, now: meter.capture_billing(_second(meter, now)))
    yield billing
    yield _profile(meter, codes.EVENT_LOG, meter.event_log, codes.EVENT_LOG_COLUMNS, 0)


def _profile(
    meter: ElectricityMeter,
    code: ObisCode,
    rows: ProfileBuffer,
    columns: tuple[CaptureObjectDefinition, ...],
    period_s: int,
) -> ProfileGeneric:
    return ProfileGeneric(
        code,
        rows,
        meter.clock.utc_seconds,
        capture_objects=columns,
        capture_period=period_s,
        sort_method=SortMethod.FIFO,
        sort_object=columns[0],
    )


def _set_period(meter: ElectricityMeter, period_s: int, now: float) -> None:
    try:
        meter.set_capture_period(period_s, now)
    except SettingError:
        raise Refused(DataAccessResult.OTHER_REASON) from None


def _second(meter: ElectricityMeter, now: float) -> int:
    return int(meter.clock.reading(now))
