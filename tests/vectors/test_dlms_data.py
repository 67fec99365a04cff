"""Published values, date-times and compact arrays, both ways."""

from __future__ import annotations

import pytest

from openami.protocols.dlms.data import DATA, decode_data, encode_data, skip_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.plain import plain
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import explain
from shared_vectors import vectors
from spans import check_tiling


def cases(category):
    return [pytest.param(bytes.fromhex(entry["hex"]), entry["expected"], id=entry["name"]) for entry in category]


@pytest.mark.parametrize(("raw", "expected"), cases(vectors("dlms", "axdr-data")))
def test_data(raw, expected):
    data = decode_data(raw)
    assert plain(data) == expected["data"]
    assert encode_data(data) == raw
    assert skip_data(Cursor(raw)) == raw
    explained, spans = explain(DATA, raw)
    assert explained == data
    check_tiling(spans, len(raw))


@pytest.mark.parametrize(("raw", "expected"), cases(vectors("dlms", "compact-array")))
def test_compact_array(raw, expected):
    data = decode_data(raw)
    assert plain(data) == {"type": "compact-array", "value": expected}
    assert encode_data(data) == raw
    assert skip_data(Cursor(raw)) == raw
    explained, spans = explain(DATA, raw)
    assert explained == data
    check_tiling(spans, len(raw))


@pytest.mark.parametrize(("raw", "expected"), cases(vectors("dlms", "date-time")))
def test_date_time(raw, expected):
    value = CosemDateTime.from_bytes(raw)
    assert plain(value) == {**expected, "hex": raw.hex()}
    assert bytes(value) == raw
