"""The gateway prefix, and whole associations through it."""

from __future__ import annotations

import pytest

from dlms_pair import ENERGY, ENERGY_OCTETS, Pair, client_settings, plain_settings
from openami.model.errors import DecodeError, SettingError
from openami.protocols.dlms.events import Answered, Associated
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Garbage, Role
from openami.protocols.dlms.gateway import (
    REQUEST,
    RESPONSE,
    GatewayAddress,
    GatewayFraming,
    Prefixed,
    decode_prefixed,
    encode_prefixed,
)
from openami.protocols.dlms.request import Get
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

HERE = GatewayAddress(1, b"\x00\x17")
OTHER = GatewayAddress(1, b"\x00\x18")


def test_the_prefix_octet_by_octet():
    prefixed = Prefixed(REQUEST, HERE, bytes.fromhex("c001c1"))
    raw = bytes.fromhex("e6 01 02 0017 c001c1")
    assert encode_prefixed(prefixed) == raw
    assert decode_prefixed(raw) == prefixed
    assert decode_prefixed(bytes.fromhex("e70000")) == Prefixed(RESPONSE, GatewayAddress(0, b""), b"")


@pytest.mark.parametrize("raw", ["", "e5010200", "e6", "e601", "e60103aabb", "e60185000000000000"])
def test_what_is_no_prefix(raw):
    with pytest.raises(DecodeError):
        decode_prefixed(bytes.fromhex(raw))


@pytest.mark.parametrize("settings", [plain_settings(), client_settings()])
def test_an_association_through_a_gateway(settings):
    saps = settings.client_sap, settings.server_sap
    pair = Pair(settings, framings=[GatewayFraming(WrapperFraming(role, *saps), role, HERE) for role in Role])
    assert isinstance(pair.associate(), Associated)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)
    assert {apdu[0] for apdu in pair.sent["client"]} == {REQUEST}
    assert {apdu[0] for apdu in pair.sent["server"]} == {RESPONSE}


def framing():
    inner = WrapperFraming(Role.CLIENT, 16, 1)
    return GatewayFraming(inner, Role.CLIENT, HERE), inner


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xc4\x01", "begins no gateway prefix"),
        (encode_prefixed(Prefixed(REQUEST, HERE, b"\xc0")), "E6 came where E7 was due"),
        (encode_prefixed(Prefixed(RESPONSE, OTHER, b"\xc4")), "device 0018, which is not the one called"),
    ],
)
def test_what_is_not_of_this_device_reaches_no_association(raw, reason):
    ours, _ = framing()
    ours.connect(0.0)
    assert isinstance(ours.next_event(), Connected)
    ours.receive(encode_wrapper(raw, 1, 16), 0.0)
    event = ours.next_event()
    assert isinstance(event, Garbage)
    assert reason in event.reason
    ours.receive(encode_wrapper(encode_prefixed(Prefixed(RESPONSE, HERE, b"\xc4")), 1, 16), 0.0)
    assert ours.next_event() == ApduReceived(b"\xc4", 1, 16)


def test_the_rest_is_the_framing_underneath():
    ours, inner = framing()
    assert ours.max_apdu == inner.max_apdu - 5
    assert ours.next_timeout() == inner.next_timeout()
    ours.handle_timeout(1.0)
    ours.connect(0.0)
    ours.disconnect(0.0)
    ours.closed(0.0)
    events = []
    while (event := ours.next_event()) is not None:
        events.append(event)
    assert isinstance(events[-1], Disconnected)
    with pytest.raises(SettingError, match="at most 127"):
        GatewayFraming(inner, Role.CLIENT, GatewayAddress(1, bytes(128)))
