"""Both sides of an asking connection, joined in memory and split anywhere."""

from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.zones.asking import AskingConnection
from openami.protocols.zones.connection import Ended
from openami.protocols.zones.inner_message import (
    AskOrders,
    AskQuarantine,
    Quarantine,
    decode_guard_request,
    decode_inner_answer,
    encode_inner,
)


def ends():
    asks = AskingConnection(asks=True, decode=decode_inner_answer, encode=encode_inner)
    answers = AskingConnection(asks=False, decode=decode_guard_request, encode=encode_inner, silence_s=10)
    answers.begin(0.0)
    return asks, answers


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_questions_and_answers_take_turns(size):
    asks, answers = ends()
    for _ in range(3):
        asks.send(AskQuarantine(), 0.0)
        for sender, receiver, event in ((asks, answers, AskQuarantine()), (answers, asks, Quarantine([]))):
            if sender is answers:
                answers.send(Quarantine([]), 0.0)
            data = sender.data_to_send(0.0)
            for start in range(0, len(data), size):
                receiver.receive(data[start : start + size], 0.0)
            assert receiver.next_event() == event


def test_nobody_speaks_out_of_turn():
    asks, answers = ends()
    with pytest.raises(LocalProtocolError):
        answers.send(Quarantine([]), 0.0)
    asks.send(AskQuarantine(), 0.0)
    with pytest.raises(LocalProtocolError):
        asks.send(AskQuarantine(), 0.0)


def test_a_second_question_waits_for_the_first_answer():
    asks, answers = ends()
    asks.send(AskQuarantine(), 0.0)
    data = asks.data_to_send(0.0)
    answers.receive(data + data, 0.0)
    assert answers.next_event() == AskQuarantine()
    assert answers.next_event() is None
    answers.send(Quarantine([]), 0.0)
    assert answers.next_event() == AskQuarantine()


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"\xff\xff\xff\xff", LimitExceeded), (b"\x00\x00\x00\x01\xc1", DecodeError)],
)
def test_bad_bytes_end_it(data, error):
    _, answers = ends()
    answers.receive(data, 0.0)
    event = answers.next_event()
    assert isinstance(event, Ended)
    assert isinstance(event.error, error)
    answers.receive(b"more", 0.0)
    assert answers.next_event() is None


def test_what_the_other_part_may_be_asked_is_refused_here():
    _, answers = ends()
    raw = encode_inner(AskOrders())
    answers.receive(len(raw).to_bytes(4, "big") + raw, 0.0)
    assert isinstance(answers.next_event(), Ended)


def test_what_comes_out_of_turn_is_bounded():
    asks, _ = ends()
    for _ in range(9):
        asks.receive(bytes(1 << 20), 0.0)
    event = asks.next_event()
    assert isinstance(event, Ended)
    assert isinstance(event.error, LimitExceeded)


def test_silence_and_the_end():
    asks, answers = ends()
    assert asks.next_timeout() is None
    assert answers.next_timeout() == 10
    answers.handle_timeout(9.0)
    assert answers.next_event() is None
    answers.handle_timeout(10.0)
    assert answers.next_event() == Ended(None)
    asks.closed(0.0)
    assert asks.next_event() == Ended(None)


def test_an_end_inside_a_frame_is_told():
    _, answers = ends()
    answers.receive(b"\x00\x00", 0.0)
    answers.closed(0.0)
    event = answers.next_event()
    assert isinstance(event, Ended)
    assert event.error is not None


def test_an_answer_that_is_too_long_is_our_fault():
    asks, answers = ends()
    asks.send(AskQuarantine(), 0.0)
    answers.receive(asks.data_to_send(0.0), 0.0)
    long = Quarantine([])
    answers._encode = lambda _: bytes(5 << 20)
    with pytest.raises(LocalProtocolError, match="limit"):
        answers.send(long, 0.0)
