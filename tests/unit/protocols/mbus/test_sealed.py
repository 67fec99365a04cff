"""Encrypted wired frames, TLS records, relayed frames and repeaters."""

import pytest

from openami.model.errors import DecodeError
from openami.protocols.mbus.application import Content, decode_application
from openami.protocols.mbus.telegram import wired_decoders
from openami.protocols.mbus.wired.frame import LongFrame, encode_frame
from openami.protocols.mbus.wired.sealed import open_application
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.opening import Protection
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.sealing import plain_telegram
from openami.protocols.mbus.wireless.tls_record import decode_tls_records

KEY = bytes(range(16))
METER = MeterAddress.parse("OAM.12345678.01.07")
RECORDS = bytes.fromhex("0413c4090000")


def wired(records=RECORDS):
    plain = b"\x2f\x2f" + records + b"\x2f" * (14 - len(records))
    sealed = security.cbc_encrypt(KEY, security.initial_vector(METER, 9), plain)
    return METER.transport_order + bytes.fromhex("09001005") + sealed


def test_a_sealed_wired_frame_opens_with_the_key():
    application = decode_application(0x72, wired())
    assert application.content is Content.SEALED
    opened, how = open_application(application, KeyStore([KEY]))
    assert [str(record.value) for record in opened.records] == ["2.500 m³"]
    assert how.protection is Protection.DECRYPTED
    same, how = open_application(application, KeyStore([bytes(16)]))
    assert same is application
    assert "wrong key" in how.problem
    assert open_application(opened, KeyStore()) == (opened, None)


def test_decode_shows_it():
    frame = encode_frame(LongFrame(0x08, 1, 0x72, wired()))
    shown = wired_decoders([KEY])[0].decode(frame).plain()
    assert shown["content"]["values"][0]["obis"] == "8-0:1.0.0*255"
    assert shown["content"]["protection"] == "decrypted, without authentication"
    assert "give the key" in wired_decoders()[0].decode(frame).plain()["content"]["problem"]


def test_tls_records_are_told_and_carried():
    handshake = bytes.fromhex("1603030004") + b"abcd"
    record = bytes.fromhex("1703030008") + b"12345"
    assert list(map(str, decode_tls_records(handshake + record))) == [
        "handshake of TLS 1.2 or 1.3, 4 octets",
        "application data of TLS 1.2 or 1.3, 8 octets, 3 of them to come",
    ]
    for wrong in ("16", "9903030001aa", "1699030001aa", "160303ffff"):
        with pytest.raises(DecodeError):
            decode_tls_records(bytes.fromhex(wrong))
    head = bytes.fromhex("44") + METER.link_order + bytes.fromhex("7a 01 00 00 0d 00")
    telegram = WirelessReader().read(bytes((len(head + handshake),)) + head + handshake).telegram
    assert telegram.problems == ("security mode 13 (TLS) is recognised and not opened: " + str(
        decode_tls_records(handshake)[0]
    ),)  # fmt: skip
    assert telegram.opened.content == handshake
    noise = WirelessReader().read(bytes((len(head) + 2,)) + head + b"\x01\x02").telegram
    assert "no TLS record begins with 0102" in noise.problems[0]


def test_a_relayed_frame_is_its_own_thing():
    payload = bytes.fromhex("44") + METER.link_order + b"\x81relay"
    telegram = WirelessReader().read(bytes((len(payload),)) + payload).telegram
    assert telegram.opened.protection is Protection.CLOSED
    assert telegram.opened.content == b"\x81relay"
    assert "EN 13757-5" in telegram.problems[0]


def test_a_repeater_leaves_its_mark():
    assert not WirelessReader().read(plain_telegram(0x44, METER, 1, RECORDS)).telegram.repeated
    assert WirelessReader().read(plain_telegram(0x44, METER, 1, RECORDS, flags=1)).telegram.repeated
