"""general-ciphering and general-signing as `openami decode` shows them."""

from __future__ import annotations

import pytest

from dlms_curves import curves
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from openami.protocols.dlms.telegram import DlmsDecoder

KEYS = SecurityKeys(
    bytes(range(16)), bytes(range(16, 32)), suite=SecuritySuite.SUITE_1, master_key=bytes(range(32, 48))
)
GET = bytes.fromhex("c001c100080000010000ff0200")


def sealed(form, *, sign=False):
    sending = SendCounter("x")
    sending.reserved(sending.reservation())
    return SecureChannel(
        KEYS,
        b"OAM\x00\x00\x00\x00\x01",
        b"OAM\x10\x00\x00\x00\x2a",
        sending,
        ReceiveWindow(),
        control=0x30,
        required=0x30,
        form=form,
        asymmetric=curves()[0],
        random=lambda size: bytes(range(1, size + 1)),
        sign=sign,
    ).seal(GET)


def decoder():
    return DlmsDecoder([KEYS.global_unicast_encryption_key, KEYS.authentication_key])


def test_an_identified_key_opens_it():
    decoded = decoder().apdu(sealed(Form.GENERAL_IDENTIFIED))
    assert decoded.kind == "general-ciphering"
    assert decoded.inner[0].kind == "get-request-normal"


def test_a_signed_apdu_inside_says_that_nobody_has_verified_it():
    signing = decoder().apdu(sealed(Form.GENERAL_GLOBAL, sign=True)).inner[0]
    assert signing.kind == "general-signing"
    assert signing.problem == "the signature was not verified"
    assert signing.inner[0].kind == "get-request-normal"


@pytest.mark.parametrize("form", [Form.GENERAL_WRAPPED, Form.GENERAL_ONE_PASS, Form.GENERAL_STATIC])
def test_other_keys_are_named(form):
    decoded = decoder().apdu(sealed(form))
    assert "ciphered under a key that is not given" in decoded.problem
    assert decoded.inner == ()
