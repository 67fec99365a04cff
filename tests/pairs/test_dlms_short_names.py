"""Short name referencing between both cores: variables, parts of them, methods, blocks, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from dlms_pair import (
    BOTH,
    CLIENT_TITLE,
    ENERGY,
    ENERGY_OCTETS,
    KEYS,
    NOTE,
    PASSWORD,
    PROFILE,
    PROFILE_OCTETS,
    PUBLIC,
    READER,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    note,
    password_settings,
    plain_settings,
    server_settings,
)
from openami.model.errors import DecodeError, LocalProtocolError, RemoteProtocolError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.acse import ApplicationContextName
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.data import array, double_long, encode_data, null, structure
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.errors import AssociationRejected, ServiceNotNegotiated
from openami.protocols.dlms.events import Answered, Associated, Failed
from openami.protocols.dlms.exception import ExceptionResponse
from openami.protocols.dlms.get import GetRequestNormal
from openami.protocols.dlms.request import Get, Read, Write
from openami.protocols.dlms.security import Secret
from openami.protocols.dlms.short_name import (
    BlockNumberAccess,
    DataBlock,
    ParameterizedAccess,
    ReadRequest,
    ReadResponse,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from openami.protocols.dlms.short_names import OBJECT_LIST, assign_short_names, short_names_of


@dataclass
class Object:
    class_id: int
    logical_name: ObisCode
    version: int = 0


OBJECTS = [Object(item.class_id, item.instance_id) for item in (ENERGY, PROFILE, NOTE)]
NAMES = assign_short_names(OBJECTS)
RESET = CosemMethodDescriptor(3, ENERGY.instance_id, 1)
SN = {"short_names": True}
SECURED_SN = ClientSettings(
    client_sap=SECURED, keys=KEYS, system_title=CLIENT_TITLE, server_system_title=SERVER_TITLE, short_names=True
)
WAYS = {"plain": plain_settings(**SN), "password": password_settings(**SN), "ciphered": SECURED_SN}
ASSOCIATIONS = {
    PUBLIC: AssociationSettings(),
    READER: AssociationSettings(Authentication.LLS, password=Secret(PASSWORD)),
    SECURED: AssociationSettings(keys=KEYS, protection=BOTH),
}


def name(descriptor):
    return VariableName(NAMES.of(descriptor))


def associated(way="plain", **changes):
    settings = server_settings(Store(), short_names={1: NAMES}, associations=ASSOCIATIONS, **changes)
    pair = Pair(replace(WAYS[way], **({"max_receive_pdu_size": 300} if "small" in changes else {})), settings)
    pair.device = settings.devices[1]
    assert isinstance(pair.associate(), Associated)
    return pair


@pytest.fixture(params=WAYS)
def pair(request):
    return associated(request.param)


def test_variables_are_read_and_written(pair):
    assert pair.ask(Read((name(ENERGY), VariableName(0x0008)))) == Answered(
        (ENERGY_OCTETS, DataAccessResult.OBJECT_UNDEFINED)
    )
    answer = pair.ask(Write((name(NOTE), name(ENERGY)), (note(b"x"), note(b"y"))))
    assert answer == Answered((DataAccessResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED))
    assert pair.ask(Read((name(NOTE),))) == Answered((note(b"x"),))


def test_a_write_without_an_answer(pair):
    sent = len(pair.sent["server"])
    assert pair.ask(Write((name(NOTE),), (note(b"quiet"),), confirmed=False)) == Answered(None)
    assert len(pair.sent["server"]) == sent
    assert pair.ask(Read((name(NOTE),))) == Answered((note(b"quiet"),))


def test_parts_of_variables_and_methods(pair):
    part = ParameterizedAccess(NAMES.of(ENERGY), 2, encode_data(null()))
    assert pair.ask(Read((part,))) == Answered((ENERGY_OCTETS,))
    assert pair.device.asked[-1][2] == SelectiveAccess(2, encode_data(null()))
    called = ParameterizedAccess(NAMES.of(RESET), 0, note(b"argument"))
    assert pair.ask(Read((called,))) == Answered((note(b"argument"),))
    assert pair.ask(Write((name(RESET),), (note(b"argument"),))) == Answered((DataAccessResult.SUCCESS,))
    assert pair.device.asked[-1][1:] == (RESET, note(b"argument"))
    missing = replace(RESET, method_id=2)
    assert pair.ask(Write((name(missing),), (note(b""),))) == Answered((DataAccessResult.OBJECT_UNDEFINED,))
    pair.device.action = lambda *_args: (ActionResult.LONG_ACTION_ABORTED, None)
    assert pair.ask(Write((name(RESET),), (encode_data(null()),))) == Answered((DataAccessResult.OTHER_REASON,))


@pytest.mark.parametrize("way", WAYS)
def test_long_answers_in_blocks(way):
    settings = server_settings(Store(), short_names={1: NAMES}, associations=ASSOCIATIONS)
    pair = Pair(replace(WAYS[way], max_receive_pdu_size=300), settings)
    assert isinstance(pair.associate(), Associated)
    assert pair.ask(Read((name(PROFILE), name(ENERGY)))) == Answered((PROFILE_OCTETS, ENERGY_OCTETS))
    assert max(map(len, pair.sent["server"][1:])) <= 300
    assert pair.ask(Read((name(ENERGY),))) == Answered((ENERGY_OCTETS,))


def test_the_object_list_gives_the_map(pair):
    (octets,) = pair.ask(Read((VariableName(OBJECT_LIST),))).answer
    names = short_names_of(octets)
    assert names.objects == NAMES.objects
    assert names.of(ENERGY) == NAMES.of(ENERGY)


def test_the_context_and_the_name_of_the_association_are_those_of_short_names():
    pair = associated()
    aarq = decode_apdu(pair.sent["client"][0])
    assert aarq.application_context_name is ApplicationContextName.SHORT_NAME_REFERENCING_NO_CIPHERING
    initiate = decode_apdu(decode_apdu(pair.sent["server"][0]).user_information)
    assert initiate.vaa_name == 0xFA00


def test_logical_names_are_not_served_with_short_ones():
    pair = associated()
    with pytest.raises(ServiceNotNegotiated, match="get was not negotiated"):
        pair.client.send(Get(ENERGY), pair.now)
    pair.arrive("server", encode_apdu(GetRequestNormal(0xC1, ENERGY, None)))
    pair.run()
    assert isinstance(decode_apdu(pair.sent["server"][-1]), ExceptionResponse)
    logical = Pair(plain_settings())
    logical.associate()
    with pytest.raises(ServiceNotNegotiated, match="read was not negotiated"):
        logical.client.send(Read((name(ENERGY),)), 0.0)


def test_associations_that_are_refused():
    without = Pair(WAYS["plain"])
    failed = without.associate()
    assert isinstance(failed.error, AssociationRejected)
    assert "application-context-name-not-supported" in str(failed.error)
    high = {SECURED: AssociationSettings(Authentication.HLS5, keys=KEYS, protection=BOTH)}
    pair = Pair(SECURED_SN, server_settings(Store(), short_names={1: NAMES}, associations=high))
    assert isinstance(pair.associate().error, AssociationRejected)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ReadRequest((BlockNumberAccess(1),)), ReadResponse((DataAccessResult.NO_LONG_GET_IN_PROGRESS,))),
        (ReadRequest((WriteDataBlockAccess(True, 1),)), ReadResponse((DataAccessResult.OBJECT_UNDEFINED,))),
        (ReadRequest((name(RESET),)), ReadResponse((DataAccessResult.OBJECT_UNDEFINED,))),
        (
            WriteRequest((WriteDataBlockAccess(True, 2),), (note(b""),)),
            WriteResponse((DataAccessResult.NO_LONG_SET_IN_PROGRESS,)),
        ),
        (
            WriteRequest((WriteDataBlockAccess(True, 1),), (encode_data(null()),)),
            WriteResponse((DataAccessResult.TYPE_UNMATCHED,)),
        ),
        (ReadRequest((DataBlock(False, 2, b"x"),)), ReadResponse((DataAccessResult.NO_LONG_SET_IN_PROGRESS,))),
        (
            WriteRequest((ParameterizedAccess(NAMES.of(RESET), 1, b"\x00"),), (note(b""),)),
            WriteResponse((DataAccessResult.OBJECT_UNDEFINED,)),
        ),
    ],
)
def test_requests_that_make_no_sense(request_, expected):
    pair = associated()
    pair.arrive("server", encode_apdu(request_))
    pair.run()
    assert decode_apdu(pair.sent["server"][-1]) == expected


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (Read((name(ENERGY),)), ReadResponse(())),
        (Read((name(ENERGY),)), ReadResponse((7,))),
        (Read((name(ENERGY),)), WriteResponse((None,))),
        (Read((name(ENERGY),)), ReadResponse((DataBlock(False, 5, b""),))),
        (Write((name(NOTE),), (note(b""),)), WriteResponse(())),
        (Write((name(NOTE),), (note(b""),)), WriteResponse((3,))),
        (Write((name(NOTE),), (note(b""),)), ReadResponse((b"\x00",))),
    ],
)
def test_answers_that_do_not_fit_the_request(request_, answer):
    pair = associated()
    pair.tamper = lambda sender, apdu: [encode_apdu(answer)] if sender == "server" else [apdu]
    failed = pair.ask(request_)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RemoteProtocolError)


# The map


def test_names_there_and_back():
    for item in OBJECTS:
        for number in range(1, 4):
            attribute = CosemAttributeDescriptor(item.class_id, item.logical_name, number)
            assert NAMES.find(NAMES.of(attribute)) == attribute
    assert NAMES.find(NAMES.of(RESET)) == RESET
    assert NAMES.of(RESET) - NAMES.of(replace(ENERGY, attribute_id=1)) == 0x28
    assert NAMES.find(0x0008) is None
    assert NAMES.find(NAMES.of(ENERGY) + 1) is None
    assert NAMES.find(0xF9F8) is None


def test_what_has_no_short_name():
    with pytest.raises(LocalProtocolError, match="of class 8 has no short name"):
        NAMES.of(CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2))
    with pytest.raises(LocalProtocolError, match="methods of class 1"):
        NAMES.of(CosemMethodDescriptor(1, NOTE.instance_id, 1))
    with pytest.raises(SettingError, match="at most"):
        assign_short_names([Object(1, ObisCode(0, 0, 96, 1, number)) for number in range(240)])


@pytest.mark.parametrize(
    "octets", [encode_data(double_long(1)), encode_data(array(structure())), encode_data(array(double_long(1))), b""]
)
def test_object_lists_that_are_none(octets):
    with pytest.raises(DecodeError):
        short_names_of(octets)
