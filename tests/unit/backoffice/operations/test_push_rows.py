"""Rows that meters push: those that a wrong clock has dated are none."""

from __future__ import annotations

import numpy as np
import pytest

from openami.backoffice.operations.cause import Cause, NotReadable
from openami.backoffice.operations.push_rows import _check_times, _Readable
from openami.backoffice.operations.session_result import ProfileColumnRead
from openami.model.obis import ObisCode

NOW = 1_800_000_000
DAYS_45 = 45 * 86_400


def readable(*stamps):
    none = np.zeros(len(stamps))
    column = ProfileColumnRead(ObisCode(1, 0, 1, 8, 0), 900, np.array(stamps, dtype=np.int64), none, none)
    return _Readable(None, 1, (column,))


@pytest.mark.parametrize("stamps", [(), (NOW,), (NOW - DAYS_45, NOW + 300)])
def test_rows_of_45_days_and_5_minutes_ahead_are_taken(stamps):
    _check_times(readable(*stamps), float(NOW))


@pytest.mark.parametrize("wrong", [NOW + 301, NOW - DAYS_45 - 1])
@pytest.mark.parametrize("others", [(), (NOW,), (NOW - 60, NOW)])
def test_one_row_of_another_time_is_enough_to_keep_all_of_them_for_a_person(wrong, others):
    with pytest.raises(NotReadable, match="the meter's clock is wrong") as refused:
        _check_times(readable(*others, wrong), float(NOW))
    assert refused.value.cause is Cause.WRONG_SETTING
