"""Byte streams of sticks: split anywhere, the same events; noise between messages is told and passed over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.protocols.mbus.wireless.sticks import amber, imst
from openami.protocols.mbus.wireless.sticks.amber import AmberParser
from openami.protocols.mbus.wireless.sticks.heard import Heard, Noise, StickMessage
from openami.protocols.mbus.wireless.sticks.imst import ImstParser
from openami.protocols.mbus.wireless.sticks.lines import LINE_MAX, LineParser, read_line

FRAME = bytes.fromhex("1244AE0C7856341201078C2027780B13436587")
IMST = imst.encode_heard(FRAME, 0x5A)
AMBER = amber.encode_heard(FRAME)
LINES = (
    b"b"
    + FRAME.hex().encode()
    + b"\r\nhello\nT1;1;1;2019-04-03 19:00:42.000;97;148;12345678;0x"
    + FRAME.hex().encode()
    + b"\n"
)
STREAMS = [
    pytest.param(ImstParser, b"\x00\x01" + IMST + b"\xa5\x01" + IMST + IMST, id="imst"),
    pytest.param(AmberParser, b"\x00\x01" + AMBER + b"\x13" + AMBER, id="amber"),
    pytest.param(LineParser, LINES, id="lines"),
]


def telegrams(events):
    return [event for event in events if isinstance(event, Heard)]


def test_imst():
    assert ImstParser().feed(IMST) == [Heard(FRAME, 0x5A)]
    assert ImstParser().feed(imst.encode_heard(FRAME)) == [Heard(FRAME)]
    assert ImstParser().feed(bytes.fromhex("a5010200")) == [StickMessage("endpoint 1, message 02", b"")]


def test_amber():
    assert AmberParser().feed(AMBER) == [Heard(FRAME)]
    assert AmberParser(rssi=True).feed(amber.encode_heard(FRAME, 0x30)) == [Heard(FRAME, 0x30)]
    assert AmberParser().feed(bytes.fromhex("ff8401007a")) == [StickMessage("command 84", b"\x00")]


@pytest.mark.parametrize("parser", [ImstParser, AmberParser])
def test_a_wrong_checksum_loses_one_message_only(parser):
    good = IMST if parser is ImstParser else AMBER
    bad = good[:-1] + bytes((good[-1] ^ 1,))
    events = parser().feed(bad + good)
    assert telegrams(events)[-1].frame == FRAME
    assert any(isinstance(event, Noise) and "wrong" in event.reason for event in events)


def test_lines():
    events = LineParser().feed(LINES)
    assert events == [Heard(FRAME), Noise(b"hello", "no frame in hexadecimal"), Heard(FRAME, 97, "T1")]
    assert read_line(b"bY" + FRAME.hex().encode()) == Heard(FRAME, None, "C1")
    assert isinstance(read_line(b"C1;0;1;x;1;2;3;0x12"), Noise)


def test_a_line_without_an_end_is_bounded():
    parser = LineParser()
    for _ in range(100):
        assert parser.feed(b"b" * 1000) == []
    (event,) = parser.feed(b"\n")
    assert isinstance(event, Noise)
    assert len(event.data) == LINE_MAX


@pytest.mark.parametrize(("parser", "stream"), STREAMS)
@settings(max_examples=100, derandomize=True)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_split_anywhere_gives_the_same_telegrams(parser, stream, cuts):
    whole = telegrams(parser().feed(stream))
    assert whole
    split, events, last = parser(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        events += split.feed(stream[last:cut])
        last = max(last, cut)
    assert telegrams(events) == whole


@pytest.mark.parametrize("parser", [ImstParser, AmberParser, LineParser])
@settings(max_examples=200, derandomize=True)
@given(data=st.binary(max_size=600))
def test_any_bytes(parser, data):
    parser().feed(data)
