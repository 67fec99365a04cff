"""What back office and head-end say to each other, either of them hostile."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.zones import (
    AskStatus,
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
from openami.protocols.zones.message import decode_answer, decode_request, encode_message

REQUESTS = [
    encode_message(request)
    for request in (ReadSpool(7, 100), ReleaseSpool("ab", 9), AskStatus(), OpenCircuit("tcp://10.0.0.1:4059", 5.0))
]
ANSWERS = [
    encode_message(answer)
    for answer in (
        SpoolItems("ab", [SpoolItem(8, b"x"), SpoolItem(9, b"")]),
        RequestRefused("disk full"),
        SpoolReleased(),
        HeadendStatus(1.5, 1, 2, 3, 4, 5, 6, 7),
        CircuitRefused(RefusalCause.NOT_ALLOWED, "10.0.0.1 is in no network"),
    )
]


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


@fuzz_target("zones-request", REQUESTS)
def request(data: bytes) -> None:
    """A request that can be read can be written."""
    encode_message(decode_request(data))


@fuzz_target("zones-answer", ANSWERS)
def answer(data: bytes) -> None:
    """An answer that can be read can be written."""
    encode_message(decode_answer(data))


@fuzz_target("zones-push", [encode_push(Push(1.0, "10.0.0.1:999", "tcp", b"xyz"))])
def push(data: bytes) -> None:
    """A spooled push that can be read can be written, and read again."""
    again = encode_push(decode_push(data))
    assert encode_push(decode_push(again)) == again


@fuzz_target("zones-headend", [framed(message) for message in REQUESTS])
def headend(data: bytes) -> None:
    """Whatever the back office sends, the head-end's side answers with events."""
    _events(ZoneConnection(Role.HEADEND), data)


@fuzz_target("zones-back-office", [framed(message) for message in ANSWERS[4:]])
def back_office(data: bytes) -> None:
    """Whatever the head-end answers, the back office's side answers with events."""
    connection = ZoneConnection(Role.BACK_OFFICE)
    connection.send(OpenCircuit("tcp://a:1", 1.0), 0.0)
    _events(connection, data)


def _events(connection: ZoneConnection, data: bytes) -> None:
    connection.receive(data, 0.0)
    while (event := connection.next_event()) is not None:
        if isinstance(event, Ended) and event.error is not None:
            raise event.error
