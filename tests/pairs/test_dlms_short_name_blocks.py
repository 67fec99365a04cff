"""Short names with all that takes several APDUs or several passes: long requests, high level security, reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlms_curves import curves
from dlms_pair import (
    BOTH,
    CLIENT_TITLE,
    ENERGY,
    ENERGY_OCTETS,
    NOTE,
    PROFILE,
    PROFILE_OCTETS,
    PUBLIC,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    note,
    plain_settings,
    server_settings,
)
from openami.model.errors import LimitExceeded, LocalProtocolError, SecurityError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.data import encode_data, octet_string
from openami.protocols.dlms.events import Answered, Associated, Failed, Notified
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.request import Read, Write
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys, SecuritySuite
from openami.protocols.dlms.short_name import (
    DataBlock,
    ParameterizedAccess,
    ReadRequest,
    ReadResponse,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from openami.protocols.dlms.short_names import NamedObject, ShortNames

NAMES = ShortNames(
    [
        NamedObject(0x1000, 3, 0, ENERGY.instance_id),
        NamedObject(0x1100, 7, 1, PROFILE.instance_id),
        NamedObject(0x1200, 1, 0, NOTE.instance_id),
    ]
)
KEYS = SecurityKeys(bytes(range(16)), bytes(range(16, 32)), suite=SecuritySuite.SUITE_1)
OURS, THEIRS = curves()
FUNCTION = bytes.swapcase
HIGH = [each for each in Authentication if each.high]
WAYS = {"plain": None, "glo": {}, "ded": {"use_dedicated_key": True}, "general-glo": {"use_general_glo": True}}


def variable(descriptor):
    return VariableName(NAMES.of(descriptor))


def proven(authentication, **changes):
    """What client and server need to prove themselves in this way."""
    given = {"asymmetric": (OURS, THEIRS)}
    if authentication is Authentication.HLS2:
        given["hls_function"] = (FUNCTION, FUNCTION)
    if authentication in {Authentication.HLS3, Authentication.HLS4, Authentication.HLS6}:
        given["hls_secret"] = (Secret(b"a secret of HLS"),) * 2
    client = ClientSettings(
        client_sap=SECURED,
        authentication=authentication,
        keys=KEYS,
        system_title=CLIENT_TITLE,
        server_system_title=SERVER_TITLE,
        short_names=True,
        weak_hashes_allowed=True,
        **{name: pair[0] for name, pair in given.items()},
        **changes,
    )
    association = AssociationSettings(
        authentication,
        keys=KEYS,
        protection=client.protection,
        weak_hashes_allowed=True,
        **{name: pair[1] for name, pair in given.items()},
    )
    return client, association


def pair_of(client, association, size=65535, **changes):
    device = Store()
    settings = server_settings(
        device,
        short_names={1: NAMES},
        associations={client.client_sap: association},
        max_receive_pdu_size=size,
        **changes,
    )
    pair = Pair(replace(client, max_receive_pdu_size=size), settings)
    pair.device = device
    return pair


def associated(way="plain", size=65535, **changes):
    if way == "plain":
        pair = pair_of(plain_settings(short_names=True), AssociationSettings(), size, **changes)
    else:
        pair = pair_of(*proven(Authentication.HLS5, **WAYS[way]), size, **changes)
    assert isinstance(pair.associate(), Associated)
    return pair


@pytest.mark.parametrize("protection", [BOTH, SecurityControl.NONE])
@pytest.mark.parametrize("authentication", HIGH)
def test_high_level_security(authentication, protection):
    pair = pair_of(*proven(authentication, protection=protection))
    told = pair.associate()
    assert isinstance(told, Associated), told
    assert pair.ask(Read((variable(ENERGY),))) == Answered((ENERGY_OCTETS,))
    assert pair.ask(Write((variable(NOTE),), (note(b"x"),))) == Answered((DataAccessResult.SUCCESS,))


@pytest.mark.parametrize("authentication", HIGH)
def test_a_client_that_proves_nothing_is_not_served(authentication):
    client, association = proven(authentication, protection=SecurityControl.NONE)
    other = {
        "hls_secret": Secret(b"another secret!") if client.hls_secret else None,
        "hls_function": bytes if client.hls_function else None,
        "keys": SecurityKeys(bytes(16), bytes(16), suite=SecuritySuite.SUITE_1),
        "asymmetric": THEIRS,
    }
    pair = pair_of(replace(client, **other), association)
    failed = pair.associate()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, SecurityError)
    assert not pair.server.associations


def test_nothing_is_served_before_the_proof():
    client, association = proven(Authentication.HLS5, protection=SecurityControl.NONE)
    pair = pair_of(client, association)
    pair.tamper = lambda sender, apdu: (
        (encode_apdu(ReadRequest((variable(ENERGY),))),) if sender == "client" and apdu[0] == 5 else (apdu,)
    )
    pair.associate()
    assert "has proven itself" in str(pair.server_events[-1].error)
    assert pair.device.asked == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [64, 100, 200])
def test_long_requests_and_answers_in_small_pieces(way, size):
    pair = associated(way, max(size, 100) if way != "plain" else size)
    long = note(bytes(range(250)) * 2)
    assert pair.ask(Write((variable(NOTE), variable(ENERGY)), (long, long))) == Answered(
        (DataAccessResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED)
    )
    assert pair.device.values[NOTE] == long
    many = (variable(ENERGY),) * 60
    assert pair.ask(Read(many)) == Answered((ENERGY_OCTETS,) * 60)
    part = ParameterizedAccess(NAMES.of(PROFILE), 2, long)
    assert pair.ask(Read((part, variable(NOTE)))) == Answered((PROFILE_OCTETS, long))
    assert pair.device.asked[-2][2].access_parameters == long
    limit = max(size, 100) if way != "plain" else size
    assert max(len(apdu) for sent in pair.sent.values() for apdu in sent if apdu[0] not in {0x60, 0x61}) <= limit


def test_a_long_write_octet_by_octet():
    pair = associated(size=64)
    pair.sent = {"client": [], "server": []}
    pair.ask(Write((variable(NOTE),), (note(bytes(60)),)))
    whole = bytes.fromhex("01021208 01 093c") + bytes(60)
    assert pair.sent["client"] == [
        bytes.fromhex("0601070000010109") + bytes((48,)) + whole[:48],
        bytes.fromhex("0601070100020109") + bytes((len(whole) - 48,)) + whole[48:],
    ]
    assert pair.sent["server"] == [bytes.fromhex("0d01020001"), bytes.fromhex("0d0100")]


def answers(pair, *requests):
    for request in requests:
        pair.arrive("server", encode_apdu(request))
        pair.run()
    return decode_apdu(pair.sent["server"][-1])


def test_pieces_out_of_order_end_the_request():
    first = WriteRequest((WriteDataBlockAccess(False, 1),), (note(b"x"),))
    third = WriteRequest((WriteDataBlockAccess(False, 3),), (note(b"x"),))
    invalid = WriteResponse((DataAccessResult.DATA_BLOCK_NUMBER_INVALID,))
    none = WriteResponse((DataAccessResult.NO_LONG_SET_IN_PROGRESS,))
    assert answers(associated(), first, third) == invalid
    assert answers(associated(), first, third, third) == none
    read = ReadRequest((DataBlock(False, 2, b"x"),))
    assert answers(associated(), first, read) == ReadResponse((DataAccessResult.NO_LONG_SET_IN_PROGRESS,))


def test_pieces_within_pieces_are_no_request():
    inner = encode_apdu(ReadRequest((DataBlock(True, 1, b"\x01\x02\x10\x08"),)))[1:]
    nested = ReadRequest((DataBlock(True, 1, inner),))
    assert answers(associated(), nested) == ReadResponse((DataAccessResult.OBJECT_UNDEFINED,))


def test_no_more_is_gathered_than_the_settings_say():
    pair = associated(size=100, value_bytes_max=500)
    failed = pair.ask(Write((variable(NOTE),), (note(bytes(1000)),)))
    assert isinstance(failed, Failed)
    assert isinstance(pair.server_events[-1].error, LimitExceeded)


def test_a_long_write_without_an_answer_is_not_sent():
    pair = associated(size=100)
    failed = pair.ask(Write((variable(NOTE),), (note(bytes(200)),), confirmed=False))
    assert isinstance(failed.error, LocalProtocolError)


@pytest.mark.parametrize("way", WAYS)
def test_an_information_report(way):
    pair = associated(way)
    report = InformationReportRequest(None, (variable(ENERGY), variable(NOTE)), (ENERGY_OCTETS, note(b"x")))
    pair.server.inform(pair.saps[0], report, pair.now)
    pair.run()
    told = pair.client_events[-1]
    assert isinstance(told, Notified)
    assert told.notification == report
    assert told.system_title == (None if way == "plain" else SERVER_TITLE)
    assert pair.sent["server"][-1][0] == (0x18 if way == "plain" else 0x38)
    assert pair.ask(Read((variable(ENERGY),))) == Answered((ENERGY_OCTETS,))


def test_reports_go_with_short_names_only():
    body = encode_data(octet_string(b"x"))
    with pytest.raises(LocalProtocolError, match="kind of names"):
        associated().server.inform(PUBLIC, DataNotification(1, None, body), 0.0)
    pair = Pair(plain_settings())
    pair.associate()
    with pytest.raises(LocalProtocolError, match="kind of names"):
        pair.server.inform(PUBLIC, InformationReportRequest(None, (variable(ENERGY),), (body,)), 0.0)


def test_a_report_that_is_forged_is_not_told():
    pair = associated("glo")
    report = InformationReportRequest(None, (variable(ENERGY),), (ENERGY_OCTETS,))
    pair.arrive("client", encode_apdu(report))
    pair.run()
    assert not any(isinstance(event, Notified) for event in pair.client_events)


def test_an_object_that_has_no_name_is_not_there():
    assert NAMES.find(0x0FF8) is None
    with pytest.raises(LocalProtocolError, match="no short name"):
        NAMES.of(replace(ENERGY, instance_id=ObisCode(1, 0, 99, 99, 0)))
