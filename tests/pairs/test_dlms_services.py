"""Every service between both cores: lists and blocks both ways, what was not negotiated, what is too long."""

from __future__ import annotations

import pytest

from dlms_pair import (
    BOTH,
    ENERGY,
    ENERGY_OCTETS,
    KEYS,
    NOTE,
    PUBLIC,
    SECURED,
    Pair,
    Store,
    client_settings,
    note,
    plain_settings,
    server_settings,
)
from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.action import (
    ActionRequestNextPblock,
    ActionRequestWithFirstPblock,
    ActionRequestWithListAndFirstPblock,
    ActionRequestWithPblock,
    ActionResponseNormal,
    ActionResponseWithPblock,
)
from openami.protocols.dlms.action_exchange import ActionExchange
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, SERVER_CONFORMANCE, Conformance
from openami.protocols.dlms.data import encode_data, null
from openami.protocols.dlms.descriptor import (
    CosemAttributeDescriptor,
    CosemAttributeDescriptorWithSelection,
    CosemMethodDescriptor,
    SelectiveAccess,
)
from openami.protocols.dlms.errors import ServiceFailed, ServiceNotNegotiated
from openami.protocols.dlms.events import Answered, Associated, Failed, Refused
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError
from openami.protocols.dlms.get import GetRequestNext, GetRequestNormal, GetRequestWithList
from openami.protocols.dlms.invoke_id import invoke_id_and_priority
from openami.protocols.dlms.request import Action, ActionList, Get, GetList, Set, SetList
from openami.protocols.dlms.set import (
    DataBlockSA,
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetRequestWithList,
    SetRequestWithListAndFirstDatablock,
    SetResponseLastDatablock,
    SetResponseNormal,
)

ECHO = CosemMethodDescriptor(1, ObisCode(0, 0, 96, 1, 0), 1)
NO_METHOD = CosemMethodDescriptor(1, ObisCode(0, 0, 96, 1, 0), 9)
SELECTION = SelectiveAccess(1, encode_data(null()))
ID = invoke_id_and_priority(1)
SIZES = [0, 1, 30, 60, 100, 101, 500, 5_000]


def small_server(way, **changes):
    """A pair in which no APDU has more than 200 octets, after association."""
    settings = plain_settings if way == "plain" else client_settings
    pair = Pair(settings(max_receive_pdu_size=200), server_settings(Store(), max_receive_pdu_size=200, **changes))
    pair.device = pair.server._settings.devices[1]
    assert isinstance(pair.associate(), Associated)
    return pair


@pytest.fixture(params=["plain", "secured"])
def way(request):
    return request.param


def sizes_of(pair):
    return {len(apdu) for sent in pair.sent.values() for apdu in sent[1:]}


@pytest.mark.parametrize("size", SIZES)
def test_a_method_with_parameters_and_answers_in_blocks(way, size):
    pair = small_server(way)
    argument = note(bytes(size))
    assert pair.ask(Action(ECHO, argument)) == Answered((ActionResult.SUCCESS, argument))
    assert max(sizes_of(pair)) <= 200
    assert pair.device.asked[-1] == (pair.saps[0], ECHO, argument)


@pytest.mark.parametrize("size", SIZES)
def test_methods_with_list_in_blocks(way, size):
    pair = small_server(way)
    arguments = (note(b"first"), None, note(bytes(size)))
    expected = (
        (ActionResult.SUCCESS, arguments[0]),
        (ActionResult.SUCCESS, None),
        (ActionResult.SUCCESS, arguments[2]),
    )
    assert pair.ask(ActionList((ECHO, ECHO, ECHO), arguments)) == Answered(expected)
    assert max(sizes_of(pair)) <= 200


def test_a_list_of_methods_tells_each_result(way):
    pair = small_server(way)
    answer = pair.ask(ActionList((NO_METHOD, ECHO), (None, note(b"x"))))
    assert answer == Answered(((ActionResult.OBJECT_UNDEFINED, None), (ActionResult.SUCCESS, note(b"x"))))


@pytest.mark.parametrize("size", SIZES)
def test_set_with_list_in_blocks(way, size):
    pair = small_server(way)
    wanted = (ENERGY, CosemAttributeDescriptorWithSelection(NOTE))
    answer = pair.ask(SetList(wanted, (note(b"no"), note(bytes(size)))))
    assert answer == Answered((DataAccessResult.READ_WRITE_DENIED, DataAccessResult.SUCCESS))
    assert pair.device.values[NOTE] == note(bytes(size))
    assert max(sizes_of(pair)) <= 200


def test_get_with_list_and_selections(way):
    pair = small_server(way)
    wanted = (ENERGY, CosemAttributeDescriptorWithSelection(ENERGY, SELECTION))
    assert pair.ask(GetList(wanted)) == Answered((ENERGY_OCTETS, ENERGY_OCTETS))
    assert [asked[2] for asked in pair.device.asked] == [None, SELECTION]


def test_a_list_that_does_not_fit_even_without_values_is_not_sent():
    pair = small_server("plain")
    with pytest.raises(LocalProtocolError, match="the server takes 200 in all"):
        pair.client.send(SetList((NOTE,) * 20, (note(b""),) * 20), pair.now)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)


def test_lists_of_unequal_length_are_not_sent():
    pair = small_server("plain")
    with pytest.raises(LocalProtocolError, match="list of 2 was given 1"):
        pair.client.send(SetList((NOTE, NOTE), (note(b""),)), pair.now)


# What was not negotiated

REQUESTS = {
    "get": (Get(ENERGY), Conformance.GET, GetRequestNormal(ID, ENERGY, None)),
    "get list": (GetList((ENERGY,)), Conformance.MULTIPLE_REFERENCES, None),
    "selection": (Get(ENERGY, SELECTION), Conformance.SELECTIVE_ACCESS, GetRequestNormal(ID, ENERGY, SELECTION)),
    "selection in list": (
        GetList((CosemAttributeDescriptorWithSelection(ENERGY, SELECTION),)),
        Conformance.SELECTIVE_ACCESS,
        GetRequestWithList(ID, (CosemAttributeDescriptorWithSelection(ENERGY, SELECTION),)),
    ),
    "get blocks": (None, Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ, GetRequestNext(ID, 1)),
    "set": (Set(NOTE, note(b"")), Conformance.SET, SetRequestNormal(ID, NOTE, None, note(b""))),
    "set list": (
        SetList((NOTE,), (note(b""),)),
        Conformance.MULTIPLE_REFERENCES,
        SetRequestWithList(ID, (CosemAttributeDescriptorWithSelection(NOTE),), (note(b""),)),
    ),
    "set blocks": (
        Set(NOTE, note(bytes(300))),
        Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE,
        SetRequestWithFirstDatablock(ID, NOTE, None, DataBlockSA(last_block=True, block_number=1, raw_data=note(b""))),
    ),
    "action": (Action(ECHO), Conformance.ACTION, None),
    "action list": (ActionList((ECHO,), (None,)), Conformance.MULTIPLE_REFERENCES, None),
    "action blocks": (
        Action(ECHO, note(bytes(300))),
        Conformance.BLOCK_TRANSFER_WITH_ACTION,
        ActionRequestWithFirstPblock(ID, ECHO, DataBlockSA(last_block=True, block_number=1, raw_data=note(b""))),
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_client_does_not_send_what_was_not_negotiated(name):
    request, missing, _ = REQUESTS[name]
    if request is None:
        return
    settings = plain_settings(conformance=CLIENT_CONFORMANCE & ~missing)
    pair = Pair(settings, server_settings(Store(), max_receive_pdu_size=200))
    pair.associate()
    sent = len(pair.sent["client"])
    with pytest.raises(ServiceNotNegotiated, match="was not negotiated") as caught:
        pair.client.send(request, pair.now)
    assert caught.value.missing == missing
    assert len(pair.sent["client"]) == sent


@pytest.mark.parametrize("name", REQUESTS)
def test_a_server_does_not_serve_what_was_not_negotiated(name):
    _, missing, apdu = REQUESTS[name]
    if apdu is None:
        return
    associations = {PUBLIC: AssociationSettings(conformance=SERVER_CONFORMANCE & ~missing)}
    pair = Pair(plain_settings(), server_settings(Store(), associations=associations))
    pair.associate()
    pair.arrive("server", encode_apdu(apdu))
    pair.run()
    answer = decode_apdu(pair.sent["server"][-1])
    assert isinstance(answer, ExceptionResponse)
    assert answer.service_error is ExceptionServiceError.SERVICE_NOT_SUPPORTED
    refused = pair.server_events[-1]
    assert isinstance(refused, Refused)
    assert "was not negotiated" in str(refused.error)


def test_long_answers_of_methods_without_block_transfer():
    limited = AssociationSettings(
        Authentication.HLS5,
        keys=KEYS,
        protection=BOTH,
        conformance=SERVER_CONFORMANCE & ~Conformance.BLOCK_TRANSFER_WITH_ACTION,
    )
    settings = server_settings(Store(), associations={SECURED: limited})
    pair = Pair(client_settings(max_receive_pdu_size=200), settings)
    pair.associate()
    argument = note(bytes(400))
    assert pair.ask(Action(ECHO, argument)) == Answered((ActionResult.SUCCESS, DataAccessResult.OTHER_REASON))
    answer = pair.ask(ActionList((ECHO, NO_METHOD), (argument, None)))
    reason = DataAccessResult.OTHER_REASON
    assert answer == Answered(((ActionResult.SUCCESS, reason), (ActionResult.OBJECT_UNDEFINED, reason)))


# What does not fit


def test_a_server_refuses_apdus_that_are_longer_than_it_takes():
    pair = small_server("plain")
    pair.arrive("server", encode_apdu(SetRequestNormal(ID, NOTE, None, note(bytes(300)))))
    pair.run()
    answer = decode_apdu(pair.sent["server"][-1])
    assert answer.service_error is ExceptionServiceError.PDU_TOO_LONG
    assert NOTE not in pair.device.values


# Blocks that go wrong


def block(number, octets=b"", *, last=False):
    return DataBlockSA(last_block=last, block_number=number, raw_data=octets)


def answers(pair, *requests):
    found = []
    for request in requests:
        pair.arrive("server", encode_apdu(request))
        pair.run()
        found.append(decode_apdu(pair.sent["server"][-1]))
    return found


def test_server_blocks_in_another_order():
    pair = small_server("plain")
    first = ActionRequestWithFirstPblock(ID, ECHO, block(1, b"\x09"))
    assert answers(pair, first, ActionRequestWithPblock(ID, block(3)), ActionRequestWithPblock(ID, block(2)))[1:] == [
        ActionResponseNormal(ID, ActionResult.LONG_ACTION_ABORTED),
        ActionResponseNormal(ID, ActionResult.NO_LONG_ACTION_IN_PROGRESS),
    ]
    assert answers(pair, SetRequestWithDatablock(ID, block(2))) == [
        SetResponseLastDatablock(ID, DataAccessResult.NO_LONG_SET_IN_PROGRESS, 2)
    ]


def test_server_answer_blocks_in_another_order():
    pair = small_server("plain")
    assert answers(pair, ActionRequestNextPblock(ID, 1)) == [
        ActionResponseNormal(ID, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
    ]
    argument = note(bytes(150))
    parts = (
        ActionRequestWithFirstPblock(ID, ECHO, block(1, argument[:100])),
        ActionRequestWithPblock(ID, block(2, argument[100:] + note(bytes(100))[:0], last=True)),
    )
    assert answers(pair, *parts)[-1].result is ActionResult.SUCCESS
    long = note(bytes(300))
    parts = (
        ActionRequestWithFirstPblock(ID, ECHO, block(1, long[:150])),
        ActionRequestWithPblock(ID, block(2, long[150:], last=True)),
        ActionRequestNextPblock(ID, 7),
    )
    assert answers(pair, *parts)[-1] == ActionResponseNormal(ID, ActionResult.LONG_ACTION_ABORTED)


@pytest.mark.parametrize(
    "first",
    [
        SetRequestWithListAndFirstDatablock(
            ID, (CosemAttributeDescriptorWithSelection(NOTE),), block(1, b"\x02\x00", last=True)
        ),
        SetRequestWithListAndFirstDatablock(
            ID, (CosemAttributeDescriptorWithSelection(NOTE),), block(1, b"\x02\x00\x00", last=True)
        ),
        ActionRequestWithListAndFirstPblock(ID, (ECHO,), block(1, b"\x01", last=True)),
        ActionRequestWithListAndFirstPblock(ID, (ECHO,), block(1, b"\x00", last=True)),
    ],
)
def test_blocks_that_hold_no_list_get_an_exception(first):
    pair = small_server("plain")
    assert isinstance(answers(pair, first)[0], ExceptionResponse)
    assert pair.device.asked == []


def test_a_client_takes_both_forms_of_blocked_answers():
    for octets, expected in (
        (note(b"alone"), (ActionResult.SUCCESS, note(b"alone"))),
        (b"\x00\x01\x00" + note(b"whole"), (ActionResult.SUCCESS, note(b"whole"))),
        (b"\x00", (ActionResult.SUCCESS, b"\x00")),
    ):
        exchange = ActionExchange(Action(ECHO), ID, 200, 1000)
        exchange.first()
        follow = exchange.take(ActionResponseWithPblock(ID, block(1, octets[:1])))
        assert follow == ActionRequestNextPblock(ID, 1)
        assert exchange.take(ActionResponseWithPblock(ID, block(2, octets[1:], last=True))) is None
        assert exchange.answer == expected


@pytest.mark.parametrize(
    ("request_", "answer", "reason"),
    [
        (Action(ECHO, note(bytes(300))), SetResponseNormal(ID, DataAccessResult.SUCCESS), "no answer to ACTION"),
        (Set(NOTE, note(b"")), SetResponseLastDatablock(ID, DataAccessResult.SUCCESS, 1), "no answer to SET"),
        (SetList((NOTE,), (note(b""),)), SetResponseNormal(ID, DataAccessResult.SUCCESS), "no answer to SET"),
    ],
)
def test_answers_of_another_form_are_errors(request_, answer, reason):
    pair = small_server("plain")
    pair.tamper = lambda sender, apdu: [encode_apdu(answer)] if sender == "server" else [apdu]
    failed = pair.ask(request_)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RemoteProtocolError)
    assert reason in str(failed.error)


def test_a_server_without_a_service_tells_it_by_exception():
    pair = small_server("plain")
    exception = encode_apdu(ExceptionResponse(2, ExceptionServiceError.SERVICE_NOT_SUPPORTED))
    pair.tamper = lambda sender, apdu: [exception] if sender == "server" else [apdu]
    failed = pair.ask(Get(CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2)))
    assert isinstance(failed.error, ServiceFailed)
