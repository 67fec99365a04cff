from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Garbage, Role
from openami.protocols.dlms.wrapper import WrapperFraming, decode_wrapper, encode_wrapper

GET = bytes.fromhex("c001c1000f0000280000ff0200")
WRAPPED = bytes.fromhex("000100100001000d") + GET


def events(framing):
    taken = []
    while (event := framing.next_event()) is not None:
        taken.append(event)
    return taken


def client(**options):
    framing = WrapperFraming(Role.CLIENT, 16, 1, **options)
    framing.connect(0.0)
    assert framing.next_event() == Connected(1)
    return framing


def test_the_header_is_version_source_destination_length():
    assert encode_wrapper(GET, 16, 1) == WRAPPED
    assert decode_wrapper(WRAPPED) == ApduReceived(GET, 16, 1)


def test_an_apdu_too_long_for_the_length_field_is_our_own_fault():
    with pytest.raises(LocalProtocolError, match="65536 bytes"):
        encode_wrapper(bytes(65536), 16, 1)
    with pytest.raises(LocalProtocolError, match="70000"):
        encode_wrapper(b"", 70000, 1)


@pytest.mark.parametrize(
    ("raw", "offset"), [(WRAPPED[:5], 5), (b"\x00\x02" + WRAPPED[2:], 0), (WRAPPED + b"x", 6), (WRAPPED[:-1], 6)]
)
def test_a_datagram_that_is_not_one_apdu_is_refused_with_its_offset(raw, offset):
    with pytest.raises(DecodeError) as caught:
        decode_wrapper(raw)
    assert caught.value.offset == offset


def test_client_and_server_speak_with_each_other():
    left, right = client(), WrapperFraming(Role.SERVER, 16, 1)
    left.send(GET, 0.0)
    right.receive(left.data_to_send(0.0), 0.0)
    assert events(right) == [ApduReceived(GET, 16, 1)]
    right.send(b"\xc4", 0.0)
    left.receive(right.data_to_send(0.0), 0.0)
    assert events(left) == [ApduReceived(b"\xc4", 1, 16)]
    assert left.data_to_send(0.0) == b""


def test_a_server_answers_whoever_spoke_last_from_the_device_that_was_addressed():
    server = WrapperFraming(Role.SERVER, 16, 1)
    server.receive(encode_wrapper(GET, 32, 17), 0.0)
    server.send(b"\xc4", 0.0)
    assert server.data_to_send(0.0) == encode_wrapper(b"\xc4", 17, 32)
    server.send(b"\x0f", 0.0, destination=103, source=1)
    server.send(b"\x0f", 0.0, destination=104)
    assert server.data_to_send(0.0) == encode_wrapper(b"\x0f", 1, 103) + encode_wrapper(b"\x0f", 17, 104)


def test_a_stream_that_lost_its_place_keeps_the_bytes_and_disconnects():
    framing = client()
    framing.receive(WRAPPED + b"hello world", 0.0)
    received, garbage, end = events(framing)
    assert received == ApduReceived(GET, 16, 1)
    assert isinstance(garbage, Garbage)
    assert garbage.data == b"hello world"
    assert isinstance(end, Disconnected)
    assert "version 26725" in end.reason
    framing.receive(b"more", 0.0)
    assert [event.data for event in events(framing)] == [b"more"]
    with pytest.raises(LocalProtocolError, match="disconnected"):
        framing.send(GET, 0.0)


def test_a_claim_beyond_the_limit_holds_no_memory():
    framing = client(max_apdu=100)
    framing.receive(bytes.fromhex("0001000100100065") + b"x", 0.0)
    garbage, end = events(framing)
    assert garbage.data[-1:] == b"x"
    assert end == Disconnected("an APDU of 101 bytes, limit 100")


def test_the_end_of_the_link_inside_an_apdu_keeps_the_half():
    framing = client()
    framing.receive(WRAPPED[:11], 0.0)
    framing.closed(0.0)
    assert events(framing) == [
        Garbage(WRAPPED[:11], "the link ended inside an APDU"),
        Disconnected("the link ended"),
    ]
    framing.closed(0.0)
    assert events(framing) == []


def test_disconnecting_is_clean_and_nothing_is_ever_due():
    framing = client()
    framing.handle_timeout(9.0)
    framing.disconnect(9.0)
    assert events(framing) == [Disconnected("disconnected as asked", clean=True)]
    assert framing.next_timeout() is None


def test_a_bad_datagram_harms_no_other():
    framing = client(datagrams=True, max_apdu=20)
    for raw in (WRAPPED[:-1], WRAPPED, encode_wrapper(bytes(21), 1, 16)):
        framing.receive(raw, 0.0)
    first, second, third = events(framing)
    assert first.data == WRAPPED[:-1]
    assert second == ApduReceived(GET, 16, 1)
    assert "limit 20" in third.reason


def test_an_answer_that_comes_too_late_is_dropped_until_the_end_was_told():
    framing = client()
    framing.closed(0.0)
    framing.send(GET, 0.0)
    assert framing.data_to_send(0.0) == b""
    assert events(framing) == [Disconnected("the link ended")]
    with pytest.raises(LocalProtocolError, match="disconnected"):
        framing.send(GET, 0.0)


def test_each_datagram_leaves_alone():
    framing = client(datagrams=True)
    framing.send(b"a", 0.0)
    framing.send(b"b", 0.0)
    assert [framing.data_to_send(0.0)[-1:] for _ in range(3)] == [b"a", b"b", b""]


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_split_anywhere_gives_the_same_events(apdus, data):
    stream = b"".join(encode_wrapper(apdu, 1, 16) for apdu in apdus)
    framing = client()
    at = 0
    while at < len(stream):
        step = data.draw(st.integers(1, 12))
        framing.receive(stream[at : at + step], 0.0)
        at += step
    assert events(framing) == [ApduReceived(apdu, 1, 16) for apdu in apdus]
