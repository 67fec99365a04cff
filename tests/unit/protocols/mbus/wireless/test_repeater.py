"""One hop, later, marked; no telegram twice, none that a repeater said, nothing that cannot be marked."""

import pytest

from openami.model.errors import DecodeError
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.extended_link import ExtendedLink, encode_extended_link, payload_check
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.link import LinkHeader, decode_link, encode_link
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.repeater import OneHopRepeater, marked
from openami.protocols.mbus.wireless.sealing import mode_5_telegram, mode_7_telegram, plain_telegram

METER = MeterAddress.parse("OAM.12345678.21.07")
OTHER = MeterAddress.parse("OAM.12345679.21.07")
REPEATER = MeterAddress.parse("OAM.00000001.01.32")
KEY = bytes(range(16))
VOLUME = bytes.fromhex("0413c4090000")
SND_NR, SND_IR = 0x44, 0x46


def session(control=SND_NR):
    """A telegram whose session is encrypted in the extended link layer."""
    payload = b"\x78" + VOLUME
    header = ExtendedLink(0x8D, 0x20, 7, None, b"\x01\x02\x03\x24", payload_check(payload))
    sealed = security.ctr(KEY, header.initial_counter(METER), header.check + payload)
    whole = ExtendedLink(0x8D, 0x20, 7, None, header.session, sealed[:2])
    return encode_link(LinkHeader(control, METER), encode_extended_link(whole) + sealed[2:])


def seven_in_ell():
    bare = mode_7_telegram(SND_NR, METER, 9, VOLUME, KEY, 5)
    return encode_link(LinkHeader(SND_NR, METER), encode_extended_link(ExtendedLink(0x8C, 0x20, 9)) + bare[10:])


def halfway(_):
    return b"\x80\x00"


def repeater(**options):
    return OneHopRepeater(REPEATER, halfway, **options)


@pytest.mark.parametrize(
    "telegram",
    [
        plain_telegram(SND_NR, METER, 1, VOLUME),
        mode_5_telegram(SND_NR, METER, 1, VOLUME, KEY),
        session(),
        seven_in_ell(),
    ],
    ids=["plain", "mode 5", "session", "mode 7 with extended link layer"],
)
@pytest.mark.parametrize("frame_format", list(FrameFormat))
def test_what_it_says_opens_as_before_and_tells_that_it_was_repeated(telegram, frame_format):
    one = repeater()
    assert one.receive(encode_frame(telegram, frame_format), 100)
    assert one.next_timeout() == 115
    assert one.data_to_send(114.9) == []
    (said,) = one.data_to_send(115)
    assert (one.next_timeout(), one.repeated) == (None, 1)
    reading, before = (WirelessReader(KeyStore([KEY])).read(each) for each in (said, telegram))
    assert (reading.telegram.repeated, before.telegram.repeated) == (True, False)
    assert [(each.value, each.guarantee) for each in reading.values] == [
        (each.value, each.guarantee) for each in before.values
    ]
    assert reading.values
    assert not one.receive(said, 200)


@pytest.mark.parametrize(
    "telegram",
    [
        plain_telegram(0x08, METER, 1, VOLUME),
        plain_telegram(SND_NR, METER, 1, VOLUME, flags=1),
        plain_telegram(SND_NR, METER, 1, VOLUME, flags=2),
        mode_7_telegram(SND_NR, METER, 9, VOLUME, KEY, 5),
        encode_link(LinkHeader(SND_NR, METER), b"\x78" + VOLUME),
        encode_link(LinkHeader(SND_NR, METER), b"\xa2" + VOLUME),
    ],
    ids=["an answer", "hop set", "repeated access", "mode 7 alone", "no header", "a layout of the maker's own"],
)
def test_what_may_not_or_cannot_be_marked_is_left_alone(telegram):
    assert marked(telegram) is None
    assert not repeater().receive(telegram, 0)


def test_behind_an_installation_telegram_it_says_that_there_is_a_way():
    one = repeater()
    one.receive(plain_telegram(SND_IR, METER, 1, VOLUME), 0)
    again, way = one.data_to_send(100)
    assert decode_link(again).control == SND_IR
    assert decode_link(way) == LinkHeader(0x40, REPEATER)
    assert WirelessReader().read(way).telegram.meter == METER


def test_a_telegram_is_said_once_and_not_if_another_repeater_was_faster():
    one = repeater()
    telegram = plain_telegram(SND_NR, METER, 1, VOLUME)
    assert [one.receive(telegram, at) for at in (0, 1)] == [True, False]
    one.receive(marked(telegram), 2)
    assert one.data_to_send(100) == []


def test_it_waits_5_to_25_seconds_by_chance():
    for chance, due in ((b"\x00\x00", 5.0), (b"\xff\xff", 25.0)):
        one = OneHopRepeater(REPEATER, lambda _, chance=chance: chance)
        one.receive(plain_telegram(SND_NR, METER, 1, VOLUME), 0)
        assert one.next_timeout() == pytest.approx(due, abs=0.01)


def test_it_is_bounded_and_may_serve_some_meters_only():
    one = repeater(waiting_max=2, only=frozenset((METER,)))
    taken = [one.receive(plain_telegram(SND_NR, METER, number, VOLUME), 0) for number in range(4)]
    assert (taken, one.dropped) == ([True, True, False, False], 2)
    assert not one.receive(plain_telegram(SND_NR, OTHER, 1, VOLUME), 0)


def test_a_network_layer_of_one_byte_is_passed_over_and_told():
    """As meters of one maker were heard to send it."""
    raw = encode_link(LinkHeader(SND_NR, METER), b"\x81\x1d\x7a\x09\x00\x00\x00" + VOLUME)
    reading = WirelessReader().read(raw)
    assert reading.telegram.network == 0x1D
    assert [value.called for value in reading.values] == ["volume"]
    routed = WirelessReader().read(encode_link(LinkHeader(SND_NR, METER), b"\x81\x00\x01\x02\x03"))
    assert routed.values == ()
    assert "routed after EN 13757-5" in routed.problems[0]


def test_what_is_no_frame_is_told():
    with pytest.raises(DecodeError):
        repeater().receive(b"\x02\x01", 0)
