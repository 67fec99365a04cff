"""Compact telegrams: learned, expanded, refused."""

from decimal import Decimal

import pytest

from openami.model.errors import DecodeError, FrameCheckError
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.formats import (
    FormatStore,
    UnknownFormat,
    encode_compact,
    encode_format,
    signature_of,
)
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.reader import WirelessReader

RECORDS = bytes.fromhex("0413c4090000" + "02fd170000" + "0dfd1103616263")
METER = LinkHeader(0x44, MeterAddress.parse("OAM.12345678.21.07"))


def test_a_signature_of_a_real_meter_series():
    """From a captured compact telegram, which carries A8ED for these headers."""
    assert signature_of(bytes.fromhex("02ff2004134413615b6167")) == 0xA8ED


def test_learned_from_a_full_telegram():
    reader = WirelessReader()
    compact = encode_link(METER, b"\x79" + encode_compact(RECORDS))
    before = reader.read(compact)
    assert "unknown format signature" in before.problems[0]
    assert before.manufacturer_data == encode_compact(RECORDS)
    reader.read(encode_link(METER, b"\x78" + RECORDS))
    after = reader.read(compact)
    assert after.value("volume").value.value == Decimal("2.5")
    assert after.value("customer").value == "cba"


def test_learned_from_a_format_telegram():
    reader = WirelessReader()
    reader.read(encode_link(METER, b"\x69" + encode_format(RECORDS)))
    assert reader.read(encode_link(METER, b"\x79" + encode_compact(RECORDS))).value("volume").value.value == Decimal(
        "2.5"
    )


def test_a_compact_telegram_that_does_not_check_is_refused():
    store = FormatStore()
    store.learn(decode_records(RECORDS))
    good = encode_compact(RECORDS)
    assert store.expand(good).records[0].value == decode_records(RECORDS).records[0].value
    with pytest.raises(FrameCheckError, match="does not make its full one"):
        store.expand(good[:4] + b"\x00" + good[5:])
    with pytest.raises(DecodeError):
        store.expand(good[:-1])
    with pytest.raises(DecodeError):
        store.expand(good[:3])


def test_formats_are_bounded_and_the_unused_one_goes():
    store = FormatStore(formats_max=2)
    kinds = [bytes((0x01, vif, 0x05)) for vif in (0x13, 0x14, 0x15)]
    store.learn(decode_records(kinds[0]))
    store.learn(decode_records(kinds[1]))
    store.expand(encode_compact(kinds[0]))
    store.learn(decode_records(kinds[2]))
    assert len(store) == 2
    store.expand(encode_compact(kinds[0]))
    with pytest.raises(UnknownFormat) as caught:
        store.expand(encode_compact(kinds[1]))
    assert caught.value.signature == signature_of(kinds[1][:2])


def test_a_format_with_a_wrong_signature_is_not_learned():
    store = FormatStore()
    made = bytearray(encode_format(RECORDS))
    made[1] ^= 1
    with pytest.raises(FrameCheckError):
        store.learn_format(bytes(made))
    assert len(store) == 0


def test_an_inverse_profile_becomes_its_values():
    raw = bytes.fromhex("8d04ee13" + "0b" + "3bfe" + "990000" + "520000" + "ffffff")
    reading = WirelessReader().read(encode_link(METER, b"\x78" + raw))
    values = {value.words: value.value and value.value.value for value in reading.values}
    assert values == {
        "heat cost allocation units, storage 8, 1 × month before": Decimal(99),
        "heat cost allocation units, storage 8, 2 × month before": Decimal(52),
        "heat cost allocation units, storage 8, 3 × month before": None,
    }


def test_records_before_a_cut_are_kept():
    reading = WirelessReader().read(encode_link(METER, b"\x78" + bytes.fromhex("0413c40900000413c409")))
    assert [value.words for value in reading.values] == ["volume"]
    assert reading.problems == ("4 bytes behind the last record",)


def test_fillers_of_an_encrypted_compact_telegram_are_passed_over():
    reader = WirelessReader()
    reader.read(encode_link(METER, b"\x78" + RECORDS))
    content = b"\x2f\x2f" + encode_compact(RECORDS) + b"\x2f\x2f\x2f"
    reading = reader.read(encode_link(METER, bytes.fromhex("7b09001005") + content))
    assert reading.value("volume").value.value == Decimal("2.5")


def test_content_that_is_not_all_records_gives_no_numbers():
    """The first record would read well; the rest shows that it is something else."""
    reading = WirelessReader().read(encode_link(METER, b"\x78" + bytes.fromhex("0413c40900003f0102030405060708")))
    assert reading.values == ()
    assert reading.problems[0].startswith("no records, or the maker's own layout: reserved DIF 3f")
    assert reading.manufacturer_data.startswith(bytes.fromhex("0413"))
