"""New keys for meters, one after the other: the new key is valid before the old one is invalid, wherever power fails.

    new keys in the store of pending ones → sent to the meter → used once → in the keystore → no longer pending

The meter keeps what it answered and takes its former keys until the new ones were used (`docs/how-to/change-keys`). So
at every moment the keys in the keystore or the pending ones open the meter, and both are on the disk. After a kill
`roll_over` goes on where it was: it never makes a second pair of new keys while the first may be in the meter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final, Protocol

from openami.io.keystore.meter_keys import MeterKeys
from openami.model.errors import OpenAmiError

_KEY_BYTES: Final = 16


class Keystore(Protocol):
    """Where keys are: a file or a wrapped keystore."""

    def meter_keys(self, system_title: bytes) -> MeterKeys:
        """The keys of a meter; raises `NoKeys`."""
        ...

    def system_titles(self) -> list[bytes]:
        """Whose keys are here."""
        ...

    def put_many(self, keys: Mapping[bytes, MeterKeys]) -> None:
        """Keep keys, durably."""
        ...

    def remove(self, system_title: bytes) -> None:
        """Forget keys, durably."""
        ...


class Line(Protocol):
    """The way to meters."""

    def opens(self, system_title: bytes, keys: MeterKeys) -> bool:
        """Whether the meter answers under these keys; raises `LinkError` if it does not answer at all."""
        ...

    def transfer(self, system_title: bytes, keys: MeterKeys, new: MeterKeys) -> None:
        """Have the meter keep `new`, in a session under `keys`; raises `OpenAmiError`."""
        ...


class RolledOver(StrEnum):
    """What became of one meter."""

    DONE = "done"
    LATER = "later"
    NEITHER = "neither key opens it"


class RollOver:
    """A roll-over of many meters. `current` and `pending` are two keystores in two files."""

    def __init__(self, current: Keystore, pending: Keystore, line: Line, random: Callable[[int], bytes]) -> None:
        self._current = current
        self._pending = pending
        self._line = line
        self._random = random

    def begin(self, system_titles: Iterable[bytes]) -> None:
        """Make new keys for meters that have no pending ones, in one writing; no meter is told yet."""
        waiting = dict.fromkeys(self._pending.system_titles())
        fresh = {title: self._fresh(title) for title in system_titles if title not in waiting}
        if fresh:
            self._pending.put_many(fresh)

    def go_on(self) -> dict[bytes, RolledOver]:
        """Bring every pending meter as far as it goes; those that cannot be reached stay pending."""
        return {title: self._one(title) for title in self._pending.system_titles()}

    def _fresh(self, title: bytes) -> MeterKeys:
        return replace(
            self._current.meter_keys(title),
            global_unicast_encryption_key=self._random(_KEY_BYTES),
            authentication_key=self._random(_KEY_BYTES),
        )

    def _one(self, title: bytes) -> RolledOver:
        new, old = self._pending.meter_keys(title), self._current.meter_keys(title)
        try:
            if not self._line.opens(title, new):
                if not self._line.opens(title, old):
                    return RolledOver.NEITHER
                self._line.transfer(title, old, new)
                if not self._line.opens(title, new):
                    return RolledOver.LATER
        except OpenAmiError:
            return RolledOver.LATER
        self._current.put_many({title: new})
        self._pending.remove(title)
        return RolledOver.DONE
