"""A maker's shipment: signed, for one recipient, and without keys that anybody could guess or that two meters share."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

import seal_keys as keys
from meter_bench import seeded
from openami.io.keystore.shipment import MAGIC, ShippedMeter, check_keys, open_shipment, seal_shipment
from openami.model.errors import DecodeError, OpenAmiError, SecurityError


def key_of(name):
    return sha256(name.encode()).digest()[:16]


def meter(number, **changed):
    return msgspec.structs.replace(
        ShippedMeter(
            f"OAM{number:08d}",
            b"OAM\x10" + number.to_bytes(4, "big"),
            key_of(f"e{number}"),
            key_of(f"a{number}"),
            key_of(f"m{number}"),
        ),
        **changed,
    )


METERS = [meter(number) for number in range(20)]
FILE = seal_shipment(METERS, keys.SIGNER, keys.GUARD_AGREEMENT.public_key, seeded())


def test_what_the_maker_ships_arrives():
    assert open_shipment(FILE, keys.SIGNER.public_key, keys.GUARD_AGREEMENT) == METERS
    assert METERS[0].encryption_key not in FILE
    assert METERS[0].encryption_key.hex() not in repr(METERS)


def test_another_maker_or_recipient_or_bit_is_refused():
    with pytest.raises(SecurityError, match="signature"):
        open_shipment(FILE, keys.STRANGER.public_key, keys.GUARD_AGREEMENT)
    with pytest.raises(SecurityError, match="another recipient"):
        open_shipment(FILE, keys.SIGNER.public_key, keys.STRANGER_AGREEMENT)
    for bit in range(0, len(FILE) * 8, 97):
        flipped = bytearray(FILE)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(OpenAmiError):
            open_shipment(bytes(flipped), keys.SIGNER.public_key, keys.GUARD_AGREEMENT)


@pytest.mark.parametrize("raw", [b"", MAGIC, b"x" * 500, FILE[:150]])
def test_what_is_no_shipment(raw):
    with pytest.raises((DecodeError, SecurityError)):
        open_shipment(raw, keys.SIGNER.public_key, keys.GUARD_AGREEMENT)


def test_a_list_that_is_none_is_a_decode_error():
    raw = seal_shipment([{"serial": 1}], keys.SIGNER, keys.GUARD_AGREEMENT.public_key, seeded())
    with pytest.raises(DecodeError, match="list cannot be read"):
        open_shipment(raw, keys.SIGNER.public_key, keys.GUARD_AGREEMENT)


@pytest.mark.parametrize(
    "key",
    [
        bytes(16),
        b"\xff" * 16,
        bytes(range(16)),
        bytes(range(0xF0, 0x70, -8)),
        b"\xde\xad\xbe\xef" * 4,
        b"0123456789abcdef",
        b"\x80OAM00000001\x81\x82\x83\x84",
        b"\x00\x00\x00\x00" + b"OAM\x10\x00\x00\x00\x01" + b"\x00\x00\x00\x01",
        b"short",
    ],
)
def test_a_key_that_can_be_guessed_is_refused(key):
    for name in ("encryption_key", "authentication_key", "master_key"):
        with pytest.raises(SecurityError, match="guessed"):
            check_keys([meter(1, **{name: key})])


def test_no_key_is_shared():
    with pytest.raises(SecurityError, match="OAM00000001 too"):
        check_keys([meter(1), meter(2, authentication_key=meter(1).encryption_key)])
    with pytest.raises(SecurityError, match="system title"):
        check_keys([meter(1), meter(2, system_title=meter(1).system_title)])
