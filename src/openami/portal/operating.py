"""What the pages need of operations: what it has stored, and the few things that take a session or the head-end."""

from __future__ import annotations

from typing import Protocol

from openami.backoffice.operations.alert_pipeline import Incident
from openami.backoffice.operations.campaigns import CampaignView
from openami.backoffice.operations.job_state import JobState
from openami.backoffice.operations.jobs import JobView
from openami.backoffice.operations.live import LiveReading
from openami.model.event import MeterEvent
from openami.protocols.zones.message import ConnectedCollectors, Routes


class Collecting(Protocol):
    """The head-end, as far as it tells of collectors; raises `LinkError`."""

    async def collectors(self) -> ConnectedCollectors:
        """Which collectors have called in."""
        ...

    async def routes(self, collector: str) -> Routes:
        """How the stations of a collector's mesh reach it."""
        ...


class Operating(Protocol):
    """Operations, in this process or in another one. What is not `async` waits for a disk or for that process."""

    @property
    def headend(self) -> Collecting:
        """Who knows the collectors."""
        ...

    async def read_now(self, meter_id: int) -> LiveReading:
        """Ask a meter for its registers now; raises `OpenAmiError` with the cause."""
        ...

    def campaigns(self, limit: int = 50) -> list[CampaignView]:
        """The newest campaigns first."""
        ...

    def campaign(self, identity: int) -> CampaignView:
        """A campaign and how far it came; raises `NoSuchCampaign`."""
        ...

    def jobs(self, campaign: int, state: JobState | None = None, limit: int | None = None) -> list[JobView]:
        """The campaign's jobs, by meter."""
        ...

    def events(self, meter: int | None = None, limit: int = 200) -> list[MeterEvent]:
        """The latest events first, of one meter or of all."""
        ...

    def incidents(self) -> list[Incident]:
        """What calls for people; what happened last comes first."""
        ...
