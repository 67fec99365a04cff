"""What a collector hands on of meters that repeat themselves, by what stands open in their telegrams."""

from itertools import pairwise

import pytest

from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.fragment import Fragment, encode_fragment
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.sealing import plain_telegram
from openami.protocols.mbus.wireless.spacing import Spacing

METER = MeterAddress.parse("OAM.12345678.21.07")
OTHER = MeterAddress.parse("OAM.12345679.21.07")
VOLUME = bytes.fromhex("0413c4090000")


def telegram(number=0, meter=METER, control=0x44, records=VOLUME, status=0):
    made = bytearray(plain_telegram(control, meter, number, records))
    made[12] = status
    return bytes(made)


def test_of_telegrams_that_look_alike_one_goes_on_in_its_time():
    spacing = Spacing(300)
    taken = [at for at in range(0, 3_600, 16) if spacing.admit(telegram(at & 0xFF), at)]
    assert len(taken) == 12
    assert all(later - earlier >= 300 for earlier, later in pairwise(taken))


@pytest.mark.parametrize(
    "different",
    [
        telegram(meter=OTHER),
        telegram(status=0x08),
        telegram(records=VOLUME + VOLUME),
        telegram(control=0x08),
        encode_link(LinkHeader(0x44, METER), b"\x79" + bytes(12)),
    ],
    ids=["other meter", "other status", "other length", "an answer", "compact"],
)
def test_what_looks_different_goes_its_own_way(different):
    spacing = Spacing(300)
    assert spacing.admit(telegram(), 0)
    assert spacing.admit(different, 1)
    assert not spacing.admit(telegram(), 2)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_fragments_are_never_held_back(number):
    spacing = Spacing(300)
    piece = encode_fragment(Fragment(number, number < 3, 0x65 if number == 1 else None)) + VOLUME
    data = encode_link(LinkHeader(0x44, METER), piece)
    assert [spacing.admit(data, at) for at in range(3)] == [True] * 3


def test_ciphertext_that_no_layer_can_be_read_of_is_told_by_its_length():
    spacing = Spacing(300)
    closed = encode_link(LinkHeader(0x44, METER), bytes.fromhex("8d2001010203241122") + bytes(range(30)))
    assert [spacing.admit(closed, at) for at in (0, 1, 301)] == [True, False, True]


def test_zero_hands_on_everything_and_a_clock_that_went_back_holds_nothing_up():
    assert all(Spacing(0).admit(telegram(), 0) for _ in range(3))
    spacing = Spacing(300)
    assert spacing.admit(telegram(), 1_000)
    assert spacing.admit(telegram(), 500)


def test_it_is_bounded():
    spacing = Spacing(300, shapes_max=2)
    for meter in (METER, OTHER, MeterAddress.parse("OAM.00000001.01.07")):
        assert spacing.admit(telegram(meter=meter), 0)
    assert spacing.admit(telegram(), 1)
    assert not spacing.admit(telegram(meter=MeterAddress.parse("OAM.00000001.01.07")), 1)
