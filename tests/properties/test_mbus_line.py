"""A primary on a bad line: what it reads is what the meter said, or it says why it reads nothing."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from mbus_bus import Bus, BusMeter
from openami.model.errors import LinkTimeout
from openami.protocols.mbus.wired.procedures import read_out
from openami.protocols.mbus.wireless.address import MeterAddress

METER = MeterAddress.parse("OAM.12345678.01.07")
VOLUMES = (1001, 2002, 3003)


def bad_line(choice, share):
    """Loses, cuts and delays bytes, and adds noise in front, in `share` of the turns."""

    def change(data):
        if choice.random() > share or not data:
            return data
        kind = choice.randrange(4)
        if kind == 0:
            return b""
        if kind == 1:
            return data[: choice.randrange(len(data))]
        if kind == 2:
            at = choice.randrange(len(data))
            return data[:at] + bytes((data[at] ^ 1 << choice.randrange(8),)) + data[at + 1 :]
        return choice.choice((b"\xe5", choice.randbytes(choice.randrange(1, 6)))) + data

    return change


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from((0.1, 0.3, 0.6)), st.booleans())
def test_telegrams_are_complete_in_order_and_unspoilt(seed, share, echo):
    header = METER.transport_order + bytes(4)
    telegrams = [
        (0x72, header + b"\x04\x13" + volume.to_bytes(4, "little") + (b"\x1f" if volume != VOLUMES[-1] else b""))
        for volume in VOLUMES
    ]
    change = bad_line(random.Random(seed), share)
    bus = Bus([BusMeter(5, METER, telegrams)], change=change, to_meters=change, echo=echo)
    try:
        applications = bus.perform(read_out(5))
    except LinkTimeout:
        return
    if not applications:
        return  # noise that says "no data"
    assert [record.value.mantissa for each in applications for record in each.records] == list(VOLUMES)
