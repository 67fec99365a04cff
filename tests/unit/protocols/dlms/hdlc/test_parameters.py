from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, SettingError
from openami.protocols.dlms.hdlc.parameters import HdlcParameters, decode_parameters

UA = bytes.fromhex("81801205019a06019a070400000001080400000001")
ISKRA = bytes.fromhex("81801205017e06017e070400000001080400000001")
TWO_BYTES = bytes.fromhex("8180140502008006020080070400000001080400000001")
SHORT = bytes.fromhex("81800c05017e06017e0701010801 01")


def test_what_real_meters_say():
    assert decode_parameters(UA) == HdlcParameters(154, 154, 1, 1)
    assert decode_parameters(ISKRA) == HdlcParameters(126, 126, 1, 1)
    assert decode_parameters(TWO_BYTES) == HdlcParameters(128, 128, 1, 1)
    assert decode_parameters(SHORT) == HdlcParameters(126, 126, 1, 1)
    assert bytes(HdlcParameters(154, 154)) == UA


def test_sizes_beyond_a_byte_take_two():
    wide = HdlcParameters(2030, 300, 7, 3)
    assert bytes(wide).hex() == "818014050207ee0602012c070400000007080400000003"
    assert decode_parameters(bytes(wide)) == wide


def test_what_is_absent_or_unknown():
    assert decode_parameters(b"") == HdlcParameters()
    assert decode_parameters(bytes.fromhex("818000")) == HdlcParameters()
    assert decode_parameters(bytes.fromhex("8180060501ff990122")) == HdlcParameters(255)


def test_claims_beyond_a_frame_are_taken_as_the_possible():
    claims = bytes.fromhex("8180100502ffff06010007010008040000ffff")
    assert decode_parameters(claims) == HdlcParameters(2030, 32, 1, 7)


@pytest.mark.parametrize(
    ("raw", "offset"), [("8080", 0), ("8180", 0), ("81800105", 3), ("818005050201", 2), ("818003050201", 3)]
)
def test_errors_tell_where(raw, offset):
    with pytest.raises(DecodeError) as caught:
        decode_parameters(bytes.fromhex(raw))
    assert caught.value.offset == offset


@pytest.mark.parametrize("values", [(31,), (2031,), (128, 5000), (128, 128, 0), (128, 128, 1, 8)])
def test_settings_out_of_range_are_named(values):
    with pytest.raises(SettingError, match="must be"):
        HdlcParameters(*values)


def test_the_narrower_of_both_sides():
    ours, theirs = HdlcParameters(1000, 500, 7, 5), HdlcParameters(300, 700, 2, 6)
    assert ours.agreed(theirs) == HdlcParameters(700, 300, 6, 2)
