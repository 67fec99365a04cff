"""Load profiles as columns: the buffer of a ProfileGeneric in, UTC stamps and value columns out.

Three ways lead to the same columns. Rows of one layout are read in one pass, every tag byte compared. A few runs of
rows with different layouts (a meter that leaves out what its capture period tells) are read run by run. Everything
else goes through `decode_data`, which also is the judge of every byte that the fast ways do not accept: what it
refuses is refused here, with the same error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.axdr import take_length
from openami.protocols.dlms.data import DataType, decode_data, skip_data
from openami.protocols.dlms.profile_columns import ProfileColumns, Reading, columns_of
from openami.protocols.dlms.profile_layout import RowLayout, read_layout
from openami.protocols.dlms.profile_runs import Run, affordable, columns_of_runs, runs_of
from openami.protocols.dlms.profile_stamps import DEVIATION_MAX
from openami.protocols.wire.cursor import DEFAULT_LIMITS, Cursor, Limits

ARRAY_TAG: Final = int(DataType.ARRAY)


def decode_profile(
    raw: bytes,
    *,
    columns: Sequence[DataType] | None = None,
    clock: int = 0,
    default_deviation: int | None = None,
    capture_period_s: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> ProfileColumns:
    """The columns of `raw`, the A-XDR bytes of a profile's buffer: an array (or compact-array) of structures.

    `columns`, if given, are the types that the rows must have (null-data may always stand instead). `clock` is the
    index of the clock among the capture objects. Stamps without a deviation are read with `default_deviation`
    (minutes, UTC = local + deviation); stamps sent as null-data are the one before plus `capture_period_s`.
    Raises `DecodeError` if a byte is wrong, or a stamp cannot be placed in UTC.
    """
    return _decode(raw, _reading(columns, clock, default_deviation, capture_period_s), limits)


def decode_profiles(
    raws: Sequence[bytes],
    *,
    columns: Sequence[DataType] | None = None,
    clock: int = 0,
    default_deviation: int | None = None,
    capture_period_s: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[ProfileColumns | DecodeError]:
    """The buffers of many meters in one go; answers in the order of `raws`.

    Buffers of one layout are joined and decoded together. One that cannot be decoded does not spoil the others:
    its `DecodeError` stands in its place. `limits` hold for each buffer. The rest is as in `decode_profile`.
    """
    reading = _reading(columns, clock, default_deviation, capture_period_s)
    answers: list[ProfileColumns | DecodeError | None] = [None] * len(raws)
    for layout, stretches, joined in _alike(raws, limits):
        made = columns_of_runs([Run(layout, 0, layout.records(joined, 0, _rows(stretches)))], reading)
        if made is None:
            continue
        parts = made.parts([(len(each.numbers), each.rows) for each in stretches])
        for number, part in zip(chain.from_iterable(each.numbers for each in stretches), parts, strict=True):
            answers[number] = part
    return [
        _decode_or_error(raw, reading, limits) if answer is None else answer
        for answer, raw in zip(answers, raws, strict=True)
    ]


def _reading(
    columns: Sequence[DataType] | None, clock: int, default_deviation: int | None, capture_period_s: int | None
) -> Reading:
    if default_deviation is not None and abs(default_deviation) > DEVIATION_MAX:
        raise LocalProtocolError(f"default_deviation is {default_deviation} min, must be within ±{DEVIATION_MAX}")
    if clock < 0:
        raise LocalProtocolError(f"clock is {clock}, must be the index of a capture object")
    if capture_period_s is not None and capture_period_s <= 0:
        raise LocalProtocolError(f"capture_period_s is {capture_period_s}, must be more than 0")
    return Reading(None if columns is None else tuple(columns), clock, default_deviation, capture_period_s)


def _decode(raw: bytes, reading: Reading, limits: Limits) -> ProfileColumns:
    header = _header(raw, limits)
    runs = None if header is None else runs_of(raw, *header, limits)
    made = None if runs is None else columns_of_runs(runs, reading)
    return _judge(raw, reading, limits) if made is None else made


def _judge(raw: bytes, reading: Reading, limits: Limits) -> ProfileColumns:
    data = decode_data(raw, limits)
    try:
        return columns_of(data, reading)
    except DecodeError as error:
        error.offset = _offset_of(raw, error.path, limits) if data.type is DataType.ARRAY else 0
        raise


def _offset_of(raw: bytes, path: tuple[str, ...], limits: Limits) -> int:
    """Where the value `path` (row, column) begins in an array that decodes."""
    cursor = Cursor(raw, limits)
    for step in path:
        cursor.u8()
        take_length(cursor)
        for _ in range(int(step.strip("[]"))):
            skip_data(cursor)
    return cursor.position


def _decode_or_error(raw: bytes, reading: Reading, limits: Limits) -> ProfileColumns | DecodeError:
    try:
        return _decode(raw, reading, limits)
    except DecodeError as error:
        return error


class _Stretch(NamedTuple):
    """Buffers of one length that begin alike: their places, where the rows begin, and how many there are in each."""

    numbers: list[int]
    start: int
    rows: int


def _rows(stretches: Sequence[_Stretch]) -> int:
    return sum(len(each.numbers) * each.rows for each in stretches)


def _alike(raws: Sequence[bytes], limits: Limits) -> Iterator[tuple[RowLayout, list[_Stretch], bytes]]:
    """The buffers that are of one layout throughout, by layout, and all their rows; every tag byte compared."""
    for layout, stretches in _perhaps_alike(raws, limits).items():
        joined = _joined(raws, stretches)
        if layout.all_alike(joined, 0, _rows(stretches)):
            yield layout, stretches, joined
        elif alike := list(_really_alike(layout, raws, stretches)):
            yield layout, alike, _joined(raws, alike)


def _really_alike(layout: RowLayout, raws: Sequence[bytes], stretches: Sequence[_Stretch]) -> Iterator[_Stretch]:
    for numbers, start, rows in stretches:
        if alike := [number for number in numbers if layout.all_alike(raws[number], start, rows)]:
            yield _Stretch(alike, start, rows)


def _perhaps_alike(raws: Sequence[bytes], limits: Limits) -> dict[RowLayout, list[_Stretch]]:
    """Buffers whose length fits the layout of their first row, or of the first row of one before that began alike."""
    groups: dict[RowLayout, list[_Stretch]] = {}
    head, length = b"", -1
    numbers: list[int] = []
    for number, raw in enumerate(raws):
        if len(raw) == length and raw.startswith(head):
            numbers.append(number)
            continue
        length = -1
        start, rows = _header(raw, limits) or (0, 0)
        layout = read_layout(raw, start) if rows else None
        if layout and len(raw) - start == rows * layout.size and affordable(layout, rows, limits):
            numbers, head, length = [number], raw[:start], len(raw)
            groups.setdefault(layout, []).append(_Stretch(numbers, start, rows))
    return groups


def _joined(raws: Sequence[bytes], stretches: Sequence[_Stretch]) -> bytes:
    return b"".join([raws[number][each.start :] for each in stretches for number in each.numbers])


def _header(raw: bytes, limits: Limits) -> tuple[int, int] | None:
    """Where the rows begin and how many are claimed; `None` if this is nothing for the fast ways."""
    if len(raw) < 2 or raw[0] != ARRAY_TAG or len(raw) > limits.bytes or limits.depth < 2:
        return None
    size = raw[1] & 0x7F
    if raw[1] < 0x80:
        return (2, raw[1]) if raw[1] else None
    rows = int.from_bytes(raw[2 : 2 + size], "big")
    return (2 + size, rows) if size <= 4 and 0 < rows <= len(raw) else None
