"""What pushes say, given to the alert pipeline in the order of their numbers; who is called is logged.

A push that was opened and verified speaks for its meter; one that could not be verified is only the head-end's word
that some meter sent it, and counts as a claim of the head-end. Incidents live in memory: after a restart they begin
anew, while events stay in the store.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

from openami.backoffice.operations.alert_pipeline import Alert, AlertPipeline, Incident, Page, Place, Trust
from openami.backoffice.registry.registry import Registry

LOG = logging.getLogger(__name__)


class Noticed(NamedTuple):
    """What one push was: of meter `meter` (None: not verified), the event it tells, its number among the meter's
    notifications, and whether it is one of the regular ones; or a `telegram`, which has no number.
    """

    meter: int | None
    event: str = ""
    number: int = 0
    regular: bool = False
    telegram: bool = False


class AlertWatch:
    """Times are UTC seconds of the back office; meters push regularly every `heartbeat_s`.

    Only who has pushed regularly since the start can fall silent or leave a hole. A number that is passed over is
    waited for one period, since alarms travel before the bulk.
    """

    def __init__(self, registry: Registry, heartbeat_s: float) -> None:
        self._registry = registry
        self._heartbeat_s = heartbeat_s
        self._places: dict[str, Place] = {}
        self._line = AlertPipeline(self._places, heartbeat_s)
        self._serials: dict[int, str] = {}
        self._waiting: dict[str, dict[int, float]] = {}
        self._checked = 0.0

    def take(self, noticed: Sequence[Noticed], now: float) -> None:
        """What pushes said that are in the store now."""
        for one in noticed:
            if one.meter is None:
                _call(self._line.alert(Alert("", "push", now, Trust.HEADEND)))
                continue
            serial = self._placed(one.meter) if one.event else self._serial(one.meter)
            if one.telegram:
                self._line.told(serial, now)
            elif one.regular or serial in self._waiting:
                self._waiting.setdefault(serial, {})[one.number] = now
                self._in_order(serial, now)
            if one.event:
                _call(self._line.alert(Alert(serial, one.event, now)))

    def check(self, now: float) -> None:
        """Who is silent, and which numbers did not come; it looks four times a period."""
        if 0 <= now - self._checked < self._heartbeat_s / 4:
            return
        self._checked = now
        for serial in self._waiting:
            self._in_order(serial, now)
        for page in self._line.check(now):
            _call(page)

    def incidents(self) -> list[Incident]:
        """A copy of all incidents, those first in which something happened last."""
        found = [copy(each) for each in list(self._line.incidents.values())]
        return sorted(found, key=lambda each: each.last, reverse=True)

    def _in_order(self, serial: str, now: float) -> None:
        waiting = self._waiting[serial]
        for number in sorted(waiting):
            expected = self._line.expected(serial)
            if expected is not None and number > expected and now - waiting[number] < self._heartbeat_s:
                return
            _call(self._line.heard(serial, number, waiting.pop(number)))

    def _serial(self, identity: int) -> str:
        return self._serials.get(identity) or self._placed(identity)

    def _placed(self, identity: int) -> str:
        """The meter's serial, once its place is that of the registry now."""
        meter = self._registry.meter(identity)
        hung = self._registry.installations(identity)
        point = self._registry.point(hung[-1].metering_point) if hung else None
        self._places[meter.serial] = Place((point.transformer if point else None) or "", _carrier(meter.link or ""))
        self._serials[identity] = meter.serial
        return meter.serial


def _carrier(link: str) -> str:
    """The collector that a meter's link names; empty if it is dialled directly."""
    scheme, _, rest = link.partition("://")
    return rest.partition("/")[0] if scheme == "collector" else ""


def _call(page: Page | None) -> None:
    if page is not None:
        LOG.error("alert: %s, %s", page.cause, page.code)
