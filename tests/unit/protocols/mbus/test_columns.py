"""Columns say what the general decoder says, for every telegram."""

from __future__ import annotations

import random

import numpy as np
import pytest

from openami.model.errors import DecodeError
from openami.model.quantity import Quantity
from openami.protocols.mbus.columns import TelegramLayout
from openami.protocols.mbus.records import decode_records

HEADERS = [
    ("0113", 1), ("0213", 2), ("0313", 3), ("0413", 4), ("0613", 6), ("0713", 8), ("01fd17", 1), ("04fd17", 4),
    ("0913", 1), ("0a5b", 2), ("0b3b", 3), ("0c13", 4), ("0e13", 6), ("052b", 4), ("046d", 4), ("0c78", 4),
    ("02933b", 2), ("029315", 2), ("04fb23", 4),
]  # fmt: skip


def telegram(choice):
    """Data of any kind, valid digits and invalid ones, the least integers, and a manufacturer's block."""
    made = b"\x2f"
    for header, size in HEADERS:
        data = choice.choice((choice.randbytes(size), b"\x00" * (size - 1) + b"\x80", digits(choice, size)))
        made += bytes.fromhex(header) + data
    return made + b"\x0d\x13\x02" + choice.randbytes(2) + b"\x0f" + choice.randbytes(5)


def digits(choice, size):
    text = "".join(choice.choice("0123456789") for _ in range(2 * size))
    return bytes.fromhex(choice.choice((text, "f" + text[1:])))[::-1]


def test_columns_equal_the_general_decoder():
    choice = random.Random(1)
    payloads = [telegram(choice) for _ in range(500)]
    columns = TelegramLayout(payloads[0]).decode(payloads)
    assert len(columns) == 15
    general = [decode_records(payload) for payload in payloads]
    for column in columns:
        number = general[0].records.index(column.record)
        for row, records in enumerate(general):
            value = records.records[number].value
            assert bool(column.valid[row]) is (value is not None)
            if isinstance(value, Quantity):
                layout = column.record.layout
                ours = Quantity(int(column.mantissas[row]) * layout.factor, layout.exponent, layout.unit)
                assert ours == value


def test_another_layout_is_refused_with_its_number():
    layout = TelegramLayout(bytes.fromhex("0413 00000000 0f 01"))
    same, other = bytes.fromhex("0413 01000000 0f 02"), bytes.fromhex("0414 01000000 0f 02")
    assert layout.matches([same, other, same]).tolist() == [True, False, True]
    with pytest.raises(DecodeError, match="telegram 1 has other record headers"):
        layout.decode([same, other])
    with pytest.raises(DecodeError, match="other sizes than 8 bytes"):
        layout.decode([same, same + b"\x00"])
    with pytest.raises(DecodeError, match="other sizes"):
        layout.decode([same + b"\x00", same[:-1]])


def test_no_telegrams_are_empty_columns():
    (column,) = TelegramLayout(bytes.fromhex("0413 00000000")).decode([])
    assert column.mantissas.tolist() == []
    assert column.mantissas.dtype == np.int64
