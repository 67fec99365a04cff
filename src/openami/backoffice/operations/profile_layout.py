"""What the columns of a meter's profiles are, and how their rows become readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from openami.backoffice.operations.session_result import EventRead, ProfileColumnRead, RegisterRead
from openami.model.errors import DecodeError
from openami.model.interval import Qualities, Values
from openami.model.obis import ObisCode
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.profile_columns import ProfileColumn, ProfileColumns
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

_CLOCK_CLASS = 8
_REGISTERS = (3, 4)
_DATA_CLASS = 1
_COLUMNS_MAX = 64


@dataclass(frozen=True, slots=True)
class ProfileLayout:
    """A profile's capture objects, its capture period (0: not periodic), and the power of ten of each register."""

    columns: tuple[CaptureObjectDefinition, ...]
    capture_period_s: int
    scalers: Mapping[ObisCode, int]

    @property
    def clock(self) -> int:
        """The index of the clock's column."""
        for index, column in enumerate(self.columns):
            if (column.class_id, column.attribute_index) == (_CLOCK_CLASS, 2):
                return index
        raise DecodeError("the profile captures no clock: its rows cannot be placed in time", 0, ("capture_objects",))

    @property
    def registers(self) -> list[tuple[int, ObisCode]]:
        """Index and code of the columns that are values of registers."""
        return [
            (index, column.logical_name)
            for index, column in enumerate(self.columns)
            if column.class_id in _REGISTERS and column.attribute_index == 2
        ]

    @property
    def status(self) -> int | None:
        """The index of the profile status, if it is captured."""
        for index, column in enumerate(self.columns):
            name = column.logical_name
            if column.class_id == _DATA_CLASS and (name.a, name.c, name.d) in {(0, 96, 10), (1, 96, 5)}:
                return index
        return None

    @property
    def event_code(self) -> int | None:
        """The index of the event code: the column of class Data that is no profile status."""
        for index, column in enumerate(self.columns):
            if column.class_id == _DATA_CLASS and index != self.status:
                return index
        return None


def capture_objects(data: Data) -> tuple[CaptureObjectDefinition, ...]:
    """Read the attribute capture_objects; raise `DecodeError` if it is none."""
    if data.type is not DataType.ARRAY or len(data.value) > _COLUMNS_MAX:
        raise DecodeError(f"capture_objects is an array of up to {_COLUMNS_MAX}, not {data.type.text}", 0)
    return tuple(CaptureObjectDefinition.from_data(item) for item in data.value)


def decode_rows(raw: bytes, layout: ProfileLayout, deviation: int | None) -> ProfileColumns:
    """The rows of a buffer; raise `DecodeError` if they are not as `layout` says."""
    rows = decode_profile(
        raw, clock=layout.clock, default_deviation=deviation, capture_period_s=layout.capture_period_s or None
    )
    if len(rows) and len(rows.columns) != len(layout.columns):
        raise DecodeError(f"rows have {len(rows.columns)} values, capture_objects {len(layout.columns)}", 0)
    return rows


def profile_columns(
    rows: ProfileColumns, layout: ProfileLayout, channel_scalers: Mapping[ObisCode, int]
) -> tuple[ProfileColumnRead, ...]:
    """The registers of a load profile."""
    if not len(rows):
        return ()
    status = _status(rows, layout.status)
    made = []
    for index, obis in layout.registers:
        column = rows.columns[index]
        chosen = slice(None) if column.present is None else column.present
        values = _scaled(_integers(column, obis), _exponent(obis, layout.scalers, channel_scalers), obis)
        made.append(
            ProfileColumnRead(obis, layout.capture_period_s, rows.stamps[chosen], values[chosen], status[chosen])
        )
    return tuple(made)


def stamped_registers(
    rows: ProfileColumns, layout: ProfileLayout, channel_scalers: Mapping[ObisCode, int]
) -> tuple[RegisterRead, ...]:
    """The registers of a billing profile, each with its stamp."""
    columns = profile_columns(rows, layout, channel_scalers)
    return tuple(
        RegisterRead(column.obis, _utc(stamp), value)
        for column in columns
        for stamp, value in zip(column.stamps.tolist(), column.registers.tolist(), strict=True)
    )


def log_events(rows: ProfileColumns, layout: ProfileLayout) -> tuple[EventRead, ...]:
    """The entries of an event log."""
    if not len(rows):
        return ()
    if layout.event_code is None:
        raise DecodeError("the event log captures no event code", 0, ("capture_objects",))
    codes = _integers(rows.columns[layout.event_code], layout.columns[layout.event_code].logical_name)
    stamps: Sequence[int] = rows.stamps.tolist()
    return tuple(EventRead(_utc(stamp), code) for stamp, code in zip(stamps, codes.tolist(), strict=True))


def _integers(column: ProfileColumn, obis: ObisCode) -> Values:
    values = column.values
    if values.dtype.kind == "u" and len(values) and values.max() > np.iinfo(np.int64).max:
        raise DecodeError(f"{obis} is beyond 63 bits", 0, (str(obis),))
    if values.dtype.kind not in "iu":
        raise DecodeError(f"{obis} is not captured as integers", 0, (str(obis),))
    return values.astype(np.int64, copy=False)


def _status(rows: ProfileColumns, index: int | None) -> Qualities:
    if index is None:
        return np.zeros(len(rows), np.uint8)
    values = _integers(rows.columns[index], ObisCode(0, 0, 96, 10, 1))
    if (values < 0).any() or (values > 255).any():
        raise DecodeError("the profile status does not fit its byte", 0, ("status",))
    return values.astype(np.uint8)


def _exponent(obis: ObisCode, meter: Mapping[ObisCode, int], channel: Mapping[ObisCode, int]) -> int:
    return meter.get(obis, 0) - channel.get(obis, meter.get(obis, 0))


def _scaled(values: Values, exponent: int, obis: ObisCode) -> Values:
    """The values in the channel's scaler; exact or refused."""
    if exponent == 0 or not len(values):
        return values
    factor = np.int64(10 ** min(abs(exponent), 18))
    if exponent > 0:
        if int(np.abs(values).max()) > np.iinfo(np.int64).max // factor:
            raise DecodeError(f"{obis} × 10^{exponent} is beyond 63 bits", 0, (str(obis),))
        return np.multiply(values, factor)
    if (values % factor).any():
        raise DecodeError(f"{obis} counts finer than its channel, which would lose digits", 0, (str(obis),))
    return np.floor_divide(values, factor)


def _utc(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
