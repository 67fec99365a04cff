"""Adversaries against general-ciphering and general-signing; each drill has a twin with its guard removed."""

from __future__ import annotations

import pytest

import dlms_second as second
from dlms_curves import curves, key, strangers
from dlms_drills import Drills, forget, ignore
from openami.model.errors import OpenAmiError
from openami.protocols.dlms import asymmetric, general_ciphering, security
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

DRILLS = Drills()
drill = DRILLS.drill
CLIENT, METER, OTHER = b"OAM\x00\x00\x00\x00\x01", b"OAM\x10\x00\x00\x00\x2a", b"OAM\x10\x00\x00\x00\x2b"
KEYS = SecurityKeys(
    bytes(range(16)), bytes(range(16, 32)), suite=SecuritySuite.SUITE_1, master_key=bytes(range(32, 48))
)
SWITCH_OFF = bytes.fromhex("c301c100460000600300ff01010f00")
FRESH = (Form.GENERAL_WRAPPED, Form.GENERAL_ONE_PASS, Form.GENERAL_STATIC)


def counter():
    sending = SendCounter("drill")
    sending.reserved(sending.reservation())
    return sending


def sender(form, *, pair=None, keys=KEYS, sign=False, title=CLIENT, recipient=METER):
    return SecureChannel(
        keys,
        title,
        recipient,
        counter(),
        ReceiveWindow(),
        control=0x30,
        required=0x30,
        form=form,
        asymmetric=pair or curves()[0],
        random=lambda size: bytes(range(1, size + 1)),
        sign=sign,
    )


def meter(*, signature_required=False):
    return SecureChannel(
        KEYS,
        METER,
        CLIENT,
        counter(),
        ReceiveWindow(),
        control=0x30,
        required=0x30,
        asymmetric=curves()[1],
        signature_required=signature_required,
    )


def refuses(channel, raw):
    """The channel opens nothing, and its windows are where they were."""
    windows = channel.receiving.last, channel.transactions.last
    with pytest.raises(OpenAmiError):
        channel.open(decode_apdu(raw))
    assert windows == (channel.receiving.last, channel.transactions.last)


@drill(forget(security, "verify_tag", ignore))
def every_flipped_bit_of_general_ciphering_is_refused():
    for form in (Form.GENERAL_IDENTIFIED, *FRESH):
        raw, channel = sender(form).seal(SWITCH_OFF), meter()
        for bit in range(0, len(raw) * 8, 3):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            refuses(channel, bytes(flipped))
        assert channel.open(decode_apdu(raw)) == SWITCH_OFF


@drill(forget(asymmetric, "verify_signature", ignore))
def an_ephemeral_key_that_the_client_has_not_signed_is_refused():
    """The authentication key has leaked; the adversary agrees on a key of his own with the meter."""
    refuses(meter(), sender(Form.GENERAL_ONE_PASS, pair=strangers()[0]).seal(SWITCH_OFF))


@drill(forget(SecureChannel, "_check_signed", ignore))
def a_command_that_the_policy_wants_signed_is_refused_without():
    refuses(meter(signature_required=True), sender(Form.GENERAL_GLOBAL).seal(SWITCH_OFF))


@drill(forget(asymmetric, "verify_signature", ignore))
def a_command_that_a_holder_of_the_symmetric_keys_signs_himself_is_refused():
    """A head-end's operator has the shared keys, and not the authority's signing key."""
    refuses(
        meter(signature_required=True), sender(Form.GENERAL_GLOBAL, pair=strangers()[0], sign=True).seal(SWITCH_OFF)
    )


@drill(forget(SecureChannel, "_check_header", ignore))
def a_command_for_another_meter_is_refused():
    """One fleet, one set of keys by mistake: what was sealed and signed for a neighbour does not switch this meter."""
    for form in (Form.GENERAL_IDENTIFIED, Form.GENERAL_WRAPPED):
        refuses(meter(), sender(form, recipient=OTHER).seal(SWITCH_OFF))


@drill(forget(SecureChannel, "_check_header", ignore))
def a_signature_for_another_meter_is_refused():
    """The signature was made for a neighbour; the ciphering around it is for this meter."""
    refuses(meter(signature_required=True), sender(Form.GENERAL_GLOBAL, sign=True, recipient=OTHER).seal(SWITCH_OFF))


@drill(forget(ReceiveWindow, "check", ignore))
def a_repeated_command_is_refused_whatever_its_key():
    for form in (Form.GENERAL_IDENTIFIED, *FRESH):
        channel, raw = meter(), sender(form).seal(SWITCH_OFF)
        assert channel.open(decode_apdu(raw)) == SWITCH_OFF
        refuses(channel, raw)


@drill(forget(general_ciphering, "_check_not_broadcast", ignore))
def general_ciphering_with_the_broadcast_bit_is_refused():
    """Whoever knows the broadcast key names it; here it is by mistake the unicast key's value."""
    keys = SecurityKeys(
        KEYS.global_unicast_encryption_key,
        KEYS.authentication_key,
        KEYS.global_unicast_encryption_key,
        suite=SecuritySuite.SUITE_1,
    )
    meta = second.header(bytes(8), CLIENT, METER)
    content = second.gcm_seal(
        keys.global_unicast_encryption_key, CLIENT, 0, 0x71, KEYS.authentication_key, meta, SWITCH_OFF
    )
    raw = b"\xdd" + meta + b"\x01\x00\x00" + second.string(content)
    channel = meter()
    channel.keys = keys
    channel.required = 0x70
    refuses(channel, raw)


@drill(forget(SecureChannel, "_check_kind", ignore))
def a_protected_apdu_inside_a_protected_apdu_is_refused():
    inner = sender(Form.GENERAL_GLOBAL).seal(SWITCH_OFF)
    refuses(meter(), sender(Form.GENERAL_STATIC).seal(inner))


def test_a_point_that_is_not_on_the_curve_is_refused():
    client, _ = curves()
    bogus = b"\x01" * 64
    data = bogus + client.sign(bogus)
    raw = sender(Form.GENERAL_ONE_PASS).seal(SWITCH_OFF)
    apdu = decode_apdu(raw)
    info = type(apdu.key_info)(apdu.key_info.key_parameters, data)
    refuses(meter(), encode_apdu(type(apdu)(apdu.header, info, apdu.ciphered_content)))
    assert key(1, SecuritySuite.SUITE_1) is not None


@pytest.mark.parametrize("name", DRILLS)
def test_guard_holds(name):
    DRILLS[name].attack()


@pytest.mark.parametrize("name", DRILLS)
def test_twin_without_the_guard_falls(name, monkeypatch):
    DRILLS.fall(name, monkeypatch)
