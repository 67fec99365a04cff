from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from openami.protocols.dlms.framing import Garbage, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress, decode_address
from openami.protocols.dlms.hdlc.assembly import LLC_COMMAND, Assembly, segments
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind, decode_frame, encode_frame
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hdlc.parser import HdlcParser

SHORT, LONG = st.integers(0, 0x7F), st.integers(0, 0x3FFF)
ADDRESSES = st.one_of(
    st.builds(HdlcAddress, SHORT),
    st.builds(HdlcAddress, SHORT, SHORT, st.just(2)),
    st.builds(HdlcAddress, LONG, LONG, st.just(4)),
)
NUMBERED = st.builds(
    Frame,
    ADDRESSES,
    ADDRESSES,
    st.just(FrameKind.I),
    st.booleans(),
    st.booleans(),
    st.integers(0, 7),
    st.integers(0, 7),
    st.binary(max_size=60),
    st.just(0),
)
UNNUMBERED = st.builds(
    Frame,
    ADDRESSES,
    ADDRESSES,
    st.sampled_from([FrameKind.SNRM, FrameKind.UA, FrameKind.DISC, FrameKind.DM, FrameKind.UI, FrameKind.FRMR]),
    st.booleans(),
    st.booleans(),
    st.just(0),
    st.just(0),
    st.binary(max_size=60),
    st.just(0),
)
FRAMES = st.one_of(NUMBERED, UNNUMBERED)
NOISE = st.binary(max_size=20)
SETTINGS = settings(max_examples=300, derandomize=True, deadline=None)


@SETTINGS
@given(ADDRESSES)
def test_addresses_round_trip(address):
    assert decode_address(bytes(address)) == address


@SETTINGS
@given(FRAMES)
def test_frames_round_trip(frame):
    raw = encode_frame(frame)
    assert decode_frame(raw)._replace(control=0) == frame
    assert decode_frame(raw[1:-1]) == decode_frame(raw)


@SETTINGS
@given(st.lists(st.one_of(FRAMES.map(encode_frame), NOISE), max_size=8), st.data())
def test_split_anywhere_gives_the_same_events(pieces, data):
    stream = b"".join(pieces)
    whole, cut = HdlcParser(), HdlcParser()
    expected = whole.feed(stream) + whole.flush()
    events, at = [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 40))
        events += cut.feed(stream[at : at + step])
        at += step
    assert events + cut.flush() == expected


@SETTINGS
@given(st.lists(FRAMES, max_size=8))
def test_clean_frames_all_arrive_without_garbage(frames):
    parser = HdlcParser()
    events = parser.feed(b"".join(map(encode_frame, frames)))
    assert [event._replace(control=0) for event in events] == frames
    assert parser.flush() == []


@SETTINGS
@given(st.binary(max_size=300), st.integers(32, 2030))
def test_segments_go_together_again(apdu, size):
    assembly = Assembly()
    *begun, last = segments(apdu, LLC_COMMAND, size)
    assert all(assembly.add(information, segmented=more) is None and more for information, more in begun)
    assert assembly.add(last[0], segmented=last[1]) == apdu
    assert not assembly.open


@SETTINGS
@given(st.sampled_from(Role), st.lists(st.one_of(FRAMES.map(encode_frame), NOISE), max_size=8))
def test_no_bytes_ever_raise_and_every_wait_ends(role, pieces):
    framing = HdlcFraming(role, 16, HdlcAddress(1, 17))
    framing.connect(0.0)
    now = 0.0
    for piece in pieces:
        framing.receive(piece, now)
        framing.data_to_send(now)
    for _ in range(600):
        if (due := framing.next_timeout()) is None:
            break
        assert due >= now
        now = due
        framing.handle_timeout(now)
        framing.data_to_send(now)
    assert framing.next_timeout() is None
    kept = 0
    while (event := framing.next_event()) is not None:
        kept += len(event.data) if isinstance(event, Garbage) else 0
    assert kept <= sum(map(len, pieces))
