"""What opens, what stays closed, and the words for it. Telegrams: lvogt/wireless-mbus-parser (MIT) and our own."""

import re
from decimal import Decimal

import pytest

from openami.model.errors import DecodeError, SecurityError, SettingError
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.fragment import Fragment, encode_fragment
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.opening import Protection
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.replay import Arrival, ReplayGuard

KEY = bytes(range(16))
METER = MeterAddress.parse("OAM.12345678.21.07")
ADAPTER = MeterAddress.parse("XYZ.99999999.01.37")
RECORDS = bytes.fromhex("2f2f0413c4090000") + b"\x2f" * 8

MODE_5 = bytes.fromhex("2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69EBF3")
KEY_5 = bytes.fromhex("0102030405060708090A0B0C0D0E0F11")
MODE_7 = bytes.fromhex(
    "434493157856341233038C2075900F002C25B30A000021924D4F2FB66E017A75002007109058475F4BC91DF878B80A1B0F98B6"
    "29024AAC727942BFC549233C0140829B93"
)
PARTIAL = bytes.fromhex(
    "2D44934444332211553769EF7288776655934455080004100500DFE227F9A782146D1513581CD2F83F39040CFD1040C4785634128134"
)


def read(telegram, *keys, **options):
    return WirelessReader(KeyStore(keys), **options).read(telegram)


def mode_5(key=KEY, vector_of=METER, tail=b"", ci=b"\x7a", sender=METER):
    sealed = security.cbc_encrypt(key, security.initial_vector(vector_of, 9), RECORDS)
    return encode_link(LinkHeader(0x44, sender), ci + bytes.fromhex("09001005") + sealed + tail)


def mode_7(counter, key=KEY, records=RECORDS, tail=b""):
    sealed = security.cbc_encrypt(security.encryption_key(key, counter, METER), bytes(16), records)
    return under_mac(counter, bytes.fromhex("7a0900100710") + sealed + tail, key)


def under_mac(counter, message, key=KEY):
    covered = b"\x25" + counter.to_bytes(4, "little") + message
    header = Fragment(0, False, 0x25, None, counter, security.message_mac(key, counter, METER, covered, 8))
    return encode_link(LinkHeader(0x44, METER), encode_fragment(header) + message)


def test_published_mode_5():
    reading = read(MODE_5, KEY_5)
    volume = reading.value("volume")
    assert volume.value == Quantity(2850427, -2, Unit.CUBIC_METRE)
    assert volume.quality is Quality.MEASURED
    assert volume.guarantee is GuaranteeClass.UNAUTHENTICATED
    assert reading.telegram.opened.protection is Protection.DECRYPTED


def test_published_mode_7_with_its_mac():
    reading = read(MODE_7, KEY)
    assert reading.telegram.mac is True
    assert reading.telegram.opened.protection is Protection.VERIFIED
    assert reading.value("volume").guarantee is GuaranteeClass.SHARED_KEYS
    assert reading.value("volume").value.value == Decimal("28504.27")


def test_a_mac_that_is_wrong_closes_the_telegram():
    changed = bytearray(MODE_7)
    changed[-1] ^= 1
    reading = read(bytes(changed), KEY)
    assert reading.telegram.mac is False
    assert reading.values == ()
    assert "the MAC is wrong" in reading.problems[0]


def test_published_mode_5_in_part_behind_an_adapter():
    reading = read(PARTIAL, KEY)
    assert str(reading.telegram.meter) == "QDS.55667788.55.08"
    assert reading.telegram.link.address.device == "radio converter, meter side"
    assert len(reading.sources) >= 1


@pytest.mark.parametrize(
    ("telegram", "keys", "words"),
    [
        (mode_5(), (), "give the key of OAM.12345678.21.07 with --key"),
        (mode_5(), (bytes(16),), "wrong key: the key does not open mode 5"),
        (mode_5(), (bytes(16), KEY_5), "wrong key: none of 2 keys does"),
        (mode_7(5), (bytes(16),), "the MAC is wrong"),
        (encode_link(LinkHeader(0x44, METER), b"\x7a\x09\x00\x10\x0d" + b"\x77" * 17), (), r"13 \(TLS\) is recognised"),
        (encode_link(LinkHeader(0x44, METER), b"\x7a\x09\x00\x10\x07\x10" + b"\x77" * 16), (KEY,), "needs the message"),
        (encode_link(LinkHeader(0x44, METER), b"\x79\x34\x12\x00\x00\x01"), (), "unknown format signature 1234"),
    ],
)
def test_the_words_for_what_stays_closed(telegram, keys, words):
    reading = read(telegram, *keys)
    assert reading.values == ()
    assert any(re.search(words, problem) for problem in reading.problems), reading.problems


def test_records_behind_the_encrypted_part_are_told_apart():
    tail = bytes.fromhex("01fd0c05")
    unauthenticated, authenticated = GuaranteeClass.UNAUTHENTICATED, GuaranteeClass.AUTHENTICATED
    told = [(value.called, value.guarantee) for value in read(mode_5(tail=tail), KEY).values]
    assert told == [("volume", unauthenticated), ("model or version", unauthenticated)]
    told = [(value.called, value.guarantee) for value in read(mode_7(5, tail=tail), KEY).values]
    assert told == [("volume", GuaranteeClass.SHARED_KEYS), ("model or version", authenticated)]


@pytest.mark.parametrize("configuration", ["0000", "0007", "100d"])
def test_a_mac_covers_content_in_the_clear_and_its_counter(configuration):
    """Mode 0, mode 7 without an encrypted block, and a mode that is not spoken over records that are plain."""
    extension = bytes(1) if configuration != "0000" else b""
    records = bytes.fromhex("0413c4090000")
    message = bytes.fromhex("7a0900") + bytes.fromhex(configuration) + extension + records
    reader = WirelessReader(KeyStore([KEY]), replay=ReplayGuard())
    assert reader.read(under_mac(6, message)).value("volume").guarantee is GuaranteeClass.AUTHENTICATED
    assert "replayed: message counter 5" in reader.read(under_mac(5, message)).problems[0]


def test_an_initial_vector_of_the_adapter_is_found_and_named():
    ci = b"\x72" + METER.transport_order
    reading = read(mode_5(vector_of=ADAPTER, ci=ci, sender=ADAPTER), KEY)
    assert reading.value("volume").value.value == Decimal("2.5")
    assert "radio adapter's address" in reading.problems[0]


@pytest.mark.parametrize("mode", [5, 16, 21, 24, 29])
def test_configuration_words_that_lie(mode):
    raw = encode_link(LinkHeader(0x44, METER), bytes((0x7A, 9, 0, 0x10, mode)) + RECORDS)
    reading = read(raw)
    assert reading.value("volume").value.value == Decimal("2.5")
    assert reading.telegram.opened.protection is Protection.LIES


@pytest.mark.parametrize("mode", [2, 3, 4, 8, 9, 10, 13])
def test_ciphertext_that_happens_to_read_as_a_record_stays_closed(mode):
    noise = bytes.fromhex("160303004ed1a2b30f") + bytes(range(200, 240))
    extension = b"\x00\x00" if mode == 10 else b"\x00" if mode in {8, 9, 13} else b""
    raw = encode_link(LinkHeader(0x44, METER), bytes((0x7A, 9, 0, 0, mode)) + extension + noise)
    assert read(raw).values == ()
    assert read(raw).telegram.opened.protection is Protection.CLOSED


def test_counters_that_go_back_are_replays():
    guard = ReplayGuard()
    reader = WirelessReader(KeyStore([KEY]), replay=guard)
    assert reader.read(mode_7(5)).telegram.arrival is Arrival.NEW
    assert reader.read(mode_7(5)).telegram.arrival is Arrival.AGAIN
    assert reader.read(mode_7(6)).telegram.arrival is Arrival.NEW
    replayed = reader.read(mode_7(5))
    assert replayed.values == ()
    assert "replayed: message counter 5" in replayed.problems[0]
    assert ReplayGuard(guard.counters()).counters() == guard.counters()


def test_the_guard_is_bounded_and_takes_forged_counters_from_nobody():
    guard = ReplayGuard(meters_max=2)
    for number in range(5):
        guard.admit(MeterAddress(1, f"0000000{number}", 0, 0), 1)
    assert len(guard.counters()) == 2
    reader = WirelessReader(KeyStore([KEY]), replay=guard)
    reader.read(mode_7(1_000_000, key=KEY_5))
    assert reader.read(mode_7(5)).telegram.arrival is Arrival.NEW


def test_fragments_of_one_message_are_verified_as_one():
    counter = 77
    records = RECORDS * 8
    message = bytes.fromhex("7a0900800710") + security.cbc_encrypt(
        security.encryption_key(KEY, counter, METER), bytes(16), records
    )
    covered = b"\x65" + counter.to_bytes(4, "little") + len(message).to_bytes(2, "little") + message
    mac = security.message_mac(KEY, counter, METER, covered, 8)
    first = Fragment(1, True, 0x65, None, counter, b"", len(message))
    reader = WirelessReader(KeyStore([KEY]))
    pieces = [message[:50], message[50:100], message[100:]]
    headers = [first, Fragment(2, True), Fragment(3, mac=mac)]
    readings = [
        reader.read(encode_link(LinkHeader(0x44, METER), encode_fragment(header) + piece))
        for header, piece in zip(headers, pieces, strict=True)
    ]
    assert [reading.telegram.pending for reading in readings] == [True, True, False]
    assert readings[2].telegram.mac is True
    assert len(readings[2].values) == 8


def test_mode_10_both_ways():
    header = bytes.fromhex("7a3010ff2a1001")
    sealed = security.ccm_seal(KEY, METER, 940, header, RECORDS)
    raw = encode_link(LinkHeader(0x44, METER), header + (940).to_bytes(4, "little") + sealed)
    assert read(raw, KEY).value("volume").guarantee is GuaranteeClass.SHARED_KEYS
    assert "wrong key" in read(raw, KEY_5).problems[0]
    with pytest.raises(SecurityError):
        security.ccm_open(KEY, METER, 941, header, sealed)


def test_keys_by_address_and_number():
    store = KeyStore([KEY_5])
    store.add(METER, KEY)
    store.add_number("99999999", KEY)
    assert store.of(METER) == (KEY,)
    assert store.of(ADAPTER) == (KEY,)
    assert store.of(MeterAddress(1, "00000000", 0, 0)) == (KEY_5,)
    assert "2 meters, 1 for all" in repr(store)
    with pytest.raises(SettingError, match="16 bytes, not 8"):
        store.add(METER, bytes(8))


def test_no_frame_at_all():
    with pytest.raises(DecodeError):
        read(b"")
