"""No bit of an envelope can be another: every single-bit flip of fifty envelopes is refused, in both layers."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

import seal_keys as keys
from openami.protocols.dlms.asymmetric import encode_point
from openami.protocols.seal.closing import GuardSeal, seal_command
from openami.protocols.seal.opening import Check, CommandRefused, MeterMoment, open_command


class Remembering:
    """An agreement key that remembers what it agreed on: the same answers, fifty times as fast."""

    def __init__(self, key):
        self._key, self._agreed = key, {}

    def shared_secret(self, peer):
        octets = encode_point(peer)
        if octets not in self._agreed:
            self._agreed[octets] = self._key.shared_secret(peer)
        return self._agreed[octets]


METER = replace(keys.METER_SEAL, agreement=Remembering(keys.METER_AGREEMENT))
GUARD = GuardSeal(keys.GUARD, Remembering(keys.GUARD_AGREEMENT))
MOMENT = MeterMoment(keys.NOW, True, bytes(range(16)))


def signed(number):
    """One of many commands that differ in every field."""
    draw = Random(number)
    return keys.signed(
        draw.randrange(1, 2**64),
        apdu=draw.choice((keys.DISCONNECT, keys.RECONNECT)),
        time_to_live_s=draw.randrange(600, 86_401),
        approval=draw.randbytes(32),
        emergency=draw.random() < 0.5,
        execute_at=draw.choice((0, keys.NOW + 300)),
        challenge=draw.choice((b"", bytes(range(16)))),
    )


def flips(raw, start=0, step=1):
    for bit in range(start, len(raw) * 8, step):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def refused(raw):
    with pytest.raises(CommandRefused) as refusal:
        open_command(raw, METER, MOMENT, keys.never)
    return refusal.value.check


def count_flips(numbers):
    count = 0
    for number in numbers:
        raw = seal_command(signed(number), GUARD, keys.RECIPIENT, number + 1)
        assert open_command(raw, METER, MOMENT, keys.never)
        for flipped in flips(raw):
            assert refused(flipped) is Check.OUTER_MAC
            count += 1
    return count


def test_every_flip_of_fifty_envelopes_is_refused():
    assert count_flips(range(50)) > 85_000


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("hundred", range(10))
def test_every_flip_of_a_thousand_envelopes_is_refused(hundred):
    first = 50 + 100 * hundred
    assert count_flips(range(first, first + 100)) > 170_000


def test_a_guard_that_seals_anything_changes_nothing_that_was_signed():
    """The guard's key is with the adversary: flips under its seal stop at the signature."""
    for number in range(50):
        for flipped in flips(signed(number), number % 61, 61):
            assert refused(seal_command(flipped, GUARD, keys.RECIPIENT, 1)) is Check.INNER_SIGNATURE
