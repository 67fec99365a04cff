"""Frames, headers and fragments: published telegrams, and our own both ways."""

import pytest

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code, manufacturer_letters
from openami.protocols.mbus.wireless.crc import crc16_en13757
from openami.protocols.mbus.wireless.extended_link import (
    ExtendedLink,
    decode_extended_link,
    encode_extended_link,
)
from openami.protocols.mbus.wireless.fragment import Fragment, Reassembly, decode_fragment, encode_fragment
from openami.protocols.mbus.wireless.frame_format import FrameFormat, decode_frame, encode_frame
from openami.protocols.mbus.wireless.link import LinkHeader, decode_link, encode_link
from openami.protocols.mbus.wireless.opening import Protection
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.transport import (
    Content,
    Transport,
    decode_transport,
    encode_transport,
    status_words,
)

# lvogt/wireless-mbus-parser test data (MIT)
FORMAT_A = bytes.fromhex(
    "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493BC2AD013EC4A6F6D3529B520EDFF0EA6DEFC955B29D6D69EBF3EC8A"
)
FORMAT_B = bytes.fromhex("1444AE0C7856341201078C2027780B134365877AC5")
METER = MeterAddress(manufacturer_code("OAM"), "12345678", 0x21, 0x07)


def test_the_checksum_of_the_standard():
    assert crc16_en13757(b"123456789") == 0xC2B7


def test_manufacturer_letters():
    assert manufacturer_letters(0x2C2D) == "KAM"
    assert manufacturer_code("KAM") == 0x2C2D
    with pytest.raises(LocalProtocolError, match="three letters"):
        manufacturer_code("K1")


def test_addresses_in_both_orders():
    assert MeterAddress.from_link(METER.link_order) == METER
    assert MeterAddress.from_transport(METER.transport_order) == METER
    assert MeterAddress.parse(str(METER)) == METER
    assert str(METER) == "OAM.12345678.21.07"
    assert METER.device == "water"


@pytest.mark.parametrize(("raw", "expected"), [(FORMAT_A, FrameFormat.A), (FORMAT_B, FrameFormat.B)])
def test_formats_are_found_and_made_again(raw, expected):
    frame = decode_frame(raw)
    assert frame.format is expected
    assert frame.data[0] == len(frame.data) - 1
    assert encode_frame(frame.data, expected) == raw
    assert decode_frame(frame.data).format is FrameFormat.STRIPPED


@pytest.mark.parametrize("length", [11, 26, 27, 42, 125, 126, 127, 128, 200, 240])
@pytest.mark.parametrize("frame_format", list(FrameFormat))
def test_frames_of_all_lengths(length, frame_format):
    data = encode_link(LinkHeader(0x44, METER), bytes(range(length - 10)))
    assert decode_frame(encode_frame(data, frame_format)).data == data


def test_a_changed_byte_is_found_by_its_block():
    for at in range(12, len(FORMAT_A)):
        changed = bytearray(FORMAT_A)
        changed[at] ^= 1
        with pytest.raises(FrameCheckError, match="wrong CRC in block"):
            decode_frame(bytes(changed))


def test_missing_bytes_are_counted():
    with pytest.raises(DecodeError, match="announces 55 bytes, 54 came"):
        decode_frame(FORMAT_A[:-1])
    with pytest.raises(DecodeError, match="announces 47 bytes, 40 came"):
        decode_frame(decode_frame(FORMAT_A).data[:40])


def test_what_a_receiver_adds_is_kept_apart():
    stripped = decode_frame(FORMAT_A).data
    assert decode_frame(stripped + b"\x5a").trailing == b"\x5a"


def test_link_header():
    header = decode_link(decode_frame(FORMAT_A).data)
    assert (header.control_name, str(header.address)) == ("SND-NR", "ELS.12345678.33.03")


@pytest.mark.parametrize(
    "header",
    [
        ExtendedLink(0x8C, 0x20, 0x75),
        ExtendedLink(0x8D, 0x20, 0x75, None, b"\x01\x02\x03\x24", b"\xaa\xbb"),
        ExtendedLink(0x8E, 0x20, 0x75, METER),
        ExtendedLink(0x8F, 0x30, 0x75, METER, b"\x01\x02\x03\x24", b"\xaa\xbb"),
    ],
)
def test_extended_link_layers(header):
    raw = encode_extended_link(header)
    assert decode_extended_link(raw + b"\x78", 0) == (header, len(raw))
    assert header.encryption == (1 if header.session else 0)
    with pytest.raises(DecodeError, match="left"):
        decode_extended_link(raw[:-1], 0)


@pytest.mark.parametrize(
    "fragment",
    [
        Fragment(0),
        Fragment(0, False, 0x25, None, 2739, bytes(8)),
        Fragment(1, True, 0x65, 0x1234, 7, bytes(8), 300),
        Fragment(3, True),
    ],
)
def test_fragments(fragment):
    raw = encode_fragment(fragment)
    assert decode_fragment(raw + b"\x7a", 0) == (fragment, len(raw))


def test_a_message_comes_together_in_order():
    joined = Reassembly()
    assert joined.add(b"a", Fragment(1, True, 0x65, None, 7, b"", 6), b"12") is None
    assert joined.add(b"b", Fragment(1, True, 0x05), b"xx") is None
    assert joined.add(b"a", Fragment(2, True), b"34") is None
    message = joined.add(b"a", Fragment(3, mac=bytes(8)), b"56")
    assert message is not None
    assert (message.payload, message.header.message_counter, message.header.mac) == (b"123456", 7, bytes(8))
    assert len(joined) == 1


def test_fragments_out_of_order_are_refused():
    joined = Reassembly()
    joined.add(b"a", Fragment(1, True, 0x65), b"12")
    with pytest.raises(DecodeError, match="fragment 3 came, 2 is next"):
        joined.add(b"a", Fragment(3), b"56")
    with pytest.raises(DecodeError, match="without the ones before"):
        joined.add(b"a", Fragment(2), b"56")
    joined.add(b"a", Fragment(1, True, 0x65, message_length=9), b"12")
    with pytest.raises(DecodeError, match="9 bytes announced, 4 came"):
        joined.add(b"a", Fragment(2), b"56")


def test_open_messages_are_bounded():
    joined = Reassembly(messages_max=3)
    for sender in range(10):
        joined.add(bytes((sender,)), Fragment(1, True, 0x65), b"12")
    assert len(joined) == 3


@pytest.mark.parametrize("ci", [0x72, 0x7A, 0x78, 0x79, 0x8A, 0x8B])
def test_transport_headers(ci):
    content = decode_transport(bytes((ci,)) + METER.transport_order + bytes(4), 0).content
    address = METER if ci in {0x72, 0x8B} else None
    bare = ci in {0x78, 0x79}
    made = Transport(ci, content, 0, 0, address, None if bare else 5, 0 if bare else 4, 0 if bare else 0x0510)
    raw = encode_transport(made)
    read = decode_transport(raw, 0)
    assert (read.address, read.access_number, read.status, read.configuration) == (
        made.address,
        made.access_number,
        made.status,
        made.configuration,
    )
    assert read.stop == len(raw)


def test_unknown_ci_fields_are_named():
    with pytest.raises(DecodeError, match="CI field 00 is not known"):
        decode_transport(b"\x00", 0)
    assert decode_transport(b"\xa2\x01", 0).content is Content.MANUFACTURER


def test_status_in_words():
    assert status_words(0x05) == ("busy", "power low")
    assert status_words(0x20) == ("manufacturer bits 001",)


def test_a_stripped_frame_whose_bytes_look_like_a_checksum():
    header = encode_link(LinkHeader(0x44, METER), bytes(20))[:10]
    data = header + crc16_en13757(header).to_bytes(2, "big") + bytes(18)
    assert decode_frame(data).format is FrameFormat.STRIPPED


LINK = bytes.fromhex("442d3c010000100107")
CLOSED = {
    "8620010203047a00000000": "a variable extended link layer (CI 86): recognised, carried and not read",
    "81aabbccdd0102": "a frame routed after EN 13757-5 (CI 81): recognised, carried and not read",
    "7a0100000829292929": "security mode 8 (AES-CTR with CMAC) is recognised and not opened",
    "7a0100000929292929": "security mode 9 (AES-GCM) is recognised and not opened",
    "7a0100000229292929": "security mode 2 (DES-CBC) is recognised and not opened",
    "7a0100000f29292929": "security mode 15 (manufacturer) is recognised and not opened",
}


@pytest.mark.parametrize("text", CLOSED)
def test_frames_that_are_not_read_are_kept_named_and_their_sender_is_told(text):
    body = LINK + bytes.fromhex(text)
    reading = WirelessReader().read(bytes((len(body),)) + body)
    assert (reading.values, reading.problems) == ((), (CLOSED[text],))
    assert str(reading.telegram.meter) == "OAM.10000001.01.07"
    opened = reading.telegram.opened
    assert opened.protection is Protection.CLOSED
    assert bytes.fromhex(text).endswith(opened.content)
    assert opened.content
