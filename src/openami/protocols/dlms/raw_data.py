"""Data inside APDUs stays undecoded: whoever knows its layout decodes it, and most only pass it on."""

from __future__ import annotations

from typing import Final

from openami.protocols.dlms.data import DATA, skip_data
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec


def _take_data(cursor: Cursor) -> bytes:
    """The octets of one Data that something follows; explained when asked."""
    if cursor.spans is None:
        return skip_data(cursor)
    return _explained(cursor)


def _take_rest(cursor: Cursor) -> bytes:
    """All octets that are left, which hold one Data; explained when asked, else not even walked over."""
    if cursor.spans is None:
        return cursor.take_rest()
    octets = _explained(cursor)
    cursor.finish()
    return octets


def _explained(cursor: Cursor) -> bytes:
    start = cursor.position
    DATA.decode(cursor)
    return cursor.data[start : cursor.position]


def _put(octets: bytes, out: bytearray) -> None:
    out += octets


RAW_DATA: Final = Codec("data", _take_data, _put)
RAW_DATA_TO_END: Final = Codec("data", _take_rest, _put)
