"""SML asked and answered: a file of requests, a file of responses, both roles; no I/O.

Most meters only push; those with a port of two ways, and gateways, answer. Attention numbers and the names of profiles
are those that several public programs agree on; the specification's text was not at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from openami.model.errors import DecodeError
from openami.protocols.sml.file import Message, decode_file, encode_file
from openami.protocols.sml.messages import (
    AttentionResponse,
    Body,
    CloseRequest,
    CloseResponse,
    GetListRequest,
    GetListResponse,
    GetProfileListRequest,
    GetProfileListResponse,
    GetProfilePackRequest,
    GetProfilePackResponse,
    OpenRequest,
    OpenResponse,
    SetProcParameterRequest,
)
from openami.protocols.sml.transport import TransportedFile, TransportParser, encode_transport
from openami.protocols.sml.types import TIMESTAMP, ListEntry, PeriodEntry, SmlTime

PROFILE_15_MINUTES: Final = bytes.fromhex("8181c78611ff")
_ATTENTION: Final = bytes.fromhex("8181c7c7fe")
ERRORS: Final = (
    "unknown error", "unknown SML identifier", "not authorised", "no such server", "no such file of requests",
    "cannot be written", "cannot be read", "the meter cannot be reached", "raw data are not understood",
    "a value out of its range", "not done",
)  # fmt: skip
"""By the last octet of an attention number."""
UNKNOWN, NOT_AUTHORISED, NO_SERVER, NOT_READABLE = 1, 2, 3, 6


@dataclass(frozen=True, slots=True)
class Known:
    """What a meter has to say. `profile` gives the stored periods between two moments (seconds since 1970, UTC)."""

    server_id: bytes
    entries: Callable[[], tuple[ListEntry, ...]]
    profile: Callable[[int, int], GetProfilePackResponse]


class Answering:
    """The meter's end of a line: octets in, octets out. What is no file of requests is left unanswered."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._parser = TransportParser()

    def receive(self, data: bytes) -> bytes:
        """The files that answer those that `data` completes."""
        out = b""
        for event in self._parser.feed(data):
            if isinstance(event, TransportedFile):
                try:
                    asked = decode_file(event.data)
                except DecodeError:
                    continue
                if asked and isinstance(asked[0].body, OpenRequest):
                    out += encode_transport(encode_file(answers(asked, self._known)))
        return out


def answers(asked: Iterable[Message], known: Known) -> list[Message]:
    """A response for each request, under its transaction."""
    return [Message(one.transaction_id, one.group_no, 0, body) for one in asked for body in _bodies(one.body, known)]


def list_requests(client_id: bytes, transaction: bytes, server_id: bytes | None = None) -> list[Message]:
    """Ask for what the meter shows now. `transaction` begins every transaction id of the file."""
    return _file(client_id, transaction, server_id, GetListRequest(client_id, server_id))


def profile_requests(
    client_id: bytes, transaction: bytes, period: tuple[int | None, int | None], server_id: bytes | None = None
) -> list[Message]:
    """Ask for the load profile of quarter hours between two moments (seconds since 1970, UTC; None: no bound)."""
    begin, end = (None if second is None else SmlTime(TIMESTAMP, second) for second in period)
    wanted = GetProfilePackRequest(server_id, None, None, None, begin, end, (PROFILE_15_MINUTES,))
    return _file(client_id, transaction, server_id, wanted)


def is_answer(file: Iterable[Message], transaction: bytes) -> bool:
    """Whether these responses are to the file of requests that was begun so."""
    return any(one.transaction_id.startswith(transaction) for one in file)


def refusals(file: Iterable[Message]) -> list[str]:
    """Why the meter did not do what it was asked, in words."""
    return [_words(one.body) for one in file if isinstance(one.body, AttentionResponse)]


def _file(client_id: bytes, transaction: bytes, server_id: bytes | None, wanted: Body) -> list[Message]:
    bodies: tuple[Body, ...] = (OpenRequest(None, client_id, transaction, server_id), wanted, CloseRequest())
    return [Message(transaction + bytes((at,)), at, 0, body) for at, body in enumerate(bodies)]


def _bodies(body: Body, known: Known) -> Iterator[Body]:
    if isinstance(body, OpenRequest):
        yield OpenResponse(None, body.client_id, body.req_file_id, known.server_id)
    elif isinstance(body, CloseRequest):
        yield CloseResponse()
    elif getattr(body, "server_id", None) not in {None, b"", known.server_id}:
        yield _attention(known, NO_SERVER)
    elif isinstance(body, GetListRequest):
        yield GetListResponse(body.client_id, known.server_id, body.list_name, None, known.entries())
    elif isinstance(body, GetProfilePackRequest | GetProfileListRequest):
        yield from _profile(body, known)
    else:
        yield _attention(known, NOT_AUTHORISED if isinstance(body, SetProcParameterRequest) else UNKNOWN)


def _profile(body: GetProfilePackRequest | GetProfileListRequest, known: Known) -> Iterator[Body]:
    if body.parameter_tree_path != (PROFILE_15_MINUTES,):
        yield _attention(known, NOT_READABLE)
        return
    begin = body.begin_time.seconds if body.begin_time is not None else 0
    end = body.end_time.seconds if body.end_time is not None else (1 << 32) - 1
    pack = known.profile(begin, end)
    if isinstance(body, GetProfilePackRequest):
        yield pack
        return
    for row in pack.period_list:
        values = tuple(
            PeriodEntry(column.obj_name, column.unit, column.scaler, cell.value)
            for column, cell in zip(pack.header_list, row.value_list, strict=True)
        )
        head = (pack.server_id, pack.act_time, pack.reg_period, pack.parameter_tree_path)
        yield GetProfileListResponse(*head, row.val_time, row.status, values)


def _attention(known: Known, code: int) -> AttentionResponse:
    return AttentionResponse(known.server_id, _ATTENTION + bytes((code,)), ERRORS[code].encode())


def _words(attention: AttentionResponse) -> str:
    code = attention.attention_no
    known = code[:5] == _ATTENTION and code[5:] and code[5] < len(ERRORS)
    said = attention.attention_msg.decode("latin-1") if attention.attention_msg else ""
    return (ERRORS[code[5]] if known else said) or f"attention {code.hex()}"
