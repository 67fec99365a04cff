"""A primary and a secondary joined in memory: what one sends arrives at the other once, whole and in order."""

from __future__ import annotations

import random

import pytest

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind, decode_frame, encode_frame
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hdlc.parameters import HdlcParameters, HdlcTimeouts
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.dlms.hdlc.secondary import SESSIONS_MAX

STEPS_MAX = 5000
METER = HdlcAddress(1, 17)
SIZES = (0, 1, 124, 125, 126, 1000, 65535)


class Line:
    """Both ends, the time, and what passes. `change` sees each burst and gives what arrives instead."""

    def __init__(self, server_parameters=None, client_parameters=None, change=None, address=METER, **timeouts):
        times = HdlcTimeouts(**timeouts)
        self.client = HdlcFraming(Role.CLIENT, 16, address, client_parameters or HdlcParameters(), times)
        self.server = HdlcFraming(Role.SERVER, 16, address, server_parameters or HdlcParameters(), times)
        self.now = 0.0
        self.change = change or (lambda data: data)
        self.asked, self.answered = [], []
        self.frames = []
        self.steps = 0
        self.respond = bytes

    def connect(self):
        self.client.connect(self.now)
        return self.until(lambda event: isinstance(event, (Connected, Disconnected)))

    def disconnect(self):
        self.client.disconnect(self.now)
        return self.until(lambda event: isinstance(event, Disconnected))

    def exchange(self, request, response):
        self.respond = lambda _: response
        self.client.send(request, self.now)
        return self.until(lambda event: isinstance(event, (ApduReceived, Disconnected)))

    def until(self, wanted):
        """Step both ends until the client has the wanted event."""
        while True:
            self.steps += 1
            assert self.steps < STEPS_MAX, "an endless loop"
            moved = self._move(self.client, self.server) | self._move(self.server, self.client)
            self._serve()
            while (event := self.client.next_event()) is not None:
                self.answered.append(event)
                if wanted(event):
                    return event
            if not moved and not self._pass_time():
                raise AssertionError("both ends wait and no timer is set")

    def _move(self, sender, receiver):
        data = sender.data_to_send(self.now)
        if data:
            self.frames += HdlcParser().feed(data)
            receiver.receive(self.change(data), self.now)
        return bool(data)

    def _serve(self):
        while (event := self.server.next_event()) is not None:
            self.asked.append(event)
            if isinstance(event, ApduReceived) and not event.unconfirmed:
                response = self.respond(event.apdu)
                if response is not None:
                    self.server.send(response, self.now)

    def _pass_time(self):
        due = [at for at in (self.client.next_timeout(), self.server.next_timeout()) if at is not None]
        if not due:
            return False
        self.now = max(self.now, min(due))
        self.client.handle_timeout(self.now)
        self.server.handle_timeout(self.now)
        return True

    def requests(self):
        return [event.apdu for event in self.asked if isinstance(event, ApduReceived)]


def wide(window=7, size=2030):
    return HdlcParameters(size, size, window, window)


@pytest.mark.parametrize("window", [1, 2, 4, 7])
@pytest.mark.parametrize("size", SIZES)
def test_an_apdu_of_any_size_passes_both_ways(window, size):
    line = Line(wide(window, 128), wide(window, 128))
    assert line.connect() == Connected(1, wide(window, 128))
    content = random.Random(size).randbytes(size)
    assert line.exchange(content, content[::-1]) == ApduReceived(content[::-1], 1, 16)
    assert line.requests() == [content]
    assert line.disconnect() == Disconnected("disconnected as asked", clean=True)
    assert line.asked[-1] == Disconnected("the client disconnected", 16, clean=True)
    assert line.now == 0.0, "nothing was repeated and nothing was waited for"


def test_a_window_saves_turns():
    turns = []
    for window in (1, 7):
        line = Line(wide(window, 128), wide(window, 128))
        line.connect()
        line.exchange(b"", bytes(10_000))
        turns.append(sum(1 for frame in line.frames if frame.kind is FrameKind.RR))
    assert turns[0] == 78
    assert turns[1] == 11


def test_the_narrower_of_both_sides_holds():
    line = Line(HdlcParameters(512, 256, 3, 2), HdlcParameters(1024, 400, 7, 1))
    assert line.connect() == Connected(1, HdlcParameters(256, 400, 2, 1))
    assert line.server.next_event() is None
    assert line.asked == [Connected(16, HdlcParameters(400, 256, 1, 2))]


def test_default_parameters_are_not_sent():
    line = Line()
    line.connect()
    assert [frame.information for frame in line.frames] == [b"", b""]


@pytest.mark.parametrize(
    "address", [HdlcAddress(1), HdlcAddress(1, 0), HdlcAddress(1, 17, 2), HdlcAddress(1, 0, 4), HdlcAddress(300, 4660)]
)
def test_all_forms_of_addresses(address):
    line = Line(address=address)
    line.connect()
    assert line.exchange(b"\xc0", b"\xc4") == ApduReceived(b"\xc4", address.upper, 16)
    assert {frame.source for frame in line.frames} == {address, HdlcAddress(16)}


def test_a_slow_meter_is_polled_until_it_answers():
    line = Line()
    line.connect()
    line.respond = lambda _: None
    line.client.send(b"\xc0", line.now)
    while line.now < 7.3:
        line._move(line.client, line.server)
        line._serve()
        line._move(line.server, line.client)
        assert line._pass_time()
    line.server.send(b"\xc4", line.now)
    assert line.until(lambda event: isinstance(event, ApduReceived)) == ApduReceived(b"\xc4", 1, 16)
    assert line.requests() == [b"\xc0"], "asked once, however long it took"
    assert sum(1 for frame in line.frames if frame.kind is FrameKind.I) == 2


def test_an_answer_that_never_comes_is_not_polled_for_ever():
    line = Line(polls=4)
    line.connect()
    line.respond = lambda _: None
    line.client.send(b"\xc0", line.now)
    while line._move(line.client, line.server) | line._move(line.server, line.client) or (
        line.client.next_timeout() is not None and line._pass_time()
    ):
        line.steps += 1
        assert line.steps < STEPS_MAX
    assert sum(1 for frame in line.frames if frame.kind is FrameKind.RR) == 1 + 2 * 4
    line.respond = bytes
    assert line.exchange(b"\xc1", b"\xc5").apdu == b"\xc5", "the connection itself is well"


def test_two_clients_in_turn_leave_nothing_behind():
    server = HdlcFraming(Role.SERVER, 16, METER)
    for _ in range(3):
        for sap in (16, 32):
            line = Line()
            line.server = server
            line.client = HdlcFraming(Role.CLIENT, sap, METER)
            line.connect()
            assert line.exchange(b"\xc0", bytes((sap,))) == ApduReceived(bytes((sap,)), 1, sap)
            assert line.asked[-1] == ApduReceived(b"\xc0", sap, 1)


def test_two_clients_connected_at_once_have_their_own_numbers():
    server = HdlcFraming(Role.SERVER, 16, METER)
    lines = []
    for sap in (16, 32):
        line = Line()
        line.server = server
        line.client = HdlcFraming(Role.CLIENT, sap, METER)
        line.connect()
        lines.append(line)
    for number in range(20):
        line = lines[number % 3 % 2]
        assert line.exchange(bytes((number,)), bytes((number, 1))).apdu == bytes((number, 1))


def test_a_client_that_vanished_may_connect_anew():
    line = Line()
    line.connect()
    line.client = HdlcFraming(Role.CLIENT, 16, METER)
    line.connect()
    assert [type(event) for event in line.asked] == [Connected, Disconnected, Connected]
    assert line.exchange(b"\xc0", b"\xc4").apdu == b"\xc4"


def test_a_secondary_that_is_not_connected_says_dm():
    line = Line()
    line.connect()
    line.server.disconnect(0.0)
    end = line.exchange(b"\xc0", b"\xc4")
    assert end == Disconnected("the secondary 1/17 is no longer connected (DM)")
    assert line.connect() == Connected(1, HdlcParameters())


def test_nobody_answers():
    line = Line(change=lambda _: b"", response_s=1.5, repeats=2)
    end = line.connect()
    assert end.reason == "the secondary 1/17 gave no answer to SNRM, asked 3 times within 1.5 s each"
    assert line.now == 4.5


def test_a_line_that_dies_in_the_middle():
    line = Line()
    line.connect()
    line.change = lambda _: b""
    assert "no answer to a poll" in line.exchange(b"\xc0", b"\xc4").reason
    line.client.disconnect(line.now)
    assert line.client.next_event() is None
    with pytest.raises(LocalProtocolError, match="connect before sending"):
        line.client.send(b"", line.now)


def test_disc_that_nobody_answers_ends_too():
    line = Line()
    line.connect()
    line.change = lambda _: b""
    end = line.disconnect()
    assert "no answer to DISC" in end.reason
    assert not end.clean


def test_the_end_of_the_link_is_told_once():
    line = Line()
    line.connect()
    line.client.closed(0.0)
    line.client.closed(0.0)
    assert line.client.next_event() == Disconnected("the link ended")
    assert line.client.next_event() is None


def test_a_silent_client_is_forgotten():
    line = Line(inactivity_s=60.0)
    line.connect()
    assert line.server.next_timeout() == 60.0
    line.server.handle_timeout(60.0)
    line._serve()
    assert line.asked[-1] == Disconnected("the client was silent for 60 s", 16)


def test_pushes_in_segmented_ui_frames():
    line = Line()
    push = b"\x0f" + bytes(300)
    line.server.send(push, 0.0, destination=103, unconfirmed=True)
    raw = line.server.data_to_send(0.0)
    frames = HdlcParser().feed(raw)
    assert [(frame.kind, frame.segmented, frame.final) for frame in frames] == [
        (FrameKind.UI, True, False),
        (FrameKind.UI, True, False),
        (FrameKind.UI, False, True),
    ]
    line.client.receive(raw, 0.0)
    assert line.client.next_event() == ApduReceived(push, 1, 103, unconfirmed=True)


def test_a_broadcast_reaches_every_meter_and_nobody_answers():
    client = HdlcFraming(Role.CLIENT, 16, HdlcAddress(1, 0x7F))
    client.send(b"\xc1", 0.0, unconfirmed=True)
    raw = client.data_to_send(0.0)
    for lower in (17, 18):
        server = HdlcFraming(Role.SERVER, 16, HdlcAddress(1, lower))
        server.receive(raw, 0.0)
        assert server.next_event() == ApduReceived(b"\xc1", 16, 1, unconfirmed=True)
        assert server.data_to_send(0.0) == b""


def command(kind, to=METER, **fields):
    return encode_frame(Frame(to, HdlcAddress(16), kind, **fields))


def connected_server():
    server = HdlcFraming(Role.SERVER, 16, METER)
    server.receive(command(FrameKind.SNRM), 0.0)
    server.data_to_send(0.0)
    assert isinstance(server.next_event(), Connected)
    return server


def test_another_meters_frames_are_not_answered():
    server = HdlcFraming(Role.SERVER, 16, METER)
    server.receive(command(FrameKind.SNRM, HdlcAddress(1, 18)), 0.0)
    assert server.data_to_send(0.0) == b""
    for to in (HdlcAddress(1), HdlcAddress(1, 0x7E), HdlcAddress(1, 0x3FFE, 4), HdlcAddress(1, 17, 4)):
        server.receive(command(FrameKind.SNRM, to), 0.0)
        assert decode_frame(server.data_to_send(0.0)).kind is FrameKind.UA


@pytest.mark.parametrize(
    ("raw", "numbers", "reason"),
    [
        (command(FrameKind.UNKNOWN, control=0x9B), 0x00, 0x01),
        (command(FrameKind.RR, receive_sequence=3), 0x00, 0x08),
    ],
)
def test_a_frame_that_cannot_be_is_rejected_and_ends_the_session(raw, numbers, reason):
    server = connected_server()
    server.receive(raw, 0.0)
    answer = decode_frame(server.data_to_send(0.0))
    assert answer.kind is FrameKind.FRMR
    assert answer.information[1:] == bytes((numbers, reason))
    assert "FRMR" in server.next_event().reason
    server.receive(raw, 0.0)
    assert decode_frame(server.data_to_send(0.0)).kind is FrameKind.DM


def test_frmr_ends_the_clients_connection():
    line = Line()
    line.connect()
    reject = Frame(HdlcAddress(16), METER, FrameKind.FRMR, information=b"\x10\x00\x01")
    line.client.receive(encode_frame(reject), 0.0)
    assert line.client.next_event() == Disconnected("the secondary 1/17 rejected a frame (FRMR 100001)")


def test_rnr_holds_the_client_back_without_losing_anything():
    line = Line()
    line.connect()
    line.client.send(bytes(300), 0.0)
    line.client.data_to_send(0.0)
    busy = Frame(HdlcAddress(16), METER, FrameKind.RNR, receive_sequence=1)
    line.client.receive(encode_frame(busy), 0.0)
    assert line.client.data_to_send(0.0) == b""
    line.client.handle_timeout(line.client.next_timeout())
    assert decode_frame(line.client.data_to_send(0.0)).kind is FrameKind.RR
    ready = busy._replace(kind=FrameKind.RR)
    line.client.receive(encode_frame(ready), 1.0)
    again = decode_frame(line.client.data_to_send(1.0))
    assert (again.kind, again.send_sequence) == (FrameKind.I, 1)


def test_a_meter_that_is_busy_for_ever_is_given_up():
    line = Line(polls=5)
    line.connect()
    line.client.send(bytes(300), 0.0)
    busy = Frame(HdlcAddress(16), METER, FrameKind.RNR, receive_sequence=1)
    for _ in range(20):
        if line.client.data_to_send(line.now):
            line.client.receive(encode_frame(busy), line.now)
        if line.client.next_timeout() is None:
            break
        line.now = line.client.next_timeout()
        line.client.handle_timeout(line.now)
    assert "stayed busy for 5 polls" in line.client.next_event().reason


def test_what_is_no_apdu_ends_the_connection_and_is_kept():
    line = Line()
    line.connect()
    line.client.send(b"\xc0", 0.0)
    bad = Frame(HdlcAddress(16), METER, FrameKind.I, receive_sequence=1, information=b"nonsense")
    line.client.receive(encode_frame(bad), 0.0)
    garbage, end = line.client.next_event(), line.client.next_event()
    assert garbage.data == b"nonsense"
    assert "LLC header 6e6f6e" in end.reason


def test_noise_before_between_and_half_a_frame_before_a_good_one():
    server = connected_server()
    request = command(FrameKind.I, information=b"\xe6\xe6\x00\xc0")
    server.receive(b"\x00noise\xff" + request[:9], 0.0)
    assert server.next_timeout() == 2.0
    server.handle_timeout(2.0)
    server.receive(request, 2.1)
    events = []
    while (event := server.next_event()) is not None:
        events.append(event)
    assert b"".join(event.data for event in events[:-1]) == b"\x00noise\xff" + request[:9]
    assert events[-1] == ApduReceived(b"\xc0", 16, 1)


def flip(choice, data, at):
    return data[:at] + bytes((data[at] ^ 1 << choice.randrange(8),)) + data[at + 1 :]


TAMPERINGS = (
    flip,
    lambda _choice, _data, _at: b"",
    lambda _choice, data, _at: data + data,
    lambda choice, data, at: data[:at] + data[at + choice.randint(1, 40) :],
    lambda _choice, data, at: data[:at] + data[at : at + 9] + data[at:],
    lambda choice, data, at: data[:at] + choice.randbytes(choice.randint(1, 60)) + data[at:],
)


def tampering(seed, rate):
    """A hook that flips a bit, loses or doubles a burst, or loses, doubles or adds bytes in it."""
    choice = random.Random(seed)

    def change(data):
        if choice.random() >= rate:
            return data
        return choice.choice(TAMPERINGS)(choice, data, choice.randrange(len(data)))

    return change


@pytest.mark.parametrize("window", [1, 3, 7])
@pytest.mark.parametrize("rate", [0.05, 0.3, 0.7])
def test_a_lossy_line_gives_the_same_apdus_or_a_clear_end(window, rate):
    """Never a wrong APDU, never one twice, never an endless loop."""
    finished = 0
    for seed in range(40):
        choice = random.Random(seed)
        line = Line(wide(window, 128), wide(window, 128), tampering(seed, rate), repeats=10)
        alive = isinstance(line.connect(), Connected)
        expected = []
        for _ in range(6):
            if not alive:
                break
            request, response = choice.randbytes(choice.randint(0, 900)), choice.randbytes(choice.randint(0, 2000))
            expected.append(request)
            event = line.exchange(request, response)
            alive = isinstance(event, ApduReceived)
            assert not alive or event.apdu == response
            assert line.requests() == expected[: len(line.requests())]
            assert len(line.requests()) >= len(expected) - (not alive)
        finished += alive
    assert finished == 40 if rate < 0.1 else finished > 0 or rate > 0.5


def response(kind, **fields):
    return encode_frame(Frame(HdlcAddress(16), METER, kind, **fields))


def test_a_client_may_change_its_mind_while_connecting():
    line = Line()
    line.client.connect(0.0)
    with pytest.raises(LocalProtocolError, match="open already"):
        line.client.connect(0.0)
    line.client.disconnect(0.0)
    assert line.client.next_event() == Disconnected("disconnected while connecting", clean=True)
    assert line.client.next_timeout() is None


def test_parameters_that_cannot_be_read_are_kept_and_asked_for_again():
    line = Line()
    line.client.connect(0.0)
    line.client.receive(response(FrameKind.UA, information=b"\x81\x80\x09"), 0.0)
    assert line.client.next_event().data == b"\x81\x80\x09"
    line.client.receive(response(FrameKind.UA), 0.1)
    assert line.client.next_event() == Connected(1, HdlcParameters())


def test_an_snrm_that_cannot_be_read_is_refused():
    server = HdlcFraming(Role.SERVER, 16, METER)
    server.receive(command(FrameKind.SNRM, information=b"\x81\x80\x09"), 0.0)
    assert server.next_event().data == b"\x81\x80\x09"
    assert decode_frame(server.data_to_send(0.0)).kind is FrameKind.DM


def test_an_acknowledgement_of_what_was_not_sent_is_not_believed():
    line = Line()
    line.connect()
    line.client.send(b"\xc0", 0.0)
    line.client.receive(response(FrameKind.RR, receive_sequence=5), 0.0)
    assert "was not sent" in line.client.next_event().reason
    assert line.until(lambda event: isinstance(event, ApduReceived)) == ApduReceived(b"\xc0", 1, 16)


def test_a_client_sends_unconfirmed_to_another_logical_device():
    client = HdlcFraming(Role.CLIENT, 16, METER)
    client.send(b"\xc1", 0.0, destination=5, unconfirmed=True)
    assert decode_frame(client.data_to_send(0.0)).destination == HdlcAddress(5, 17)
    with pytest.raises(LocalProtocolError, match="no HDLC connection with 5/17"):
        client.send(b"\xc1", 0.0, destination=5)


def test_a_server_answers_the_client_that_is_named_and_pushes_to_any():
    server = connected_server()
    other = encode_frame(Frame(METER, HdlcAddress(32), FrameKind.SNRM))
    server.receive(other, 0.0)
    server.data_to_send(0.0)
    server.send(b"\xc4", 0.0, destination=16)
    server.receive(command(FrameKind.RR), 0.0)
    answer = decode_frame(server.data_to_send(0.0))
    assert (answer.kind, answer.destination) == (FrameKind.I, HdlcAddress(16))
    server.send(b"\x0f", 0.0, destination=64, source=3, unconfirmed=True)
    push = decode_frame(server.data_to_send(0.0))
    assert (push.destination, push.source) == (HdlcAddress(64), HdlcAddress(3, 17))
    while server.next_event() is not None:
        pass
    with pytest.raises(LocalProtocolError, match="no HDLC session with client 64"):
        server.send(b"\xc4", 0.0, destination=64)
    with pytest.raises(LocalProtocolError, match="no HDLC session with client 16"):
        HdlcFraming(Role.SERVER, 16, METER).send(b"\xc4", 0.0)


def test_what_is_no_apdu_makes_the_server_reject_it():
    server = connected_server()
    server.receive(command(FrameKind.I, information=b"nonsense"), 0.0)
    assert decode_frame(server.data_to_send(0.0)).kind is FrameKind.FRMR
    assert server.next_event().data == b"nonsense"


def test_answers_of_the_servers_own_echo_are_not_answered():
    server = connected_server()
    for kind in (FrameKind.UA, FrameKind.DM, FrameKind.FRMR):
        server.receive(command(kind), 0.0)
    assert server.data_to_send(0.0) == b""
    assert server.next_event() is None


def test_a_server_keeps_a_bounded_number_of_clients():
    server = HdlcFraming(Role.SERVER, 16, METER)
    for sap in range(1, SESSIONS_MAX + 2):
        server.receive(encode_frame(Frame(METER, HdlcAddress(sap), FrameKind.SNRM)), 0.0)
    ends = []
    while (event := server.next_event()) is not None:
        if isinstance(event, Disconnected):
            ends.append(event)
    assert ends == [Disconnected(f"more than {SESSIONS_MAX} clients", 1)]
