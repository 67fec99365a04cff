"""Operations for pages that are a process of their own: what is stored they read themselves, the rest they ask for.

This process has neither a meter's key nor a counter, and no way to the head-end.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from openami.app.deciders import Asked
from openami.backoffice.operations.alert_pipeline import Incident
from openami.backoffice.operations.campaigns import Campaigns, CampaignView
from openami.backoffice.operations.job_state import JobState
from openami.backoffice.operations.jobs import Jobs, JobView
from openami.backoffice.operations.live import LiveReading
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.sealed_delivery import SealedReport
from openami.io.clock import Clock
from openami.io.store.engine import Store
from openami.model.errors import LinkError
from openami.model.event import MeterEvent
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.zones.message import AskCollectors, AskRoutes, ConnectedCollectors, Routes
from openami.protocols.zones.operations_message import (
    AskIncidents,
    Deliver,
    IncidentIs,
    Incidents,
    KeyOrder,
    KeysAre,
    LiveValues,
    MeterReport,
    OrderKeys,
    ProveKeys,
    ReadNow,
)

_UNITS = {unit.value: unit for unit in Unit}


class HeadendAway:
    """The head-end through operations: see `openami.portal.operating.Collecting`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    async def collectors(self) -> ConnectedCollectors:
        """Which collectors have called in."""
        return await self._asked(AskCollectors(), ConnectedCollectors)

    async def routes(self, collector: str) -> Routes:
        """How the stations of a collector's mesh reach it."""
        return await self._asked(AskRoutes(collector), Routes)


class KeysAway:
    """See `openami.app.console.KeyChanges`: the keys stay where operations is."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    async def order(self, meter_id: int) -> bytes:
        """See `KeyChanges`."""
        return (await self._asked(OrderKeys(meter_id), KeyOrder)).apdu

    async def prove(self, meter_id: int) -> str:
        """See `KeyChanges`."""
        return (await self._asked(ProveKeys(meter_id), KeysAre)).words


class OperationsAway:
    """See `openami.portal.operating.Operating` and `openami.app.console.Carrier`. Make it inside of the loop."""

    def __init__(self, store: Store, asked: Asked, clock: Clock) -> None:
        self._jobs = Jobs(store)
        self._campaigns = Campaigns(store, self._jobs)
        self._notes = Notes(store)
        self._asked = asked
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.headend = HeadendAway(asked)

    def campaigns(self, limit: int = 50) -> list[CampaignView]:
        """See `Operating`."""
        return self._campaigns.views(limit)

    def campaign(self, identity: int) -> CampaignView:
        """See `Operating`."""
        return self._campaigns.view(identity)

    def jobs(self, campaign: int, state: JobState | None = None, limit: int | None = None) -> list[JobView]:
        """See `Operating`."""
        return self._jobs.views(campaign, state, limit)

    def events(self, meter: int | None = None, limit: int = 200) -> list[MeterEvent]:
        """See `Operating`."""
        return self._notes.events(meter, limit)

    def incidents(self) -> list[Incident]:
        """See `Operating`; that operations does not answer is one. To be called beside the loop, not in it."""
        asked = asyncio.run_coroutine_threadsafe(self._asked(AskIncidents(), Incidents), self._loop)
        try:
            return [_incident(one) for one in asked.result().incidents]
        except LinkError as error:
            now = self._clock.time()
            return [Incident("operations", str(error), now, now, 1)]

    async def read_now(self, meter_id: int) -> LiveReading:
        """See `Operating`."""
        answer = await self._asked(ReadNow(meter_id), LiveValues)
        values = [
            (ObisCode.parse(one.obis), one.name, Quantity(one.mantissa, one.scaler, _UNITS[one.unit]))
            for one in answer.values
        ]
        return LiveReading(meter_id, datetime.fromtimestamp(answer.at, UTC), values, answer.evidence)

    async def deliver(self, meter_id: int, envelope: bytes | None) -> SealedReport:
        """See `Carrier`."""
        answer = await self._asked(Deliver(meter_id, envelope), MeterReport)
        return SealedReport(answer.counter, answer.stage, answer.at, answer.contact)


def _incident(one: IncidentIs) -> Incident:
    return Incident(one.cause, one.code, one.first, one.last, one.alerts, dict.fromkeys(one.meters), one.paged)
