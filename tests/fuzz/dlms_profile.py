"""Load profiles: whatever the bytes, the fast ways say what the general decoder says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fuzz_targets import fuzz_target
from openami.model.errors import DecodeError
from openami.protocols.dlms.data import decode_data, null, structure
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.profile_columns import ProfileColumns, Reading, columns_of
from profile_rows import PERIOD_S, buffer, row, usual

COMPRESSED = buffer([row(0), *(structure(null(), *row(number).value[1:]) for number in range(1, 5))])
READING = Reading(default_deviation=0, capture_period_s=PERIOD_S)


@fuzz_target("dlms-profile", seeds=[usual(1), usual(3), usual(20), COMPRESSED])
def profile(data: bytes) -> None:
    made = _verdict(lambda: decode_profile(data, default_deviation=0, capture_period_s=PERIOD_S))
    judge = _verdict(lambda: columns_of(decode_data(data), READING))
    assert type(made) is type(judge), f"{made!r} where the general decoder says {judge!r}"
    if isinstance(made, DecodeError):
        assert made.reason == judge.reason
        raise made
    np.testing.assert_array_equal(made.stamps, judge.stamps, strict=True)
    for mine, other in zip(made.columns, judge.columns, strict=True):
        np.testing.assert_array_equal(mine.values, other.values, strict=True)


def _verdict(decode: Callable[[], ProfileColumns]) -> ProfileColumns | DecodeError:
    try:
        return decode()
    except DecodeError as error:
        return error
