from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.hdlc.address import HdlcAddress, decode_address

FORMS = [
    ("21", HdlcAddress(16)),
    ("03", HdlcAddress(1)),
    ("01", HdlcAddress(0)),
    ("ff", HdlcAddress(127)),
    ("0223", HdlcAddress(1, 17)),
    ("0201", HdlcAddress(1, 0)),
    ("0883", HdlcAddress(4, 65)),
    ("00020023", HdlcAddress(1, 17, 4)),
    ("00024869", HdlcAddress(1, 4660)),
    ("00020001", HdlcAddress(1, 0, 4)),
    ("fefefeff", HdlcAddress(16383, 16383)),
]


@pytest.mark.parametrize(("raw", "address"), FORMS)
def test_every_form_reads_and_writes(raw, address):
    assert decode_address(bytes.fromhex(raw)) == address
    assert bytes(address).hex() == raw


@pytest.mark.parametrize("raw", ["", "02", "020405", "0202", "02020202", "0123", "000200020023"])
def test_what_is_no_address(raw):
    with pytest.raises(DecodeError, match="no HDLC address"):
        decode_address(bytes.fromhex(raw))


@pytest.mark.parametrize(
    "form", [(128,), (-1,), (1, 16384), (16384, 1), (1, 17, 1), (1, None, 2), (1, 17, 3), (1, 200, 2), (1, -1)]
)
def test_what_does_not_fit_is_our_own_fault(form):
    with pytest.raises(LocalProtocolError, match="HDLC address"):
        HdlcAddress(*form)


def test_lower_address_zero_is_an_address():
    assert HdlcAddress(1, 0) != HdlcAddress(1)
    assert str(HdlcAddress(1, 0)) == "1/0"
    assert str(HdlcAddress(1)) == "1"


def test_special_lower_addresses_depend_on_the_size():
    assert HdlcAddress(1, 0x7F).is_broadcast
    assert HdlcAddress(1, 0x3FFF).is_broadcast
    assert not HdlcAddress(1, 0x7F, 4).is_broadcast
    assert HdlcAddress(1, 0x7E).is_calling
    assert HdlcAddress(1, 0x3FFE).is_calling
    assert not HdlcAddress(0x7F).is_broadcast
