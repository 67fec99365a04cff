"""What `openami listen` makes of a consumer port: the protocol shows itself, even in the middle of a message."""

from __future__ import annotations

import json

import pytest

from openami.cli import p1
from openami.cli.consumer_port import UNDECIDED_MAX, ConsumerPortStream
from openami.cli.watch import WatchedLink, Watcher
from openami.protocols.dlms.telegram import DlmsDecoder
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, seal_p1
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import CloseResponse
from openami.protocols.sml.transport import encode_transport

P1 = encode_p1("OAM5METER", [DataSet("1-0:1.8.0", ("000123.456*kWh",))])
SML = encode_transport(encode_file([Message(b"\x01", 0, 0, CloseResponse())]))
KEY = bytes(range(16))
SEALED = seal_p1(P1, b"OAM00001", 1, bytes(16), Authentication.WITHOUT_KEY)
HDLC = bytes.fromhex("7ea0080223219 3bd647e".replace(" ", ""))


@pytest.mark.parametrize("message", [P1, SEALED, SML, HDLC], ids=["p1", "sealed", "sml", "hdlc"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_messages_are_cut(message, size):
    stream = ConsumerPortStream()
    whole = message * 3 + b"\r\n"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    found = [cut for piece in pieces for cut in stream.feed(piece)]
    assert [each.strip() for each in found] == [message.strip()] * 3


@pytest.mark.parametrize(("message", "protocol"), [(P1, "p1"), (SML, "sml")])
def test_a_stream_that_begins_in_the_middle(capsys, message, protocol):
    link = WatchedLink(Watcher(DlmsDecoder(), as_json=True), "serial:/dev/ttyUSB0", consumer_port=True)
    link.received(message[len(message) // 2 :] + message, 0.0)
    link.received(message, 0.0)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["protocol"] for each in told].count(protocol) == 2


def test_noise_is_shown_at_last():
    stream = ConsumerPortStream()
    found = [cut for _ in range(3) for cut in stream.feed(bytes(UNDECIDED_MAX))]
    assert sum(map(len, found)) > UNDECIDED_MAX


@pytest.mark.parametrize("keys", [[], [KEY[::-1]], [KEY], [KEY, KEY[::-1]]], ids=["none", "wrong", "no-tag", "both"])
def test_encrypted_telegrams_of_a_port_need_their_keys(keys):
    sealed = seal_p1(P1, b"OAM00001", 1, KEY, Authentication.WITH_KEY, KEY[::-1])
    plain, told = list(p1.Cutter(3600, keys).cut(P1 + sealed))
    assert plain[0] == "OAM5METER"
    if KEY not in keys:
        assert "give its keys with --key" in str(told) if not keys else "no key opens it" in str(told)
        return
    title, (value,) = told
    assert (title, str(value.value)) == (b"OAM00001".hex(), "123456 Wh")
    assert value.remark == ("" if len(keys) == 2 else "not authenticated: anybody may have written it")
