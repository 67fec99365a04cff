"""Client and server cores joined in memory: every way to associate, every service, blocks, refusals, time-outs."""

import random
from dataclasses import replace

import pytest

from dlms_pair import (
    CLIENT_TITLE,
    ENERGY,
    ENERGY_OCTETS,
    KEYS,
    NOTE,
    PROFILE,
    PROFILE_OCTETS,
    PUBLIC,
    READER,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    client_settings,
    note,
    password_settings,
    plain_settings,
    server_settings,
)
from openami.model.errors import (
    LinkLost,
    LinkTimeout,
    LocalProtocolError,
    RemoteProtocolError,
    SecurityError,
    SettingError,
)
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.acse import AARE, AARQ, MechanismName
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Persist
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.errors import AssociationRejected, ServiceFailed
from openami.protocols.dlms.events import (
    Answered,
    Associated,
    ClientAssociated,
    ClientLeft,
    Closed,
    Failed,
    Notified,
    Refused,
    Released,
)
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.get import DataBlockG, GetResponseNormal, GetResponseWithDatablock
from openami.protocols.dlms.initiate import InitiateRequest
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.request import Action, Associate, Get, GetList, Release, Set
from openami.protocols.dlms.security import Secret, SecurityControl
from openami.protocols.dlms.set import SetResponseNormal
from openami.protocols.dlms.wrapper import WrapperFraming

METHOD = CosemMethodDescriptor(NOTE.class_id, NOTE.instance_id, 1)
WAYS = {
    "public": plain_settings(),
    "password": password_settings(),
    "hls5": client_settings(),
    "hls5-any-title": client_settings(server_system_title=None),
    "general-glo": client_settings(use_general_glo=True),
    "dedicated": client_settings(use_dedicated_key=True),
    "general-ded": client_settings(use_dedicated_key=True, use_general_glo=True),
}
LOOSE = {
    "hls5-plain-apdus": (Authentication.HLS5, SecurityControl.NONE),
    "authenticated": (Authentication.HLS5, SecurityControl.AUTHENTICATION),
    "encrypted": (Authentication.HLS5, SecurityControl.ENCRYPTION),
    "keys-without-hls": (Authentication.NONE, SecurityControl.AUTHENTICATED_ENCRYPTION),
}


def loose(name: str) -> Pair:
    authentication, protection = LOOSE[name]
    device = Store()
    associations = {SECURED: AssociationSettings(authentication, keys=KEYS, protection=protection)}
    server = server_settings(device, associations=associations)
    return Pair(client_settings(authentication=authentication, protection=protection), server)


@pytest.fixture(params=[*WAYS, *LOOSE])
def pair(request) -> Pair:
    made = loose(request.param) if request.param in LOOSE else Pair(WAYS[request.param])
    assert isinstance(made.associate(), Associated)
    return made


def test_all_services_after_each_way_to_associate(pair):
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS
    assert pair.ask(Get(NOTE)).answer is DataAccessResult.OBJECT_UNDEFINED
    assert pair.ask(Set(NOTE, note(b"one"))).answer is DataAccessResult.SUCCESS
    assert pair.ask(Set(ENERGY, note(b"one"))).answer is DataAccessResult.READ_WRITE_DENIED
    assert pair.ask(GetList((ENERGY, PROFILE, NOTE))).answer == (ENERGY_OCTETS, PROFILE_OCTETS, note(b"one"))
    assert pair.ask(Action(METHOD, note(b"two"))).answer == (ActionResult.SUCCESS, note(b"two"))
    assert pair.ask(Action(METHOD)).answer == (ActionResult.SUCCESS, None)
    assert pair.ask(Action(replace_method(2))).answer == (ActionResult.OBJECT_UNDEFINED, None)
    assert isinstance(pair.ask(Release()), Released)
    assert not [event for event in pair.client_events + pair.server_events if isinstance(event, Refused | Failed)]
    assert isinstance(pair.server_events[0], ClientAssociated)
    assert isinstance(pair.server_events[-1], ClientLeft)


def replace_method(method_id: int) -> CosemMethodDescriptor:
    return CosemMethodDescriptor(METHOD.class_id, METHOD.instance_id, method_id)


def test_associating_again_after_release(pair):
    pair.ask(Release())
    assert isinstance(pair.associate(), Associated)
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [120, 250, 1024])
def test_long_values_in_blocks_both_ways(way, size):
    device = Store()
    pair = Pair(replace(WAYS[way], max_receive_pdu_size=size), server_settings(device, max_receive_pdu_size=size))
    pair.associate()
    text = note(bytes(range(256)) * 8)
    assert pair.ask(Get(PROFILE)).answer == PROFILE_OCTETS
    assert pair.ask(Set(NOTE, text)).answer is DataAccessResult.SUCCESS
    assert device.values[NOTE] == text
    assert pair.ask(Get(NOTE)).answer == text
    assert pair.ask(GetList((ENERGY, NOTE, ENERGY))).answer == (ENERGY_OCTETS, text, ENERGY_OCTETS)
    assert max(map(len, pair.sent["server"])) <= size
    assert max(map(len, pair.sent["client"])) <= size
    assert len(pair.sent["server"]) > len(PROFILE_OCTETS) // size


def test_a_long_answer_is_one_bytes_object_and_its_apdus_are_kept():
    pair = Pair(client_settings(max_receive_pdu_size=500))
    pair.associate()
    answer = pair.ask(Get(PROFILE)).answer
    assert type(answer) is bytes
    blocks = len(pair.client.received)
    assert blocks == -(-len(PROFILE_OCTETS) // 444)
    assert all(apdu[0] == 0xCC for apdu in pair.client.received)
    pair.ask(Get(ENERGY))
    assert len(pair.client.received) == 1


REJECTED = {
    "unknown client": (plain_settings(client_sap=99), 1),
    "unknown logical device": (plain_settings(server_sap=7), 7),
    "wrong password": (password_settings(password=Secret(b"passwort")), 13),
    "empty password": (password_settings(password=Secret(b"")), 13),
    "no authentication": (plain_settings(client_sap=READER), 12),
    "another mechanism": (password_settings(client_sap=SECURED), 2),
    "no ciphering": (client_settings(protection=SecurityControl.NONE), 2),
    "ciphering without keys": (client_settings(client_sap=READER, authentication=Authentication.NONE), 2),
    "tiny APDUs": (plain_settings(max_receive_pdu_size=50), 1),
    "wrong keys": (client_settings(keys=replace(KEYS, authentication_key=bytes(16))), 13),
}


@pytest.mark.parametrize("name", REJECTED)
def test_associations_that_are_refused(name):
    settings, diagnostic = REJECTED[name]
    pair = Pair(settings)
    failed = pair.associate()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AssociationRejected)
    assert (failed.error.result, failed.error.diagnostic) == (1, diagnostic)
    assert isinstance(pair.server_events[-1], Refused)
    assert not pair.server.associations
    assert pair.client.state is ClientState.CLOSED


def test_the_cause_that_a_refusal_brings_is_told():
    error = Pair(plain_settings(max_receive_pdu_size=50)).associate().error
    assert "pdu-size-too-short" in str(error)
    assert "no-reason-given (1)" in str(error)


def test_another_mechanism_by_name():
    pair = Pair(plain_settings(client_sap=READER))
    initiate = encode_apdu(InitiateRequest())
    aarq = AARQ(mechanism_name=MechanismName.HIGH_LEVEL_SECURITY_MD5, user_information=initiate)
    pair.arrive("server", encode_apdu(aarq))
    pair.run()
    aare = decode_apdu(pair.sent["server"][-1])
    assert isinstance(aare, AARE)
    assert aare.result_source_diagnostic == 11


def test_dlms_version_too_low():
    pair = Pair(plain_settings())
    initiate = encode_apdu(InitiateRequest(proposed_dlms_version_number=5))
    pair.arrive("server", encode_apdu(AARQ(user_information=initiate)))
    pair.run()
    assert decode_apdu(decode_apdu(pair.sent["server"][-1]).user_information).text == "dlms-version-too-low"


def test_a_pinned_client_title():
    device = Store()
    pinned = AssociationSettings(
        Authentication.HLS5,
        keys=KEYS,
        protection=SecurityControl.AUTHENTICATED_ENCRYPTION,
        client_system_title=bytes(8),
    )
    pair = Pair(client_settings(), server_settings(device, associations={SECURED: pinned}))
    assert pair.associate().error.diagnostic == 3
    pair = Pair(client_settings(system_title=bytes(8)), server_settings(device, associations={SECURED: pinned}))
    assert isinstance(pair.associate(), Associated)


def test_several_clients_on_one_link_do_not_disturb_each_other():
    pair = Pair(client_settings())
    pair.associate()
    public = AARQ(user_information=encode_apdu(InitiateRequest(client_max_receive_pdu_size=0xFFFF)))
    pair.saps = PUBLIC, 1
    pair.arrive("server", encode_apdu(public))
    pair.saps = SECURED, 1
    assert {association.client_sap for association in pair.server.associations} == {SECURED, PUBLIC}
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS


def test_selections_and_rights_reach_the_device():
    pair = Pair(password_settings())
    pair.associate()
    pair.ask(Get(ENERGY))
    assert pair.device.asked == [(READER, ENERGY, None)]


# Time


def test_silence_is_a_time_out_and_late_answers_do_no_harm():
    pair = Pair(client_settings())
    pair.associate()
    late = []
    pair.tamper = lambda sender, apdu: () if sender == "server" and late.append(apdu) is None else (apdu,)
    pair.client.send(Get(PROFILE), pair.now)
    pair.run()
    assert pair.client.next_timeout() == 10.0
    pair.wait(10.0)
    assert isinstance(pair.client_events[-1], Failed)
    assert isinstance(pair.client_events[-1].error, LinkTimeout)
    assert "server SAP 1 within 10.0 s" in str(pair.client_events[-1].error)
    pair.tamper = lambda _sender, apdu: (apdu,)
    pair.client.send(Get(ENERGY), pair.now)
    pair.arrive("client", late[0])
    pair.run()
    assert pair.client_events[-1].answer == ENERGY_OCTETS
    assert [type(event) for event in pair.client_events[-2:]] == [Refused, Answered]


def test_a_silent_client_leaves_and_then_the_connection_ends():
    pair = Pair(client_settings())
    pair.associate()
    assert pair.server.next_timeout() == 120.0
    pair.wait(119.0)
    assert pair.server.associations
    pair.wait(1.0)
    assert not pair.server.associations
    assert [type(event) for event in pair.server_events[-2:]] == [ClientLeft, Closed]
    assert pair.server.next_timeout() is None


def test_a_line_outlives_its_silent_clients():
    device = Store()
    pair = Pair(plain_settings(), server_settings(device, close_when_idle=False))
    pair.associate()
    pair.wait(120.0)
    assert isinstance(pair.server_events[-1], ClientLeft)
    assert pair.server.next_timeout() is None
    assert pair.ask(Get(ENERGY)).error.args[0].startswith("request failed: service-not-allowed")
    pair.client = Pair(plain_settings()).client
    assert isinstance(pair.associate(), Associated)


def test_the_end_of_the_link_fails_what_is_under_way():
    pair = Pair(client_settings())
    pair.associate()
    pair.client.send(Get(ENERGY), pair.now)
    pair.client.closed(pair.now)
    failed, closed = pair.client.next_event(), pair.client.next_event()
    assert isinstance(failed.error, LinkLost)
    assert isinstance(closed, Closed)
    with pytest.raises(LocalProtocolError, match="while closed"):
        pair.client.send(Get(ENERGY), pair.now)
    pair.server.closed(pair.now)
    assert [type(pair.server.next_event()) for _ in range(2)] == [ClientLeft, Closed]


# Our own mistakes


def test_one_request_at_a_time_and_only_in_its_place():
    pair = Pair(plain_settings())
    with pytest.raises(LocalProtocolError, match="Get is not possible while idle"):
        pair.client.send(Get(ENERGY), 0.0)
    pair.client.send(Associate(), 0.0)
    with pytest.raises(LocalProtocolError, match="still under way"):
        pair.client.send(Get(ENERGY), 0.0)
    pair.run()
    with pytest.raises(LocalProtocolError, match="Associate is not possible while associated"):
        pair.client.send(Associate(), 0.0)
    with pytest.raises(LocalProtocolError, match="at least one attribute"):
        pair.client.send(GetList(()), 0.0)
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS


def test_a_request_that_the_server_cannot_take():
    device = Store()
    pair = Pair(plain_settings(), server_settings(device, max_receive_pdu_size=100))
    pair.associate()
    failed = pair.ask(GetList((ENERGY,) * 20))
    assert isinstance(failed.error, LocalProtocolError)
    assert "the server takes 100" in str(failed.error)
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"authentication": Authentication.LLS}, "password is not set"),
        ({"authentication": Authentication.HLS5}, "keys are not set"),
        ({"keys": KEYS}, "system_title has 0 bytes"),
        ({"server_system_title": b"x"}, "server_system_title has 1 bytes"),
        ({"challenge_size": 7}, "challenge_size is 7"),
        ({"max_receive_pdu_size": 65536}, "max_receive_pdu_size is 65536"),
    ],
)
def test_client_settings_that_cannot_be(changes, reason):
    with pytest.raises(SettingError, match=reason):
        ClientSettings(**changes)


def test_server_settings_that_cannot_be():
    device = Store()
    for changes, reason in (
        ({"system_title": b""}, "system_title has 0 bytes"),
        ({"max_receive_pdu_size": 63}, "max_receive_pdu_size is 63"),
        ({"challenge_size": 65}, "challenge_size is 65"),
    ):
        with pytest.raises(SettingError, match=reason):
            server_settings(device, **changes)
    with pytest.raises(SettingError, match="password is not set"):
        AssociationSettings(Authentication.LLS)
    with pytest.raises(SettingError, match="keys are not set"):
        AssociationSettings(protection=SecurityControl.ENCRYPTION)
    with pytest.raises(SettingError, match="client_system_title has 1 bytes"):
        AssociationSettings(client_system_title=b"x")


def test_keys_need_a_send_counter_that_lasts():
    framing = WrapperFraming(Role.CLIENT, 1, 1)
    with pytest.raises(SettingError, match="sending is not set"):
        ClientConnection(framing, client_settings(), random=random.Random(1).randbytes)


# The peer's mistakes


def answered_by(*apdus) -> object:
    """What a plain GET comes to if the server's answers are these."""
    pair = Pair(plain_settings())
    pair.associate()
    left = iter(apdus)
    pair.tamper = lambda sender, apdu: (encode_apdu(next(left)),) if sender == "server" else (apdu,)
    return pair.ask(Get(ENERGY))


def block(number: int, octets: bytes | DataAccessResult, *, last: bool = False) -> GetResponseWithDatablock:
    return GetResponseWithDatablock(0xC1, DataBlockG(last, number, octets))


def test_blocks_in_another_order_are_an_error():
    assert answered_by(block(1, b"\x11"), block(2, b"\x07", last=True)).answer == b"\x11\x07"
    assert "block 3 came where block 2 was due" in str(answered_by(block(1, b"a"), block(3, b"b")).error)
    assert "block 2 came where block 1 was due" in str(answered_by(block(2, b"a")).error)
    assert answered_by(block(1, b"a"), block(2, DataAccessResult.LONG_GET_ABORTED)).answer.name == "LONG_GET_ABORTED"
    mixed = answered_by(block(1, b"a"), GetResponseNormal(0xC1, b"\x00")).error
    assert type(mixed) is RemoteProtocolError


def test_exceptions_are_answers():
    exception = ExceptionResponse(StateError.SERVICE_UNKNOWN, ExceptionServiceError.INVOCATION_COUNTER_ERROR, 77)
    error = answered_by(exception).error
    assert isinstance(error, ServiceFailed)
    assert error.invocation_counter == 77
    assert str(error) == (
        "request failed: service-unknown, invocation-counter-error; the server expects invocation counter 77"
    )


def test_an_answer_of_another_service_is_an_error():
    error = answered_by(SetResponseNormal(0xC1, DataAccessResult.SUCCESS)).error
    assert str(error) == "SetResponseNormal is no answer to GET"


def test_an_endless_value_is_bounded():
    pair = Pair(plain_settings(response_bytes_max=1000))
    pair.associate()
    numbers = iter(range(1, 1000))
    pair.tamper = lambda sender, apdu: (
        (encode_apdu(block(next(numbers), bytes(100))),) if sender == "server" else (apdu,)
    )
    assert "more than 1000 bytes" in str(pair.ask(Get(ENERGY)).error)
    assert next(numbers) == 12


def test_notifications_come_in_between():
    pair = Pair(plain_settings())
    pair.associate()
    push = encode_apdu(DataNotification(1, None, ENERGY_OCTETS))
    pair.tamper = lambda sender, apdu: (push, apdu) if sender == "server" else (apdu,)
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS
    notified = pair.client_events[-2]
    assert isinstance(notified, Notified)
    assert notified.notification.notification_body == ENERGY_OCTETS
    assert notified.apdu == push


def test_answers_without_a_request_are_refused():
    pair = Pair(plain_settings())
    pair.associate()
    pair.arrive("client", encode_apdu(GetResponseNormal(0xC1, b"\x00")))
    pair.run()
    assert isinstance(pair.client_events[-1], Refused)
    assert "answers no request" in str(pair.client_events[-1].error)


def test_a_server_answers_no_answers():
    pair = Pair(plain_settings())
    pair.associate()
    before = len(pair.sent["server"])
    for apdu in (
        ExceptionResponse(StateError.SERVICE_UNKNOWN, ExceptionServiceError.OTHER_REASON),
        GetResponseNormal(0xC1, b"\x00"),
        AARE(),
    ):
        pair.arrive("server", encode_apdu(apdu))
    pair.run()
    assert len(pair.sent["server"]) == before


def test_services_that_are_not_spoken_get_an_exception():
    pair = Pair(plain_settings())
    pair.associate()
    pair.arrive("server", bytes.fromhex("0501020008"))
    pair.run()
    answer = decode_apdu(pair.sent["server"][-1])
    assert isinstance(answer, ExceptionResponse)


@pytest.mark.parametrize("authentication", [Authentication.NONE, Authentication.HLS5])
def test_the_exchange_has_the_shape_that_the_book_prints(authentication):
    pair = Pair(client_settings() if authentication else plain_settings())
    pair.associate()
    aarq, aare = decode_apdu(pair.sent["client"][0]), decode_apdu(pair.sent["server"][0])
    pair.ask(Release())
    rlrq = decode_apdu(pair.sent["client"][-1])
    if not authentication:
        assert (aarq.mechanism_name, aarq.calling_ap_title, aarq.user_information[0]) == (None, None, 0x01)
        assert (aare.responding_ap_title, aare.user_information[0], int(aare.result_source_diagnostic)) == (
            None,
            0x08,
            0,
        )
        assert rlrq.user_information is None
        return
    assert (aarq.application_context_name, aarq.mechanism_name) == (3, 5)
    assert aarq.calling_ap_title == CLIENT_TITLE
    assert len(aarq.calling_authentication_value) == 16
    assert (aarq.user_information[0], aarq.user_information[2]) == (0x21, 0x30)
    assert (aare.application_context_name, aare.mechanism_name, int(aare.result_source_diagnostic)) == (3, 5, 14)
    assert aare.responding_ap_title == SERVER_TITLE
    assert len(aare.responding_authentication_value) == 16
    assert (aare.user_information[0], aare.user_information[2]) == (0x28, 0x30)
    assert pair.sent["client"][1][0] == 0xCB
    assert pair.sent["server"][1][0] == 0xCF
    assert rlrq.user_information[0] == 0x21
    assert isinstance(pair.client_events[-1], Released)


def test_a_refused_release_keeps_the_association():
    pair = Pair(client_settings())
    pair.associate()
    pair.tamper = lambda sender, apdu: (apdu[:-1] + bytes((apdu[-1] ^ 1,)),) if sender == "client" else (apdu,)
    failed = pair.ask(Release())
    assert isinstance(failed.error, ServiceFailed)
    assert isinstance(pair.server_events[-1].error, SecurityError)
    assert pair.server.associations


def test_what_waits_for_numbers_is_dropped_with_its_client():
    """The answer to an AARQ waits for the disk; before that is done the bytes of the link become nonsense."""
    recorded = Pair(client_settings())
    recorded.associate()
    aarq = recorded.sent["client"][0]
    pair = Pair(client_settings(), seed=2)
    pair.arrive("server", aarq)
    pair.server.receive(b"no wrapper at all", pair.now)
    events = list(iter(pair.server.next_event, None))
    assert isinstance(events[-1], Closed)
    for event in events:
        if isinstance(event, Persist):
            pair.server.persisted(event, pair.now)
    assert pair.server.data_to_send(pair.now) == b""
