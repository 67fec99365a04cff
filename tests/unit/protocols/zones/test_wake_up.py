"""Wake-ups: who signs, for whom, how long, and once."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.io.links.wake_up import CHECKS_PER_S, WakeUpPort
from openami.model.errors import DecodeError, SecurityError, SettingError, StoreError
from openami.protocols.zones.wake_up import WakeUp, WakeUpGuard, decode_wake_up, encode_wake_up

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = 1_800_000_000
YEAR_S = 366 * 86_400
WAKE = WakeUp("c1", NOW, 60, 5)


def guard(last=4, name="c1"):
    return WakeUpGuard(name, KEY.public_key(), last)


def test_what_is_signed_is_read_again_and_accepted():
    raw = encode_wake_up(WAKE, KEY)
    assert decode_wake_up(raw) == WAKE
    assert guard().accept(raw, NOW + 30) == WAKE


@pytest.mark.parametrize(
    ("change", "now", "last"),
    [
        ({}, NOW + 60 + 61, 4),  # too late
        ({}, NOW - 61, 4),  # too early: our clock, or theirs
        ({}, NOW - YEAR_S, 4),  # our clock was set back a year: nobody wakes us until it is right again
        ({}, NOW, 5),  # a replay
        ({}, NOW, 6),  # an older one
        ({"name": "c2"}, NOW, 4),  # somebody else's
    ],
)
def test_what_is_late_replayed_or_for_others_is_refused(change, now, last):
    values = {"name": "c1", "not_before": NOW, "lifetime_s": 60, "counter": 5} | change
    with pytest.raises(SecurityError):
        guard(last).accept(encode_wake_up(WakeUp(**values), KEY), now)


def test_every_single_bit_counts():
    raw = encode_wake_up(WAKE, KEY)
    judge = guard()
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((SecurityError, DecodeError)):
            judge.accept(bytes(changed), NOW)
    assert judge.accept(raw, NOW) == WAKE, "what was refused has moved nothing"


def test_a_stranger_cannot_wake_anybody():
    with pytest.raises(SecurityError, match="did not sign"):
        guard().accept(encode_wake_up(WAKE, OTHER), NOW)


def test_what_the_format_cannot_carry_is_refused():
    for name, lifetime in (("", 60), ("x" * 65, 60), ("c1", 0), ("c1", 601)):
        with pytest.raises(SettingError):
            encode_wake_up(WakeUp(name, NOW, lifetime, 1), KEY)


class Clock:
    now = NOW

    def time(self):
        return self.now

    def monotonic(self):
        return self.now


class Journal:
    def __init__(self, failing=False):
        self.values, self.failing = {}, failing

    def save(self, name, value):
        if self.failing:
            raise StoreError("no room")
        self.values[name] = value


def port_of(journal, woken):
    return WakeUpPort(guard(0), journal, "wake-up/c1", Clock(), lambda: woken.append(dict(journal.values)))


def test_the_counter_is_on_the_disk_before_anybody_wakes():
    woken, journal = [], Journal()
    port = port_of(journal, woken)
    raw = encode_wake_up(WAKE, KEY)
    for _ in range(3):
        port.datagram_received(raw, ("10.0.0.1", 9))
    assert woken == [{"wake-up/c1": 5}]
    assert port.refused == 2
    failing = port_of(Journal(failing=True), woken)
    failing.datagram_received(raw, ("10.0.0.1", 9))
    assert len(woken) == 1, "a wake-up whose counter cannot be kept would be replayed: it does not count"


def test_a_flood_costs_a_bounded_number_of_looks():
    woken, journal = [], Journal()
    port = port_of(journal, woken)
    for _ in range(10 * CHECKS_PER_S):
        port.datagram_received(b"x" * 100, ("10.0.0.1", 9))
    port.datagram_received(encode_wake_up(WAKE, KEY), ("10.0.0.1", 9))
    assert woken == []
    Clock.now = NOW + 1
    port.datagram_received(encode_wake_up(WAKE, KEY), ("10.0.0.1", 9))
    Clock.now = NOW
    assert len(woken) == 1
