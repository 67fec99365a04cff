"""Rolling a fleet's keys over, in waves: each day a small share of the meters, and none whose keys are new enough.

Works on an installation that nobody else uses now: it holds the keystore and the invocation counters.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from openami.app.installation import Installation
from openami.app.parts import headend_client, operations_settings
from openami.app.records import open_commands
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.guard.limits import DAY_S, Limits
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.key_line import KeyLine
from openami.backoffice.operations.key_roll_over import RolledOver, RollOver
from openami.backoffice.operations.sessions import Sessions
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.clock import Clock
from openami.io.keystore.file_keystore import FileKeystore
from openami.model.errors import SettingError
from openami.model.point import Meter

IN_USE: Final = "new keys are in use"
BEGUN: Final = "new keys were made"
KEYS_PERMILLE_PER_DAY: Final = Limits().keys_permille_per_day


@dataclass(frozen=True, slots=True)
class KeyWork:
    """One installation's keys in the hands of somebody who rolls them over."""

    registry: Registry
    keystore: FileKeystore
    rolling: RollOver
    audit: Audit
    clock: Clock

    async def roll(self, serials: Sequence[str], permille: int, older_than_days: float) -> dict[str, RolledOver]:
        """Go on with what is pending, then begin with more, as many as the day's share has left.

        `serials` names the meters; none: all of the keystore whose keys were not rolled over for so many days.
        Raises `SettingError` for a meter without a master key, `NotRegistered` for one that nobody knows.
        """
        pending = self.rolling.pending()
        wanted = [self._title(serial) for serial in serials] or self._old(older_than_days)
        fresh = [title for title in wanted if title not in pending][: self._left(permille)]
        for title in fresh:
            self.audit.enter(Kind.KEY, getpass.getuser(), f"meter {self._serial(title)}", BEGUN)
        self.rolling.begin(fresh)
        came = await self.rolling.go_on()
        for title, one in came.items():
            if one is RolledOver.DONE:
                self.audit.enter(Kind.KEY, getpass.getuser(), f"meter {self._serial(title)}", IN_USE)
        return {self._serial(title): one for title, one in came.items()}

    def _left(self, permille: int) -> int:
        """How many more meters may get new keys today."""
        fleet, since = len(self.keystore.system_titles()), self.clock.time() - DAY_S
        begun = sum(one.what == BEGUN and one.at > since for one in self.audit.of_kind(Kind.KEY))
        return max(0, max(1, fleet * permille // 1000) - begun)

    def _old(self, days: float) -> list[bytes]:
        """Those with a master key whose keys are older, as far as the log knows."""
        since = self.clock.time() - days * DAY_S
        recent = {one.subject: None for one in self.audit.of_kind(Kind.KEY) if one.what == IN_USE and one.at > since}
        return [
            title
            for title in self.keystore.system_titles()
            if self.keystore.meter_keys(title).master_key is not None
            and self.registry.meter_by_system_title(title) is not None
            and f"meter {self._serial(title)}" not in recent
        ]

    def _title(self, serial: str) -> bytes:
        if (meter := self.registry.meter_by_serial(serial)) is None:
            raise NotRegistered(f"meter {serial} is not in the registry")
        return meter.system_title

    def _serial(self, title: bytes) -> str:
        meter = self.registry.meter_by_system_title(title)
        return title.hex() if meter is None else meter.serial


@asynccontextmanager
async def open_key_work(
    installation: Installation, clock: Clock, headend: HeadendClient | None = None, link: str = ""
) -> AsyncIterator[KeyWork]:
    """Over the installation's head-end, or `headend`; with `link`, every meter is dialled there."""
    with ExitStack() as stack:
        store, keystore = installation.open_store(), installation.open_keystore()
        stack.callback(store.close)
        counters = installation.open_counters()
        stack.callback(counters.close)
        registry, settings = Registry(store), operations_settings(installation)
        headend = headend or headend_client(installation, installation.settings.operations.headend, clock)
        sessions = Sessions(headend, keystore.meter_keys, counters, clock, secrets.token_bytes, settings)
        line = KeyLine(sessions, lambda title: reached(registry, title, link), clock)
        rolling = RollOver(keystore, installation.open_pending_keys(), line, secrets.token_bytes)
        audit = stack.enter_context(open_commands(installation, clock))
        yield KeyWork(registry, keystore, rolling, audit, clock)


def reached(registry: Registry, title: bytes, link: str = "") -> tuple[Meter, str]:
    """The meter and where it is dialled; raises `NotRegistered` or `SettingError`."""
    meter = registry.meter_by_system_title(title)
    if meter is None:
        raise NotRegistered(f"meter {title.hex()} is not in the registry")
    if not (link or meter.link):
        raise SettingError(f"meter {meter.serial} has no link: it cannot be dialled")
    return meter, link or meter.link or ""
