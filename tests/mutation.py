"""Seeded byte mutation: whatever the bytes, a decoder answers with a value or with `DecodeError`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from openami.model.errors import DecodeError

INPUTS = 100_000


def mutate(choice: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One mutated message: flipped, cut, doubled, spliced or filled with extreme bytes."""
    data = bytearray(choice.choice(seeds))
    for _ in range(choice.randint(1, 4)):
        at = choice.randrange(len(data) + 1)
        kind = choice.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << choice.randrange(8)
        elif kind == 1:
            del data[at : at + choice.randint(1, 8)]
        elif kind == 2:
            data[at:at] = choice.randbytes(choice.randint(1, 8))
        elif kind == 3 and data:
            data[at % len(data)] = choice.choice((0x00, 0x01, 0x7F, 0x80, 0x82, 0x84, 0xFE, 0xFF))
        elif kind == 4:
            data[at:at] = data[at : at + choice.randint(1, 16)]
        else:
            other = choice.choice(seeds)
            data[at:] = other[choice.randrange(len(other) + 1) :]
    return bytes(data)


def survive(decode: Callable[[bytes], object], seeds: Sequence[bytes], *, inputs: int = INPUTS, seed: int = 1) -> None:
    """Feed `inputs` mutated messages to `decode`; anything but a value or `DecodeError` is a defect."""
    choice = random.Random(seed)
    for number in range(inputs):
        data = mutate(choice, seeds)
        try:
            decode(data)
        except DecodeError:
            continue
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed}: {data.hex()} raised {error!r}") from error
