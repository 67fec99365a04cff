"""Pushes outside an association, sender against listener: confirmed over a line that loses, plain and sealed."""

from __future__ import annotations

import random

import pytest

from dlms_pair import CLIENT_TITLE, ENERGY, ENERGY_OCTETS, KEYS, SERVER_TITLE, note
from openami.model.errors import LocalProtocolError, SecurityError
from openami.protocols.dlms import counters
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.counters import MemoryCounters, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.events import Closed, Refused
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer, block_control
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm, EventNotificationRequest
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.push_receiver import NotificationReceived, PushKeys, PushReceiver
from openami.protocols.dlms.push_sender import NotConfirmed, Pushed, PushSender, confirmation_window_name
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.short_name import VariableName
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

CONFIRMED = 1 << 30
LISTENER, METER = 103, 1
PUSH = DataNotification(CONFIRMED | 7, None, ENERGY_OCTETS)
QUIET = DataNotification(8, None, ENERGY_OCTETS)
EVENT = EventNotificationRequest(None, ENERGY, ENERGY_OCTETS)
REPORT = InformationReportRequest(None, (VariableName(8),), (ENERGY_OCTETS,))
LONG = DataNotification(CONFIRMED | 9, None, note(bytes(5000)))


class Line:
    """`through(data)` gives what arrives of what was sent."""

    def __init__(self, *, sealed=True, hdlc=False, through=lambda data: [data], own=CLIENT_TITLE, **changes):
        self.now = 0.0
        self.through = through
        self.stores = MemoryCounters(), MemoryCounters()
        framings = (
            (
                HdlcFraming(Role.SERVER, LISTENER, HdlcAddress(METER)),
                HdlcFraming(Role.CLIENT, LISTENER, HdlcAddress(METER)),
            )
            if hdlc
            else (WrapperFraming(Role.SERVER, LISTENER, METER), WrapperFraming(Role.CLIENT, LISTENER, METER))
        )
        self.channel = None
        if sealed:
            self.channel = SecureChannel(
                KEYS,
                SERVER_TITLE,
                CLIENT_TITLE,
                SendCounter("pushed", reserve=4),
                ReceiveWindow(),
                control=0x30,
                required=0x30,
                form=Form.GENERAL_GLOBAL,
            )
        self.sender = PushSender(framings[0], LISTENER, self.channel, repeat_s=10.0, **changes)
        known = {SERVER_TITLE: PushKeys(KEYS, ReceiveWindow())}
        self.receiver = PushReceiver(
            framings[1],
            known.get,
            accept_plain=not sealed,
            own_system_title=own,
            sending=SendCounter("confirmed", reserve=4) if own else None,
        )
        self.told = [], []

    def run(self):
        sides = (self.sender, self.receiver)
        moved = True
        while moved:
            moved = False
            for index, core in enumerate(sides):
                while (event := core.next_event()) is not None:
                    moved = True
                    if isinstance(event, Persist):
                        assert core.data_to_send(self.now) == b""
                        core.persisted(counters.apply(self.stores[index], event), self.now)
                    else:
                        self.told[index].append(event)
                if data := core.data_to_send(self.now):
                    moved = True
                    for arriving in self.through(data):
                        sides[1 - index].receive(arriving, self.now)

    def push(self, notification):
        self.sender.send(notification, self.now)
        self.run()
        while (due := self.sender.next_timeout()) is not None and self.sender.busy:
            self.now = max(due, self.now)
            self.sender.handle_timeout(self.now)
            self.run()
        return next(event for event in reversed(self.told[0]) if isinstance(event, Pushed | NotConfirmed))

    @property
    def received(self):
        return [event.notification for event in self.told[1] if isinstance(event, NotificationReceived)]


@pytest.fixture(params=["plain", "sealed"])
def sealed(request):
    return request.param == "sealed"


@pytest.mark.parametrize("hdlc", [False, True])
def test_a_push_is_confirmed(sealed, hdlc):
    line = Line(sealed=sealed, hdlc=hdlc)
    for number in range(10):
        push = DataNotification(CONFIRMED | number, None, ENERGY_OCTETS)
        assert line.push(push) == Pushed(number, confirmed=True)
    assert len(line.received) == 10
    assert line.now == 0.0
    if sealed:
        assert line.stores[0].load(confirmation_window_name(line.channel)) == 10


@pytest.mark.parametrize("notification", [QUIET, EVENT, REPORT])
def test_what_asks_for_no_confirmation_gets_none(sealed, notification):
    line = Line(sealed=sealed)
    assert line.push(notification) == Pushed(0, confirmed=False)
    assert line.received == [notification]
    title = line.told[1][-1].system_title
    assert title == (SERVER_TITLE if sealed else None)


@pytest.mark.parametrize("lost", ["push", "confirmation"])
def test_what_is_lost_is_sent_again_and_told_once(sealed, lost):
    dropped = []

    def through(data):
        if len(dropped) < 2 and (len(data) > 45) == (lost == "push" and sealed):
            dropped.append(data)
            return []
        return [data]

    line = Line(sealed=sealed, through=through)
    assert line.push(PUSH) == Pushed(7, confirmed=True)
    assert len(dropped) == 2
    assert line.now == 20.0
    assert line.received == [PUSH]
    other = DataNotification(CONFIRMED | 8, None, ENERGY_OCTETS)
    assert line.push(other) == Pushed(8, confirmed=True)
    assert line.received == [PUSH, other]


def test_it_is_given_up_after_its_attempts(sealed):
    line = Line(sealed=sealed, through=lambda _data: [], attempts=4)
    assert line.push(PUSH) == NotConfirmed(7, 4)
    assert line.now == 40.0
    assert not line.sender.busy


@pytest.mark.parametrize("seed", range(8))
def test_over_a_bad_line_every_confirmed_push_was_told_once(seed):
    choice = random.Random(seed)

    def through(data):
        drawn = choice.random()
        if drawn < 0.25:
            return []
        return [data, data] if drawn < 0.35 else [data]

    line = Line(through=through, attempts=40)
    pushes = [DataNotification(CONFIRMED | number, None, note(bytes([number]))) for number in range(12)]
    assert [line.push(push) for push in pushes] == [Pushed(number, confirmed=True) for number in range(12)]
    assert line.received == pushes


def test_a_long_push_comes_in_blocks_and_is_confirmed(sealed):
    line = Line(sealed=sealed, pdu_max=200)
    assert line.push(LONG) == Pushed(9, confirmed=True)
    assert line.received == [LONG]


def test_a_listener_without_numbers_confirms_no_sealed_push():
    line = Line(own=b"")
    assert line.push(PUSH) == NotConfirmed(7, 3)
    assert line.received == [PUSH]


def test_a_confirmation_must_be_as_protected_as_the_push():
    line = Line(own=b"")
    line.sender.send(PUSH, 0.0)
    line.run()
    line.sender.receive(encode_wrapper(encode_apdu(DataNotificationConfirm(CONFIRMED | 7)), LISTENER, METER), 0.0)
    line.run()
    assert isinstance(line.told[0][-1], Refused)
    assert isinstance(line.told[0][-1].error, SecurityError)
    assert line.sender.busy


def test_confirmations_of_other_pushes_and_other_apdus():
    line = Line(sealed=False, through=lambda _data: [])
    line.sender.send(PUSH, 0.0)
    for apdu in (DataNotificationConfirm(8), QUIET):
        line.sender.receive(encode_wrapper(encode_apdu(apdu), LISTENER, METER), 0.0)
    line.sender.receive(encode_wrapper(b"\xff", LISTENER, METER), 0.0)
    line.run()
    assert line.sender.busy
    assert [type(event) for event in line.told[0]] == [Refused, Refused]
    with pytest.raises(LocalProtocolError, match="under way"):
        line.sender.send(PUSH, 0.0)


def test_blocks_that_want_an_answer_are_refused():
    line = Line(sealed=False)
    block = GeneralBlockTransfer(block_control(1, last_block=True, streaming=False), 1, 0, encode_apdu(QUIET))
    line.receiver.receive(encode_wrapper(encode_apdu(block), METER, LISTENER), 0.0)
    line.run()
    assert isinstance(line.told[1][-1], Refused)
    assert line.received == []


def test_the_end_of_the_link_is_told():
    line = Line()
    line.sender.closed(0.0)
    line.receiver.closed(0.0)
    line.run()
    assert [type(told[-1]) for told in line.told] == [Closed, Closed]


def test_the_confirmation_octet_by_octet():
    line = Line(sealed=False)
    sent = []
    line.through = lambda data: (sent.append(data), [data])[1]
    line.push(PUSH)
    assert sent[-1] == bytes.fromhex("0001 0067 0001 0005 1040000007".replace(" ", ""))
    assert decode_apdu(sent[-1][8:]) == DataNotificationConfirm(CONFIRMED | 7)
