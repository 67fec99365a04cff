"""The cursor never reads beyond its end and accounts for what it makes."""

from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, LimitExceeded
from openami.protocols.wire.cursor import Cursor, Limits, Span


def test_reads_from_front_to_back():
    cursor = Cursor(bytes.fromhex("0102ff80000102"))
    assert cursor.peek() == 1
    assert (cursor.u8(), cursor.unsigned(1), cursor.signed(1), cursor.signed(2)) == (1, 2, -1, -32768)
    assert cursor.remaining == 2
    assert cursor.take_rest() == b"\x01\x02"
    cursor.finish()


@pytest.mark.parametrize("read", [Cursor.u8, Cursor.peek, lambda c: c.take(1), lambda c: c.take(-1)])
def test_nothing_is_read_beyond_the_end(read):
    with pytest.raises(DecodeError, match="at offset 0"):
        read(Cursor(b""))


def test_left_over_bytes_are_an_error():
    with pytest.raises(DecodeError, match="2 bytes left over at offset 0"):
        Cursor(b"ab").finish()


def test_messages_longer_than_the_limit_are_refused_before_they_are_read():
    with pytest.raises(LimitExceeded):
        Cursor(bytes(11), Limits(bytes=10))


def test_elements_and_depth_are_limited():
    cursor = Cursor(b"", Limits(elements=3, depth=1))
    cursor.count(3)
    with pytest.raises(LimitExceeded, match="4 elements, limit 3"):
        cursor.count(1)
    cursor.enter()
    with pytest.raises(LimitExceeded, match="nested deeper than 1"):
        cursor.enter()
    cursor.leave()
    cursor.leave()
    assert cursor.depth == 0


def test_inside_bounds_what_is_enclosed():
    cursor = Cursor(b"abcdef")
    assert cursor.inside(2, Cursor.take_rest) == b"ab"
    with pytest.raises(DecodeError, match="1 bytes left over at offset 3"):
        cursor.inside(2, Cursor.u8)
    assert cursor.end == 6
    with pytest.raises(DecodeError, match="9 bytes expected, 3 left"):
        cursor.inside(9, Cursor.u8)


def test_a_field_names_its_errors_with_and_without_explaining():
    for explain in (False, True):
        cursor = Cursor(b"", explain=explain)
        with pytest.raises(DecodeError, match=r"in outer\.inner") as caught:
            cursor.field("outer", lambda cursor: cursor.field("inner", Cursor.u8))
        assert caught.value.path == ("outer", "inner")
        assert cursor.path == []


def test_spans_are_kept_only_when_asked():
    cursor = Cursor(b"\x07", explain=True)
    cursor.field("outer", lambda cursor: cursor.field("inner", Cursor.u8))
    cursor.note("end", 1, None)
    assert cursor.spans == [
        Span(0, 1, ("outer", "inner"), 7),
        Span(0, 1, ("outer",), 7),
        Span(1, 1, ("end",), None),
    ]
    silent = Cursor(b"\x07")
    silent.note("start", 0, None)
    assert silent.spans is None
