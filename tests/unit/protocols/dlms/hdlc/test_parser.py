from __future__ import annotations

import random

import pytest

from openami.protocols.dlms.framing import Garbage
from openami.protocols.dlms.hdlc import parser as parser_module
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind, decode_frame, encode_frame
from openami.protocols.dlms.hdlc.parser import GARBAGE_MAX, HdlcParser

FRAME = encode_frame(Frame(HdlcAddress(16), HdlcAddress(1, 17), FrameKind.I, information=b"\xe6\xe7\x00" + b"\x7e" * 9))
RR = encode_frame(Frame(HdlcAddress(16), HdlcAddress(1, 17), FrameKind.RR))


def kinds(events):
    return [event.reason if isinstance(event, Garbage) else event.kind.value for event in events]


def test_flags_inside_frames_and_shared_between_them():
    parser = HdlcParser()
    assert kinds(parser.feed(FRAME + FRAME[1:] + RR + b"\x7e\x7e" + RR)) == ["I", "I", "RR", "RR"]
    assert not parser.pending


def test_a_frame_is_given_with_its_last_checksum_byte():
    parser = HdlcParser()
    assert parser.feed(FRAME[:-2]) == []
    assert parser.pending
    assert parser.feed(FRAME[-2:-1]) == [decode_frame(FRAME)]
    assert not parser.pending


def test_garbage_between_frames_is_kept():
    parser = HdlcParser()
    events = parser.feed(b"noise" + FRAME + b"more\x7e noise" + RR)
    assert kinds(events) == ["no HDLC frame", "I", "no HDLC frame", "RR"]
    assert [event.data for event in events if isinstance(event, Garbage)] == [b"noise", b"more\x7e noise"]


@pytest.mark.parametrize("at", range(1, len(FRAME) - 1))
def test_a_frame_with_a_broken_byte_costs_itself_only(at):
    broken = FRAME[:at] + bytes((FRAME[at] ^ 0x10,)) + FRAME[at + 1 :]
    parser = HdlcParser()
    events = parser.feed(broken + RR + FRAME + RR) + parser.flush()
    assert kinds(events)[-3:] == ["RR", "I", "RR"]
    assert b"".join(event.data for event in events[:-3]).rstrip(b"\x7e") == broken.rstrip(b"\x7e")


@pytest.mark.parametrize("cut", range(1, len(FRAME)))
def test_a_frame_that_was_cut_costs_itself_only(cut):
    parser = HdlcParser()
    events = parser.feed(FRAME[:cut] + RR + RR) + parser.flush()
    assert kinds(events)[-2:] == ["RR", "RR"]


def test_the_reason_names_the_checksum():
    parser = HdlcParser()
    assert kinds(parser.feed(RR[:-3] + b"\x00\x00\x7e" + RR)) == ["the frame check sequence (FCS) is wrong", "RR"]
    hcs = FRAME[:8] + b"\x00\x00" + FRAME[10:]
    assert kinds(parser.feed(hcs + RR))[0] == "the header check sequence (HCS) is wrong"


@pytest.mark.parametrize("cut", range(1, 5))
def test_flags_that_fill_the_pause_between_frames_are_no_garbage(cut):
    parser = HdlcParser()
    stream = FRAME + b"\x7e\x7e\x7e"
    events = parser.feed(stream[:-cut])
    for octet in stream[-cut:]:
        events += parser.feed(bytes((octet,)))
    assert not parser.pending
    assert len(events + parser.flush()) == 1


def test_flush_reports_half_a_frame_and_finds_what_lies_inside():
    parser = HdlcParser()
    assert parser.feed(FRAME[:12] + RR[:-1]) == []
    events = parser.flush()
    assert kinds(events) == ["the frame ended too early", "RR"]
    assert events[0].data == FRAME[:12]
    assert parser.flush() == []


def test_endless_garbage_is_reported_in_bounded_pieces():
    parser = HdlcParser()
    events = [event for _ in range(100) for event in parser.feed(bytes(1000))]
    assert [len(event.data) for event in events] == [GARBAGE_MAX] * (100_000 // GARBAGE_MAX)
    assert len(parser.flush()[0].data) == 100_000 % GARBAGE_MAX


@pytest.mark.parametrize(
    "unit", [b"\x7e", b"\x7e\xa7\xff\x21", b"\x7e\xa7\xff", b"\x7e\xa0\x07", FRAME[:10], FRAME[:-2], b"\xff", RR[:-3]]
)
def test_work_is_linear_in_the_bytes(unit, monkeypatch):
    """The bytes that checksums and copies look at stay below a fixed multiple of the input, at any input size."""
    looked = 0

    def counted(data, start, end):
        nonlocal looked
        looked += end - start
        return original(data, start, end)

    original = parser_module.read_frame
    monkeypatch.setattr(parser_module, "read_frame", counted)
    costs = []
    for size in (20_000, 80_000):
        looked = 0
        parser = HdlcParser()
        stream = (unit * size)[:size]
        for at in range(0, size, 512):
            parser.feed(stream[at : at + 512])
            assert len(parser._buffer) <= 2048 + 512
            assert len(parser._noise) < GARBAGE_MAX
        parser.flush()
        costs.append(looked / size)
    assert costs[1] <= costs[0] * 1.2 + 1


def test_any_cut_of_any_stream_gives_the_same_events():
    choice = random.Random(3)
    pieces = (FRAME, RR, FRAME[:20], b"\x7e", b"\x7e\xa7\xff", b"\xa0", bytes(5000), FRAME[:9] + b"\x00" + FRAME[10:])
    for _ in range(300):
        stream = b"".join(choice.choices((*pieces, choice.randbytes(30)), k=12))
        whole = HdlcParser()
        expected = whole.feed(stream) + whole.flush()
        cut = HdlcParser()
        events, at = [], 0
        while at < len(stream):
            step = choice.choice((1, 2, 3, 17, 1000))
            events += cut.feed(stream[at : at + step])
            at += step
        assert events + cut.flush() == expected
        lost = sum(len(event.data) for event in expected if isinstance(event, Garbage))
        assert lost <= len(stream)


def test_a_header_that_is_known_vouches_for_nothing_else():
    first = encode_frame(Frame(HdlcAddress(16), HdlcAddress(1), FrameKind.I, information=b"the first"))
    second = encode_frame(Frame(HdlcAddress(16), HdlcAddress(1), FrameKind.I, information=b"other one"))
    altered = second[:-4] + bytes((second[-4] ^ 1,)) + second[-3:]
    parser = HdlcParser()
    items = parser.feed(first + second + altered + second) + parser.flush()
    assert [item.information for item in items if isinstance(item, Frame)] == [b"the first", b"other one", b"other one"]
    assert b"".join(item.data for item in items if isinstance(item, Garbage)).strip(b"\x7e") == altered.strip(b"\x7e")


def test_more_headers_than_are_remembered():
    parser = HdlcParser()
    for upper in range(5000):
        frame = Frame(HdlcAddress(upper, 1), HdlcAddress(16), FrameKind.UI, information=b"x")
        assert parser.feed(encode_frame(frame)) == [frame._replace(control=0x13)]
