"""Profiles in which null-data means "as in the row before": some meters leave out what has not changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from openami.model.errors import DecodeError
from openami.protocols.dlms.profile_columns import ProfileColumn, ProfileColumns


def fill_unchanged(profile: ProfileColumns, clock: int = 0) -> ProfileColumns:
    """The same profile with every value that was left out taken from the row before, and so the clock's status.

    `profile` is what `decode_profile` gives with the meter's capture period, which has filled the stamps already;
    `clock` is the clock's column. Raises `DecodeError` if the first row has no value in some column.
    """
    if not len(profile):
        return profile
    columns = [_filled(number, column) for number, column in enumerate(profile.columns) if number != clock]
    columns.insert(clock, ProfileColumn(profile.stamps))
    present, status = profile.columns[clock].present, profile.clock_status
    if present is not None:
        status = status[_sources(clock, present)]
    return ProfileColumns(profile.stamps, status, tuple(columns))


def _filled(number: int, column: ProfileColumn) -> ProfileColumn:
    if column.present is None:
        return column
    return ProfileColumn(column.values[_sources(number, column.present)])


def _sources(number: int, present: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """For each row the last one up to it that has a value."""
    if not present[0]:
        raise DecodeError(
            "null-data stands for the value of the row before, and there is none", 0, ("[0]", f"[{number}]")
        )
    return np.maximum.accumulate(np.where(present, np.arange(len(present)), 0))
