from __future__ import annotations

import pytest

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Garbage
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.broadcast import SEGMENT_SILENCE_S, SENDERS_MAX, unconfirmed_frames
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind, encode_frame
from openami.protocols.dlms.hdlc.listener import HdlcListener

LLC = b"\xe6\xe7\x00"


def pieces(apdu, sender=17):
    frames = unconfirmed_frames(apdu, LLC, 128, HdlcAddress(103), HdlcAddress(1, sender))
    return [encode_frame(frame) for frame in frames]


def events(listener):
    taken = []
    while (event := listener.next_event()) is not None:
        taken.append(event)
    return taken


def test_whole_and_segmented_pushes():
    listener = HdlcListener()
    listener.connect(0.0)
    for apdu in (b"\x0f" + bytes(10), b"\x0f" + bytes(400)):
        listener.receive(b"".join(pieces(apdu)), 0.0)
    connected, *pushes = events(listener)
    assert connected == Connected(0)
    assert pushes == [
        ApduReceived(b"\x0f" + bytes(10), 1, 103, unconfirmed=True),
        ApduReceived(b"\x0f" + bytes(400), 1, 103, unconfirmed=True),
    ]


def test_an_information_frame_that_nobody_connected_for_is_a_push():
    listener = HdlcListener()
    listener.receive(
        encode_frame(Frame(HdlcAddress(0), HdlcAddress(1, 0), FrameKind.I, information=LLC + b"\x0f")), 0.0
    )
    assert events(listener) == [ApduReceived(b"\x0f", 1, 0, unconfirmed=True)]


def test_segments_of_two_meters_do_not_mix():
    listener = HdlcListener()
    left, right = pieces(b"\x0f" + b"a" * 300, 17), pieces(b"\x0f" + b"b" * 300, 18)
    for one, other in zip(left, right, strict=True):
        listener.receive(one + other, 0.0)
    assert [event.apdu[1:] for event in events(listener)] == [b"a" * 300, b"b" * 300]


def test_noise_inside_a_segmented_push_loses_it_whole():
    listener = HdlcListener()
    first, second, third = pieces(b"\x0f" + bytes(300))
    listener.receive(first + second[:-4] + bytes(3) + third, 0.0)
    taken = events(listener)
    assert all(isinstance(event, Garbage) for event in taken)
    assert taken[0].data[:4] == LLC + b"\x0f"
    listener.receive(first + second + third, 1.0)
    assert isinstance(events(listener)[0], ApduReceived)


def test_a_push_without_its_end_does_not_swallow_the_next():
    listener = HdlcListener()
    whole = pieces(b"\x0f" + bytes(300))
    listener.receive(whole[0] + b"".join(whole), 0.0)
    lost, push = events(listener)
    assert "last segment" in lost.reason
    assert push.apdu == b"\x0f" + bytes(300)


def test_a_segment_after_a_long_silence_is_no_continuation():
    listener = HdlcListener()
    first, _, third = pieces(b"\x0f" + bytes(300))
    listener.receive(first, 0.0)
    listener.receive(third, SEGMENT_SILENCE_S + 1)
    assert [type(event) for event in events(listener)] == [Garbage, Garbage]


def test_senders_are_bounded():
    listener = HdlcListener()
    for sender in range(SENDERS_MAX + 1):
        listener.receive(pieces(b"\x0f" + bytes(300), sender)[0], 0.0)
    assert [event.reason for event in events(listener)] == ["too many pushes at once"]
    assert len(listener._broadcast._open) == SENDERS_MAX


def test_a_push_is_bounded():
    listener = HdlcListener()
    endless = encode_frame(
        Frame(HdlcAddress(103), HdlcAddress(1), FrameKind.UI, segmented=True, information=bytes(2000))
    )
    for _ in range(50):
        listener.receive(endless, 0.0)
    (event,) = events(listener)
    assert event.reason == "an APDU of more than 65535 bytes"


def test_other_frames_and_noise_are_kept():
    listener = HdlcListener()
    listener.receive(encode_frame(Frame(HdlcAddress(1), HdlcAddress(16), FrameKind.SNRM)) + b"\x7e\xa0\x10half", 0.0)
    assert listener.next_timeout() == 2.0
    listener.handle_timeout(2.0)
    assert [event.reason for event in events(listener)] == [
        "a SNRM frame, where pushes are expected",
        "the frame ended too early",
    ]
    listener.closed(3.0)
    listener.disconnect(3.0)
    assert events(listener) == [Disconnected("the link ended"), Disconnected("disconnected as asked", clean=True)]


def test_a_listener_never_sends():
    listener = HdlcListener()
    assert listener.data_to_send(0.0) == b""
    with pytest.raises(LocalProtocolError, match="does not send"):
        listener.send(b"\xc0", 0.0)
