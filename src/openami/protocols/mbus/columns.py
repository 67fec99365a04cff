"""Many telegrams of one layout at once: numbers as NumPy columns, with every header byte of every telegram verified.

A meter repeats its layout, so what `decode_records` worked out for one telegram holds for the next. The general decoder
is the oracle: what it calls a number is a column here, with the same mantissas and the same invalid values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openami.model.errors import DecodeError
from openami.protocols.mbus.dif import DataField
from openami.protocols.mbus.records import Record, decode_records
from openami.protocols.mbus.value import BCD, INTEGERS
from openami.protocols.mbus.vif import Kind

Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NUMBERS = frozenset((Kind.NUMBER, Kind.UNSIGNED))
_WIDE = 8


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """One record of all telegrams, where `valid`: value = `mantissas` × 10^exponent × factor + offset of its layout."""

    record: Record
    mantissas: Integers
    valid: Flags


class TelegramLayout:
    """Where the records of telegrams lie that are built like `example` (record bytes, without header).

    Raises `DecodeError` for an example that cannot be read. Floats, moments, texts and octets are no columns.
    """

    def __init__(self, example: bytes) -> None:
        records = decode_records(example)
        self.size = len(example)
        self.records = records.records
        fixed = np.ones(self.size, np.bool_)
        end = self.size - len(records.manufacturer_data)
        fixed[end:] = False
        for record in self.records:
            fixed[record.end - len(record.raw) : record.end] = False
        self._fixed = np.flatnonzero(fixed)
        self._pattern = np.frombuffer(example, np.uint8)[self._fixed]
        self._columns = tuple(record for record in self.records if _is_number(record))

    def matches(self, payloads: Sequence[bytes]) -> Flags:
        """Which of `payloads`, all of the example's size, have its headers."""
        return self._matching(self._matrix(payloads))

    def decode(self, payloads: Sequence[bytes]) -> tuple[NumberColumn, ...]:
        """The numbers of all telegrams; raises `DecodeError` if one is built differently."""
        matrix = self._matrix(payloads)
        matching = self._matching(matrix)
        if not matching.all():
            number = int(np.flatnonzero(~matching)[0])
            raise DecodeError(f"telegram {number} has other record headers than the first", 0)
        return tuple(_column(record, matrix) for record in self._columns)

    def _matrix(self, payloads: Sequence[bytes]) -> Octets:
        joined = b"".join(payloads)
        if len(joined) != self.size * len(payloads) or any(len(payload) != self.size for payload in payloads):
            raise DecodeError(f"telegrams of other sizes than {self.size} bytes", 0)
        return np.frombuffer(joined, np.uint8).reshape(len(payloads), self.size)

    def _matching(self, matrix: Octets) -> Flags:
        same: Flags = (matrix[:, self._fixed] == self._pattern).all(axis=1)
        return same


def _is_number(record: Record) -> bool:
    layout = record.layout
    field = layout.data.data_field
    if field is DataField.INTEGER_64 and layout.kind is Kind.UNSIGNED:
        return False  # half of them would not fit
    return layout.kind in _NUMBERS and not layout.error and field in INTEGERS | BCD


def _column(record: Record, matrix: Octets) -> NumberColumn:
    raw = matrix[:, record.end - len(record.raw) : record.end]
    if record.layout.data.data_field in BCD:
        return NumberColumn(record, *_bcd(raw))
    return NumberColumn(record, *_integers(raw, signed=record.layout.kind is Kind.NUMBER))


def _integers(raw: Octets, *, signed: bool) -> tuple[Integers, Flags]:
    size = raw.shape[1]
    wide = np.zeros((len(raw), _WIDE), np.uint8)
    wide[:, _WIDE - size :] = raw
    shifted = wide.view("<i8")[:, 0]
    if signed:
        numbers: Integers = shifted >> 8 * (_WIDE - size)
        return numbers, np.not_equal(shifted, np.iinfo(np.int64).min)
    unsigned = (wide.view("<u8")[:, 0] >> np.uint64(8 * (_WIDE - size))).astype(np.int64)
    return unsigned, np.ones(len(raw), np.bool_)


def _bcd(raw: Octets) -> tuple[Integers, Flags]:
    digits = np.empty((len(raw), 2 * raw.shape[1]), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = raw & 0x0F, raw >> 4
    negative: Flags = digits[:, -1] == 0x0F
    digits[negative, -1] = 0
    valid: Flags = np.logical_and.reduce(digits <= 9, axis=1)
    numbers: Integers = digits.astype(np.int64) @ 10 ** np.arange(digits.shape[1], dtype=np.int64)
    return np.where(negative, -numbers, numbers), valid
