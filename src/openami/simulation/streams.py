"""Chance from one seed, split by names: what one part draws changes nothing for the others.

Three kinds, all the same on every machine and in every process: byte streams (keys, challenges, back-off), `Random`
objects for populations and fault schedules, and numbers that belong to a pair of things without any state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random

MASK = 0xFFFF_FFFF_FFFF_FFFF
_BLOCK = 1024


class Streams:
    """All chance of a run."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def random(self, name: str) -> Random:
        """A stream of its own for `name`; asked for again, it begins again."""
        return Random(self.key(name))

    def key(self, name: str) -> int:
        """64 bits that belong to `name`."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest(), "big")

    def bytes(self, name: str) -> Callable[[int], bytes]:
        """A function that gives the next so many bytes of the stream `name`."""
        return ByteStream(f"{self.seed}/{name}").take


class ByteStream:
    """SHAKE-128 of a name and a block number."""

    __slots__ = ("_at", "_block", "_name", "_number")

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = 0
        self._block = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        while self._at + size > len(self._block):
            more = hashlib.shake_128(f"{self._name}/{self._number}".encode()).digest(_BLOCK)
            self._block = self._block[self._at :] + more
            self._at = 0
            self._number += 1
        self._at += size
        return self._block[self._at - size : self._at]


def mixed(number: int) -> int:
    """64 bits that look like chance and follow from `number` (the finaliser of splitmix64)."""
    number = (number ^ (number >> 30)) * 0xBF58_476D_1CE4_E5B9 & MASK
    number = (number ^ (number >> 27)) * 0x94D0_49BB_1331_11EB & MASK
    return number ^ (number >> 31)
