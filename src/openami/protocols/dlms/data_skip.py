"""Walking over Data without building it: what passes values on does not pay for them."""

from __future__ import annotations

import struct
from typing import Final

from openami.protocols.dlms.axdr import take_count, take_length
from openami.protocols.dlms.data_decoder import take_description
from openami.protocols.dlms.data_value import CONTAINERS, DATES, FORMATS, OCTETS_AND_TEXTS, DataType
from openami.protocols.wire.cursor import Cursor

_SIZES: Final[dict[int, int]] = {
    DataType.NULL_DATA: 0,
    DataType.DONT_CARE: 0,
    **{kind: struct.calcsize(">" + text) for kind, text in FORMATS.items()},
    **{kind: size for kind, (size, _) in DATES.items()},
}


def skip_data(cursor: Cursor) -> bytes:
    """The octets of the next value, walked over without building it."""
    start = cursor.position
    pending = 1
    while pending:
        pending += _skip_one(cursor) - 1
    return cursor.data[start : cursor.position]


def _skip_one(cursor: Cursor) -> int:
    """Walk over one tag and its own octets; return how many elements follow."""
    tag = cursor.u8()
    size = _SIZES.get(tag)
    if size is not None:
        cursor.take(size)
    elif tag in CONTAINERS:
        return take_count(cursor, "count")
    elif tag in OCTETS_AND_TEXTS:
        cursor.take(take_length(cursor))
    elif tag == DataType.BIT_STRING:
        cursor.take((take_length(cursor) + 7) // 8)
    elif tag == DataType.COMPACT_ARRAY:
        take_description(cursor)
        cursor.take(take_length(cursor))
    else:
        raise cursor.error(f"{tag:#04x} is no tag of Data", back=1)
    return 0
