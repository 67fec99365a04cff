"""What a stored channel-day tells beyond its energies: one column, and nothing at all where everything is as usual.

Usual is a day that one source told whole: every interval measured, no status, each register the day's opening register
plus the energies until then, the last of them read from the same meter. Else the column is a MessagePack array of the
fields of `Details`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openami.model.errors import StoreError

USUAL: Final = b""


class Details(msgspec.Struct, array_like=True, frozen=True):
    """`quality` and `status` are packed codes per interval, None where all are 0. `registers` are the snapshots where
    opening register and energies do not tell them. `sources` is None where the whole day has one. `closing` is the
    last register and `closing_meter` the meter that it is from, 0 where it is missing or cannot be trusted.
    """

    quality: bytes | None
    registers: bytes | None
    status: bytes | None
    sources: bytes | None
    closing: int
    closing_meter: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Details)


def pack_details(details: Details) -> bytes:
    """As stored, where it is not usual."""
    return _ENCODER.encode(details)


def details_of(stored: bytes, base: int, energy_sum: int, meter: int) -> Details:
    """The details of a day, whether told or usual. Raises `StoreError` if they are damaged."""
    if not stored:
        return Details(None, None, None, None, base + energy_sum, meter)
    return told(stored)


def told(stored: bytes) -> Details:
    """Details that are not usual. Raises `StoreError` if they are damaged."""
    try:
        return _DECODER.decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"the details of a stored block cannot be read ({error}): the store is damaged") from error


def quality_of(stored: bytes) -> bytes | None:
    """The packed qualities of a day's intervals, None where all are measured."""
    return told(stored).quality if stored else None
