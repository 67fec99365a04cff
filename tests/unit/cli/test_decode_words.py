"""What keeps a telegram closed is told in words of its own: the key, the mode, the checksum, the format."""

from __future__ import annotations

import pytest

from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.sealing import mode_5_telegram

WORDS = ("wrong key", "security mode 2", "wrong CRC", "unknown format signature")
METER = MeterAddress(manufacturer_code("OAM"), "12345678", 1, 7)
RECORDS = bytes.fromhex("0c1378563412")
KEY, OTHER = bytes(range(16)), bytes(16)
SEALED = mode_5_telegram(0x44, METER, 1, RECORDS, KEY)


def in_mode_2():
    """The same in DES, which nobody should use any more."""
    at = SEALED.index(b"\x7a") + 3
    word = int.from_bytes(SEALED[at : at + 2], "little") & ~0x1F00 | 0x0200
    return SEALED[:at] + word.to_bytes(2, "little") + SEALED[at + 2 :]


def with_a_flipped_bit():
    frame = bytearray(encode_frame(SEALED, FrameFormat.A))
    frame[20] ^= 1
    return bytes(frame)


def compact():
    """A compact frame whose full frame was not seen yet."""
    payload = b"\x44" + METER.link_order + b"\x79" + bytes.fromhex("1234 abcd 78563412")
    return bytes((len(payload),)) + payload


@pytest.mark.parametrize(
    ("telegram", "words"),
    [
        (SEALED, "wrong key"),
        (in_mode_2(), "security mode 2"),
        (with_a_flipped_bit(), "wrong CRC"),
        (compact(), "unknown format signature"),
    ],
    ids=["key", "mode", "checksum", "format"],
)
def test_each_has_its_words(openami, telegram, words):
    ran = openami("decode", telegram.hex(), "--key", OTHER.hex(), "--json")
    (shown,) = ran.objects
    told = shown.get("problem") or shown["error"]
    assert [word for word in WORDS if word in told] == [words], told


def test_the_right_key_opens_it(openami):
    ran = openami("decode", SEALED.hex(), "--key", KEY.hex(), "--json")
    assert ran.objects[0]["content"]["values"][0]["value"] == 12345.678
