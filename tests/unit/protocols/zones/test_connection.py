"""Both ends of a zone connection, joined in memory."""

from __future__ import annotations

import random

import pytest

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.zones import (
    AskStatus,
    CircuitData,
    CircuitOpened,
    CircuitRefused,
    Ended,
    HeadendStatus,
    OpenCircuit,
    Push,
    ReadSpool,
    RefusalCause,
    ReleaseSpool,
    RequestRefused,
    Role,
    SpoolItem,
    SpoolItems,
    SpoolReleased,
    ZoneConnection,
    decode_push,
    encode_push,
)
from openami.protocols.zones.connection import FRAME_BYTES_MAX
from openami.protocols.zones.message import decode_request, encode_message

STATUS = HeadendStatus(1.5, 1, 2, 3, 4, 5, 6, 7)
PAIRS = [
    (ReadSpool(7, 100), SpoolItems("ab", [SpoolItem(8, b"x"), SpoolItem(9, b"")])),
    (ReadSpool(7, 100), RequestRefused("disk full")),
    (ReleaseSpool("ab", 9), SpoolReleased()),
    (AskStatus(), STATUS),
    (OpenCircuit("tcp://10.0.0.1:4059", 5.0), CircuitRefused(RefusalCause.NOT_ALLOWED, "10.0.0.1 is in no network")),
]


def ends():
    return ZoneConnection(Role.BACK_OFFICE), ZoneConnection(Role.HEADEND)


def carry(sender, receiver, sizes=None):
    data = sender.data_to_send(0.0)
    while data:
        size = sizes() if sizes else len(data)
        receiver.receive(data[:size], 0.0)
        data = data[size:]


@pytest.mark.parametrize(("request_", "answer"), PAIRS)
def test_each_request_gets_its_answer_and_then_the_next(request_, answer):
    office, headend = ends()
    choice = random.Random(1)
    for _ in range(3):
        office.send(request_, 0.0)
        carry(office, headend, lambda: choice.randint(1, 5))
        assert headend.next_event() == request_
        headend.send(answer, 0.0)
        carry(headend, office, lambda: choice.randint(1, 5))
        assert office.next_event() == answer


def test_after_opening_the_connection_is_the_circuit():
    office, headend = ends()
    office.send(OpenCircuit("tcp://10.0.0.1:4059", 5.0), 0.0)
    carry(office, headend)
    headend.next_event()
    headend.send(CircuitOpened(), 0.0)
    headend.send_circuit(b"\xff\xff\xff\xff hello")
    carry(headend, office)
    assert office.next_event() == CircuitOpened()
    assert office.next_event() == CircuitData(b"\xff\xff\xff\xff hello")
    office.send_circuit(b"\x00")
    carry(office, headend)
    assert headend.next_event() == CircuitData(b"\x00")
    headend.closed(1.0)
    assert headend.next_event() == Ended(None)


def test_requests_that_come_early_wait_their_turn():
    office, headend = ends()
    for _ in range(2):
        office.send(AskStatus(), 0.0)
        carry(office, headend)
        office = ZoneConnection(Role.BACK_OFFICE)
    assert headend.next_event() == AskStatus()
    assert headend.next_event() is None
    headend.send(STATUS, 0.0)
    assert headend.next_event() == AskStatus()


def test_speaking_out_of_turn_is_our_bug():
    office, headend = ends()
    with pytest.raises(LocalProtocolError, match="cannot be sent while asking"):
        headend.send(STATUS, 0.0)
    with pytest.raises(LocalProtocolError):
        office.send(CircuitOpened(), 0.0)
    with pytest.raises(LocalProtocolError, match="no circuit"):
        office.send_circuit(b"x")
    office.send(AskStatus(), 0.0)
    with pytest.raises(LocalProtocolError, match="while answering"):
        office.send(AskStatus(), 0.0)


def test_an_answer_that_is_too_long_is_our_bug():
    office, headend = ends()
    office.send(ReadSpool(0, 1), 0.0)
    carry(office, headend)
    with pytest.raises(LocalProtocolError, match="limit"):
        headend.send(SpoolItems("ab", [SpoolItem(1, bytes(FRAME_BYTES_MAX))]), 0.0)


def test_a_claimed_length_is_believed_only_within_the_limit():
    headend = ZoneConnection(Role.HEADEND)
    headend.receive(b"\xff\xff\xff\xff", 0.0)
    event = headend.next_event()
    assert isinstance(event, Ended)
    assert isinstance(event.error, LimitExceeded)
    headend.receive(b"more", 0.0)
    assert headend.next_event() is None


def test_flooding_while_an_answer_is_made_is_bounded():
    office, headend = ends()
    office.send(AskStatus(), 0.0)
    carry(office, headend)
    headend.next_event()
    headend.receive(bytes(5000), 0.0)
    event = headend.next_event()
    assert isinstance(event.error, LimitExceeded)


def test_a_circuit_nobody_asked_for_is_refused():
    office, _ = ends()
    office.send(AskStatus(), 0.0)
    raw = encode_message(CircuitOpened())
    office.receive(len(raw).to_bytes(4, "big") + raw, 0.0)
    assert "without OpenCircuit" in str(office.next_event().error)


def test_a_request_that_trickles_in_is_given_up():
    headend = ZoneConnection(Role.HEADEND, silence_s=60)
    headend.begin(10.0)
    assert headend.next_timeout() == 70.0
    headend.receive(b"\x00", 20.0)
    headend.receive(b"\x00", 50.0)
    assert headend.next_timeout() == 80.0
    headend.handle_timeout(79.0)
    assert headend.next_event() is None
    headend.handle_timeout(80.0)
    assert headend.next_event() == Ended(None)


def test_an_end_inside_a_frame_is_told():
    office, _ = ends()
    office.send(AskStatus(), 0.0)
    office.receive(b"\x00\x00", 0.0)
    office.closed(0.0)
    assert "inside a frame" in str(office.next_event().error)


@pytest.mark.parametrize(
    "bad",
    [
        OpenCircuit("x" * 256, 1.0),
        OpenCircuit("tcp://a:1", -1.0),
        ReadSpool(-1, 1),
        ReadSpool(0, 0),
        ReadSpool(0, 1 << 40),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(bad):
    with pytest.raises(DecodeError, match=r"\$\.(link|timeout_s|after|limit)"):
        decode_request(encode_message(bad))


def test_a_push_keeps_what_came():
    push = Push(1_800_000_000.25, "10.0.0.1:999", "udp", bytes(range(256)))
    assert decode_push(encode_push(push)) == push
