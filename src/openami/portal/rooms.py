"""What the pages work with: the rooms of the back office, and the portal's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar.connection import ASGIConnection

from openami.backoffice.audit.entry import Audit
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.crossed_hints import Hint
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.clock import Clock
from openami.portal.accounts import Accounts
from openami.portal.critical import CriticalCommands
from openami.portal.operating import Operating
from openami.portal.pages import Pages
from openami.portal.privacy import Privacy
from openami.portal.sessions import Sessions
from openami.portal.settings import PortalSettings
from openami.portal.throttle import LoginThrottle


@dataclass(frozen=True, slots=True)
class Rooms:
    """Given to every handler. `clock` is the meters' time, `wall` the time of the people who look at the pages:
    in a demonstration the first runs faster. `hashing` bounds how many passwords are hashed at once (32 MiB each).
    """

    registry: Registry
    mdm: Mdm
    judge: Judge
    billing: Billing
    crossed_hints: Callable[[datetime, datetime], list[Hint]]
    operations: Operating
    accounts: Accounts
    sessions: Sessions
    throttle: LoginThrottle
    pages: Pages
    settings: PortalSettings
    clock: Clock
    wall: Clock
    random: Callable[[int], bytes]
    hashing: asyncio.Semaphore
    critical: CriticalCommands | None = None
    audit: Audit | None = None
    privacy: Privacy | None = None

    @property
    def now(self) -> datetime:
        """The meters' time, UTC."""
        return datetime.fromtimestamp(self.clock.time(), UTC)


def rooms_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Rooms:
    """The rooms of the portal that is asked."""
    rooms: Rooms = connection.app.state.rooms
    return rooms
