"""New keys for meters, one after the other: the new key is valid before the old one is invalid, wherever power fails.

    new keys in the store of pending ones → sent to the meter → used once → in the keystore → no longer pending

A meter of the two-seal class takes new keys from an envelope only: for it `order` gives the command that people ask for
and approve, and `go_on` finds out whether it was carried out.

The meter keeps what it answered and takes its former keys until the new ones were used (`docs/how-to/change-keys`). So
at every moment the keys in the keystore or the pending ones open the meter, and both are on the disk. After a kill
`roll_over` goes on where it was: it never makes a second pair of new keys while the first may be in the meter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final, Protocol

from openami.backoffice.operations.sessions import security_keys
from openami.io.keystore.meter_keys import MeterKeys
from openami.model.errors import OpenAmiError, SecurityError, SettingError
from openami.protocols.dlms.key_exchange import transfer_order

AT_ONCE: Final = 32
"""So many meters are asked at the same time, and become durable in one writing."""


class OrderNeeded(SecurityError):
    """The meter takes new keys only under two seals."""


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

    def remove_many(self, system_titles: Iterable[bytes]) -> None:
        """Forget keys, durably."""
        ...


class Line(Protocol):
    """The way to meters."""

    async def opens(self, system_title: bytes, keys: MeterKeys) -> bool:
        """Whether the meter answers under these keys; raises `LinkError` if it does not answer at all."""
        ...

    async def transfer(self, system_title: bytes, keys: MeterKeys, new: MeterKeys) -> None:
        """Have the meter keep `new`, in a session under `keys`; raises `OrderNeeded` or another `OpenAmiError`."""
        ...


class RolledOver(StrEnum):
    """What became of one meter."""

    DONE = "done"
    LATER = "later"
    ORDER = "waits for an order under two seals"
    NEITHER = "neither key opens it"


class RollOver:
    """A roll-over of many meters. `current` and `pending` are two keystores in two files."""

    def __init__(self, current: Keystore, pending: Keystore, line: Line, random: Callable[[int], bytes]) -> None:
        self._current = current
        self._pending = pending
        self._line = line
        self._random = random

    def begin(self, system_titles: Iterable[bytes]) -> None:
        """Make new keys for meters that have no pending ones, in one writing; no meter is told yet.

        Raises `SettingError` for a meter whose master key is not in the keystore: its keys can only be agreed on.
        """
        waiting = dict.fromkeys(self._pending.system_titles())
        fresh = {title: self._fresh(title) for title in system_titles if title not in waiting}
        if fresh:
            self._pending.put_many(fresh)

    def pending(self) -> list[bytes]:
        """Whose new keys are not known to be in use."""
        return self._pending.system_titles()

    def order(self, system_title: bytes) -> bytes:
        """The APDU that brings the pending keys to a meter, wrapped under its master key: for an envelope."""
        new, old = self._pending.meter_keys(system_title), self._current.meter_keys(system_title)
        return transfer_order(security_keys(old), security_keys(new))

    async def go_on(self, system_titles: Iterable[bytes] | None = None) -> dict[bytes, RolledOver]:
        """Bring pending meters (these, or all) as far as they go; those that cannot be reached stay pending."""
        waiting = self._pending.system_titles()
        chosen = waiting if system_titles is None else [title for title in system_titles if title in waiting]
        results: dict[bytes, RolledOver] = {}
        for start in range(0, len(chosen), AT_ONCE):
            group = chosen[start : start + AT_ONCE]
            came = dict(zip(group, await asyncio.gather(*map(self._one, group)), strict=True))
            self._keep([title for title, one in came.items() if one is RolledOver.DONE])
            results |= came
        return results

    def _keep(self, done: list[bytes]) -> None:
        """The new keys are in use: only now are the old ones forgotten."""
        if done:
            self._current.put_many({title: self._pending.meter_keys(title) for title in done})
            self._pending.remove_many(done)

    def _fresh(self, title: bytes) -> MeterKeys:
        keys = self._current.meter_keys(title)
        if keys.master_key is None:
            raise SettingError(f"meter {title.hex()} has no master key in the keystore: no key can be wrapped for it")
        size = len(keys.global_unicast_encryption_key)
        return replace(keys, global_unicast_encryption_key=self._random(size), authentication_key=self._random(size))

    async def _one(self, title: bytes) -> RolledOver:
        new, old = self._pending.meter_keys(title), self._current.meter_keys(title)
        try:
            if not await self._line.opens(title, new):
                if not await self._line.opens(title, old):
                    return RolledOver.NEITHER
                await self._line.transfer(title, old, new)
                if not await self._line.opens(title, new):
                    return RolledOver.LATER
        except OrderNeeded:
            return RolledOver.ORDER
        except OpenAmiError:
            return RolledOver.LATER
        return RolledOver.DONE
