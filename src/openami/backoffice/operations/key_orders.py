"""New keys for a meter that takes them from an envelope only: the APDU that people ask for, the proof afterwards."""

from __future__ import annotations

from collections.abc import Callable

from openami.backoffice.operations.key_line import KeyLine
from openami.backoffice.operations.key_roll_over import Keystore, RolledOver, RollOver
from openami.backoffice.operations.sessions import Sessions
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.blocking import Blocking
from openami.io.clock import Clock
from openami.model.errors import SettingError
from openami.model.point import Meter


class KeyOrders:
    """`pending` opens the store of keys that meters are not known to use yet; it is opened when it is first needed."""

    def __init__(
        self,
        registry: Registry,
        sessions: Sessions,
        current: Keystore,
        pending: Callable[[], Keystore],
        clock: Clock,
        random: Callable[[int], bytes],
        blocking: Blocking,
    ) -> None:
        self._registry = registry
        self._line = KeyLine(sessions, self._reach, clock)
        self._current = current
        self._pending = pending
        self._random = random
        self._blocking = blocking
        self._rolling: RollOver | None = None

    async def order(self, meter_id: int) -> bytes:
        """The APDU that brings new keys to the meter; they are made, and on the disk, if none are pending.

        Raises `SettingError` for a meter without a master key, under which alone keys can be wrapped.
        """
        return await self._blocking(self._order, meter_id)

    async def prove(self, meter_id: int) -> str:
        """Read the meter under its new keys and keep them if it answers; what has come of it, for people."""
        title = (await self._blocking(self._registry.meter, meter_id)).system_title
        rolling = await self._blocking(self._opened)
        came = (await rolling.go_on([title])).get(title)
        if came is None:
            return "no new keys are pending for it"
        return "it uses its new keys" if came is RolledOver.DONE else came.value

    def _order(self, meter_id: int) -> bytes:
        title, rolling = self._registry.meter(meter_id).system_title, self._opened()
        rolling.begin([title])
        return rolling.order(title)

    def _opened(self) -> RollOver:
        if self._rolling is None:
            self._rolling = RollOver(self._current, self._pending(), self._line, self._random)
        return self._rolling

    def _reach(self, title: bytes) -> tuple[Meter, str]:
        meter = self._registry.meter_by_system_title(title)
        if meter is None:
            raise NotRegistered(f"meter {title.hex()} is not in the registry")
        if not meter.link:
            raise SettingError(f"meter {meter.serial} has no link: it cannot be dialled")
        return meter, meter.link
