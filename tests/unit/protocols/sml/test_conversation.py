"""SML asked and answered, both ends in memory."""

from __future__ import annotations

import asyncio

import pytest

from openami.io.links.memory import memory_pair
from openami.io.links.sml_port import SmlRefused, ask
from openami.model.errors import LinkLost, LinkTimeout
from openami.protocols.sml.conversation import (
    PROFILE_15_MINUTES,
    Answering,
    Known,
    answers,
    list_requests,
    profile_requests,
    refusals,
)
from openami.protocols.sml.element import unsigned
from openami.protocols.sml.file import Message, decode_file, encode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.messages import (
    GetCosemRequest,
    GetListResponse,
    GetProcParameterRequest,
    GetProfileListRequest,
    GetProfileListResponse,
    GetProfilePackRequest,
    GetProfilePackResponse,
    SetProcParameterRequest,
)
from openami.protocols.sml.transport import TransportParser, encode_transport
from openami.protocols.sml.types import (
    TIMESTAMP,
    ListEntry,
    ProfileHeaderEntry,
    ProfilePeriodEntry,
    SmlTime,
    Tree,
    ValueEntry,
)
from virtual_loop import in_virtual_time

SERVER, CLIENT, BEGUN = b"\x0a\x01OAM\x00\x00\x00\x00\x01", b"client", b"\x01\x02\x03\x04"
IMPORT = bytes.fromhex("0100010800ff")
NOW = SmlTime(TIMESTAMP, 1_767_225_600)


def profile(begin, end):
    rows = tuple(
        ProfilePeriodEntry(SmlTime(TIMESTAMP, second), 0, (ValueEntry(unsigned(second // 900, 8)),))
        for second in range(900, 9_000, 900)
        if begin <= second <= end
    )
    return GetProfilePackResponse(SERVER, NOW, 900, (PROFILE_15_MINUTES,), (ProfileHeaderEntry(IMPORT, 30, 0),), rows)


KNOWN = Known(SERVER, lambda: (ListEntry(IMPORT, None, None, 30, 0, unsigned(42, 8)),), profile)


def answered(requests):
    (file,) = TransportParser().feed(Answering(KNOWN).receive(encode_transport(encode_file(requests))))
    return decode_file(file.data)


@pytest.mark.parametrize("server", [None, SERVER])
def test_what_the_meter_shows(server):
    file = answered(list_requests(CLIENT, BEGUN, server))
    assert [one.transaction_id for one in file] == [BEGUN + bytes((at,)) for at in range(3)]
    assert isinstance(file[1].body, GetListResponse)
    assert [str(value.value) for value in measurements(file)] == ["42 Wh"]
    assert refusals(file) == []


@pytest.mark.parametrize(("period", "expected"), [((None, None), range(1, 10)), ((1_800, 2_700), (2, 3)), ((1, 2), ())])
def test_the_load_profile(period, expected):
    file = answered(profile_requests(CLIENT, BEGUN, period))
    assert [value.value.mantissa for value in measurements(file)] == list(expected)


def test_the_load_profile_as_a_list_a_period():
    wanted = GetProfileListRequest(None, None, None, None, None, SmlTime(TIMESTAMP, 1_800), (PROFILE_15_MINUTES,))
    file = answers([Message(b"\x01", 0, 0, wanted)], KNOWN)
    assert [type(one.body) for one in file] == [GetProfileListResponse] * 2
    assert [value.value.mantissa for value in measurements(file)] == [1, 2]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (GetProfilePackRequest(None, None, None, None, None, None, (b"other!",)), "cannot be read"),
        (GetProcParameterRequest(None, None, None, (IMPORT,)), "unknown SML identifier"),
        (GetProcParameterRequest(b"another", None, None, (IMPORT,)), "no such server"),
        (SetProcParameterRequest(None, None, None, (IMPORT,), Tree(IMPORT, None, None)), "not authorised"),
        (GetCosemRequest([b"1"]), "unknown SML identifier"),
    ],
)
def test_what_is_not_done_is_told_in_words(body, word):
    file = answers([Message(b"\x01", 0, 0, body)], KNOWN)
    assert refusals(decode_file(encode_file(file))) == [word]


def test_what_is_no_file_of_requests_is_not_answered():
    answering = Answering(KNOWN)
    pushed = encode_transport(encode_file(answered(list_requests(CLIENT, BEGUN))))
    assert answering.receive(b"noise" + pushed + encode_transport(b"\x76\x01\x02\x03")) == b""


class Line:
    """A meter on the other end: what it is told, `hear` answers."""

    def __init__(self, *answers):
        self.near, self.far = memory_pair()
        self.told = []
        self.task = asyncio.create_task(self._serve(list(answers)))

    async def _serve(self, answers):
        while data := await self.far.receive():
            self.told.append(data)
            if answers and (answer := answers.pop(0)(data)):
                await self.far.send(answer)

    async def end(self):
        await self.near.close()
        await self.task


PUSHED = encode_transport(encode_file(answers(list_requests(CLIENT, b"\xff\xff"), KNOWN)))


@in_virtual_time
async def test_an_answer_is_found_among_what_is_pushed_and_asked_for_again():
    line = Line(lambda _: PUSHED, lambda data: PUSHED[:20] + Answering(KNOWN).receive(data))
    file = await ask(line.near, list_requests(CLIENT, BEGUN), BEGUN)
    assert len(measurements(file)) == 1
    assert len(line.told) == 2
    await line.end()


@in_virtual_time
async def test_silence_and_refusals_and_the_end_of_the_line():
    line = Line()
    with pytest.raises(LinkTimeout, match="asked 3 times; many meters only push"):
        await ask(line.near, list_requests(CLIENT, BEGUN), BEGUN)
    await line.end()
    line = Line(Answering(KNOWN).receive)
    with pytest.raises(SmlRefused, match="the meter answers: no such server"):
        await ask(line.near, list_requests(CLIENT, BEGUN, b"another"), BEGUN)
    await line.far.close()
    with pytest.raises(LinkLost):
        await ask(line.near, list_requests(CLIENT, BEGUN), BEGUN)
    await line.end()
