"""What a stored day tells beyond its energies: nothing where it is usual, exact where it is not, loud when damaged."""

from __future__ import annotations

import random

import pytest

from openami.backoffice.mdm.details import USUAL, Details, details_of, pack_details, quality_of, told
from openami.model.errors import StoreError

UNUSUAL = Details(b"quality", None, b"\x00\xff", b"", -5, 1 << 40)


def test_a_usual_day_tells_its_last_register_by_the_sum():
    assert details_of(USUAL, 1_000, 234, 7) == Details(None, None, None, None, 1_234, 7)
    assert quality_of(USUAL) is None


def test_an_unusual_day_tells_all():
    stored = pack_details(UNUSUAL)
    assert stored != USUAL
    assert details_of(stored, 1, 2, 3) == told(stored) == UNUSUAL
    assert quality_of(stored) == b"quality"


def test_the_layout_is_pinned():
    """Stored details outlive programs: a MessagePack array in the order of the fields."""
    assert pack_details(Details(None, b"\x01", None, None, 300, 2)) == b"\x96\xc0\xc4\x01\x01\xc0\xc0\xcd\x01\x2c\x02"


def test_damage_is_a_store_error():
    good, choice, refused = pack_details(UNUSUAL), random.Random(7), 0
    for _ in range(5_000):
        bad = bytearray(good[: choice.randint(1, len(good))])
        bad[choice.randrange(len(bad))] ^= 1 << choice.randrange(8)
        try:
            assert isinstance(told(bytes(bad)), Details)
        except StoreError:
            refused += 1
    assert refused
    with pytest.raises(StoreError, match="the store is damaged"):
        told(good[:-1])
