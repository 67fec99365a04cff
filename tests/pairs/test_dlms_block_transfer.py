"""General block transfer between both cores: every protection, every window, and lines that lose and repeat blocks."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dlms_curves import curves
from dlms_pair import (
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
from openami.model.errors import LimitExceeded, LinkTimeout, LocalProtocolError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, SERVER_CONFORMANCE, Conformance
from openami.protocols.dlms.data import encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.errors import PduTooLong
from openami.protocols.dlms.events import Answered, Associated, Failed, Notified, Refused
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer, block_control
from openami.protocols.dlms.general_ciphering import KeyChoice
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.policy import SecurityPolicy
from openami.protocols.dlms.request import Access, Action, Get, Set, SetList
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, SecuritySuite

BLOCKS = CLIENT_CONFORMANCE | Conformance.GENERAL_BLOCK_TRANSFER | Conformance.DATA_NOTIFICATION
ECHO = CosemMethodDescriptor(1, ObisCode(0, 0, 96, 1, 0), 1)
BOTH = SecurityControl.AUTHENTICATED_ENCRYPTION
KEYS = SecurityKeys(
    bytes(range(16)), bytes(range(16, 32)), suite=SecuritySuite.SUITE_1, master_key=bytes(range(32, 48))
)
SIGNED = SecurityPolicy(BOTH, BOTH, request_signed=True, response_signed=True)
FORMS = {
    "plain": None,
    "glo": {},
    "ded": {"use_dedicated_key": True},
    "general-glo": {"use_general_glo": True},
    "general-ded": {"use_general_glo": True, "use_dedicated_key": True},
    "general-ciphering": {"key_choice": KeyChoice.IDENTIFIED},
    "one-pass": {"key_choice": KeyChoice.ONE_PASS},
    "signed": {"use_general_glo": True, "policy": SIGNED},
}
LONG = note(bytes(range(256)) * 4)
SIZE = 128


def made(form="plain", *, size=SIZE, window=6, server_window=6, given=None, **changes):
    """A pair that has associated and agreed on general block transfer, in APDUs of `size` octets."""
    ours, theirs = curves()
    settings = plain_settings()
    if FORMS[form] is not None:
        settings = ClientSettings(
            client_sap=SECURED,
            authentication=Authentication.HLS5,
            keys=KEYS,
            system_title=CLIENT_TITLE,
            server_system_title=SERVER_TITLE,
            asymmetric=ours,
            **FORMS[form],
        )
    settings = replace(settings, conformance=BLOCKS, max_receive_pdu_size=size, block_window=window, **changes)
    served = SERVER_CONFORMANCE | Conformance.DATA_NOTIFICATION
    secured = AssociationSettings(
        Authentication.HLS5,
        keys=KEYS,
        asymmetric=theirs,
        policy=SIGNED if form == "signed" else None,
        protection=BOTH,
        conformance=served,
    )
    associations = {PUBLIC: AssociationSettings(conformance=served), SECURED: secured}
    device = Store()
    server = server_settings(
        device, associations=associations, max_receive_pdu_size=size, block_window=server_window, **(given or {})
    )
    pair = Pair(settings, server)
    pair.device = device
    told = pair.associate()
    assert isinstance(told, Associated), told
    assert Conformance.GENERAL_BLOCK_TRANSFER & told.conformance
    pair.sent = {"client": [], "server": []}
    return pair


def blocks(pair, sender):
    return [decode_apdu(apdu) for apdu in pair.sent[sender] if apdu[0] == 0xE0]


@pytest.mark.parametrize("form", FORMS)
def test_long_requests_and_answers_under_every_protection(form):
    pair = made(form, size=160)
    assert pair.ask(Get(PROFILE)) == Answered(PROFILE_OCTETS)
    assert pair.ask(Set(NOTE, LONG)) == Answered(DataAccessResult.SUCCESS)
    assert pair.device.values[NOTE] == LONG
    assert pair.ask(Action(ECHO, LONG)) == Answered((ActionResult.SUCCESS, LONG))
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)
    answer = pair.ask(SetList((NOTE, ENERGY), (LONG, LONG)))
    assert answer == Answered((DataAccessResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED))
    answer = pair.ask(Access((Get(PROFILE), Set(NOTE, LONG))))
    assert answer.answer[0] == (DataAccessResult.SUCCESS, PROFILE_OCTETS)
    assert max(len(apdu) for sent in pair.sent.values() for apdu in sent) <= 160
    assert blocks(pair, "client")
    assert blocks(pair, "server")


@pytest.mark.parametrize("size", [64, 65, 100, 128, 1000])
@pytest.mark.parametrize("form", ["plain", "glo"])
def test_every_size_is_honoured(form, size):
    pair = made(form, size=size)
    assert pair.ask(Action(ECHO, LONG)) == Answered((ActionResult.SUCCESS, LONG))
    assert max(len(apdu) for sent in pair.sent.values() for apdu in sent) <= size


@pytest.mark.parametrize("window", [1, 2, 5, 63])
def test_the_server_streams_as_far_as_the_window_goes(window):
    pair = made(window=window)
    assert pair.ask(Get(PROFILE)) == Answered(PROFILE_OCTETS)
    sent = blocks(pair, "server")
    runs, run = [], 0
    for block in sent:
        run += 1
        if not block.streaming:
            runs.append(run)
            run = 0
    assert runs[0] == 1, "the window of the client is not known before its first block"
    assert set(runs[1:-1]) <= {window}
    assert [block.block_number for block in sent] == list(range(1, len(sent) + 1))
    acknowledged = [block.block_number_ack for block in blocks(pair, "client")]
    assert acknowledged == sorted(acknowledged)
    assert sent[-1].last_block
    assert not any(block.last_block for block in sent[:-1])


def test_the_first_turns_octet_by_octet():
    pair = made(size=64, window=2)
    pair.device.values[NOTE] = note(bytes(100))
    assert pair.ask(Get(NOTE)) == Answered(note(bytes(100)))
    whole = bytes.fromhex("c401c1000964") + bytes(100)
    assert pair.sent["server"] == [
        bytes.fromhex("e006000100003 7".replace(" ", "")) + whole[:55],
        bytes.fromhex("e086000200013 3".replace(" ", "")) + whole[55:],
    ]
    assert pair.sent["client"][1:] == [bytes.fromhex("e0820001000100")]


def test_a_request_in_blocks_is_answered_in_blocks():
    pair = made(size=64)
    assert pair.ask(Set(NOTE, note(bytes(50)))) == Answered(DataAccessResult.SUCCESS)
    answers = blocks(pair, "server")
    assert [(block.block_number, block.block_number_ack, block.block_data[:1]) for block in answers] == [
        (1, 1, b""),
        (2, 2, b"\xc5"),
    ]
    assert [block.last_block for block in answers] == [False, True]


class Loss:
    """Loses, repeats or alters blocks; other APDUs pass."""

    def __init__(self, seed, share, *, repeat=0.0):
        self.choice = random.Random(seed)
        self.share = share
        self.repeat = repeat
        self.lost = 0

    def __call__(self, _sender, apdu):
        if apdu[0] != 0xE0:
            return (apdu,)
        drawn = self.choice.random()
        if drawn < self.share:
            self.lost += 1
            return ()
        return (apdu, apdu) if drawn < self.share + self.repeat else (apdu,)


def ask_lossy(pair, request):
    """The answer, after as many times as the client's clock needs."""
    before = len(pair.client_events)
    pair.client.send(request, pair.now)
    pair.run()
    while not any(isinstance(event, Answered | Failed) for event in pair.client_events[before:]):
        due = pair.client.next_timeout()
        assert due is not None
        pair.wait(max(0.0, due - pair.now))
    return pair.client_events[-1]


@pytest.mark.parametrize("form", ["plain", "glo", "general-ciphering"])
@pytest.mark.parametrize("window", [1, 3, 9])
@pytest.mark.parametrize("seed", range(3))
def test_lost_and_repeated_blocks_are_recovered(form, window, seed):
    pair = made(form, window=window, server_window=window, response_timeout_s=200.0, refusal_grace_s=200.0)
    pair.tamper = loss = Loss(seed, 0.15, repeat=0.05)
    assert ask_lossy(pair, Get(PROFILE)) == Answered(PROFILE_OCTETS)
    assert ask_lossy(pair, Set(NOTE, LONG)) == Answered(DataAccessResult.SUCCESS)
    assert ask_lossy(pair, Action(ECHO, LONG)) == Answered((ActionResult.SUCCESS, LONG))
    assert loss.lost > 5
    if form != "plain":
        assert [asked[1] for asked in pair.device.asked] == [PROFILE, NOTE, ECHO], "each was done once"


def test_a_dead_line_ends_in_silence_told():
    pair = made(response_timeout_s=10.0, block_timeout_s=3.0)
    pair.tamper = Loss(1, 1.0)
    failed = ask_lossy(pair, Get(PROFILE))
    assert isinstance(failed.error, LinkTimeout)
    assert len(blocks(pair, "client")) == 3


def test_a_long_push_within_the_association_is_one_stream_without_answers():
    for form in ("plain", "glo"):
        pair = made(form)
        body = encode_data(octet_string(bytes(1000)))
        pair.server.inform(pair.saps[0], DataNotification(7, None, body), pair.now)
        pair.run()
        told = pair.client_events[-1]
        assert isinstance(told, Notified)
        assert told.notification.notification_body == body
        assert not blocks(pair, "client")
        assert {block.window for block in blocks(pair, "server")} == {0}
        assert pair.ask(Get(PROFILE)) == Answered(PROFILE_OCTETS)


def test_a_push_with_a_hole_is_not_told():
    pair = made()
    pair.tamper = lambda _sender, apdu: () if apdu[:4] == bytes.fromhex("e0400003")[:4] else (apdu,)
    pair.server.inform(PUBLIC, DataNotification(7, None, encode_data(octet_string(bytes(1000)))), pair.now)
    pair.run()
    assert not any(isinstance(event, Notified) for event in pair.client_events)
    assert pair.ask(Get(PROFILE)) == Answered(PROFILE_OCTETS)


def test_no_push_between_the_blocks_of_an_answer():
    pair = made(response_timeout_s=10.0)
    pair.tamper = Loss(1, 1.0)
    pair.client.send(Get(PROFILE), pair.now)
    pair.run()
    with pytest.raises(LocalProtocolError, match="under way"):
        pair.server.inform(PUBLIC, DataNotification(7, None, b"\x00"), pair.now)


def test_a_long_push_where_no_blocks_were_agreed_is_not_sent():
    pair = Pair(plain_settings(max_receive_pdu_size=SIZE))
    pair.associate()
    with pytest.raises(LocalProtocolError, match="takes 128"):
        pair.server.inform(PUBLIC, DataNotification(7, None, note(bytes(500))), pair.now)


def test_what_was_not_negotiated_is_refused_by_both():
    pair = Pair(plain_settings())
    pair.associate()
    block = encode_apdu(GeneralBlockTransfer(block_control(1, last_block=True, streaming=False), 1, 0, b"\xc0"))
    pair.arrive("server", block)
    pair.arrive("client", block)
    pair.run()
    assert "not negotiated" in str(pair.server_events[-1].error)
    assert any(isinstance(event, Refused) and "not negotiated" in str(event.error) for event in pair.client_events)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)


def test_the_server_gathers_no_more_than_it_says():
    pair = made(given={"value_bytes_max": 500})
    answer = pair.ask(Set(NOTE, LONG))
    assert isinstance(answer, Failed)
    assert any(isinstance(getattr(event, "error", None), LimitExceeded) for event in pair.server_events)
    assert pair.ask(Get(PROFILE)) == Answered(PROFILE_OCTETS)


def test_the_client_gathers_no_more_than_it_says():
    pair = made(response_bytes_max=1000)
    answer = pair.ask(Get(PROFILE))
    pair.wait(2.0)
    answer = next(event for event in reversed(pair.client_events) if isinstance(event, Failed | Answered))
    assert isinstance(answer, Failed)
    assert isinstance(answer.error, LimitExceeded)


def test_an_acknowledgement_of_what_was_not_sent_is_refused():
    pair = made()
    block = encode_apdu(GeneralBlockTransfer(block_control(1, last_block=True, streaming=False), 1, 9, b""))
    pair.arrive("server", block)
    pair.run()
    assert "acknowledged" in str(pair.server_events[-1].error)
    assert pair.ask(Get(PROFILE)) == Answered(PROFILE_OCTETS)


def test_a_block_altered_on_the_way_is_found_by_the_tag():
    pair = made("glo")

    def alter(sender, apdu):
        if sender == "server" and apdu[0] == 0xE0 and int.from_bytes(apdu[2:4], "big") == 3:
            return (apdu[:-1] + bytes((apdu[-1] ^ 1,)),)
        return (apdu,)

    pair.tamper = alter
    pair.ask(Get(PROFILE))
    assert isinstance(pair.client_events[-1], Refused)
    pair.wait(2.0)
    assert isinstance(pair.client_events[-1], Failed)


def test_an_answer_longer_than_the_client_takes_is_refused_by_name():
    pair = Pair(plain_settings(max_receive_pdu_size=SIZE))
    pair.associate()
    pair.tamper = lambda sender, apdu: (apdu + bytes(SIZE),) if sender == "server" else (apdu,)
    pair.ask(Get(ENERGY))
    pair.wait(2.0)
    assert isinstance(pair.client_events[-1].error, PduTooLong)


def test_the_window_is_a_setting():
    with pytest.raises(SettingError, match="block_window is 64"):
        plain_settings(block_window=64)
