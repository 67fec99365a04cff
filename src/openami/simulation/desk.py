"""Who asks the office for things while the district lives: campaigns over some meters, and single reads."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

from openami.backoffice.operations.job_state import JobState
from openami.backoffice.operations.read_plan import ReadPlan
from openami.io.clock import Clock
from openami.model.errors import OpenAmiError
from openami.simulation.checkers import Checker
from openami.simulation.district import Operations
from openami.simulation.office import Office

LAST_AFTER_S = 1800.0
"""So long after the faults have healed the last campaign begins: it must succeed everywhere."""
LAST_DEADLINE_S = 5000
PERIOD = timedelta(hours=2)


class Desk:
    """Asks at fixed times; `chance` says for which meters. What is asked ends once, and after healing it succeeds."""

    def __init__(
        self, office: Office, plan: Operations, clock: Clock, loop: asyncio.AbstractEventLoop, chance: Random
    ) -> None:
        self.ended = Checker("every question ends once")
        self.healed = Checker("after healing every read succeeds")
        self.asked = self.answered = self.failed = self.interrupted = 0
        self._office = office
        self._plan = plan
        self._clock = clock
        self._loop = loop
        self._chance = chance
        self._last: int | None = None
        self._open = True

    def begin(self) -> None:
        """Ask from now on."""
        if self._plan.campaign_meters:
            self._loop.call_later(self._plan.campaign_every_s, self._campaign)
        if self._plan.ask_every_s:
            self._loop.call_later(self._plan.ask_every_s, self._ask)

    def heal(self) -> None:
        """The faults are over: nothing new, but for one last campaign."""
        self._open = False
        if self._plan.campaign_meters:
            self._loop.call_later(LAST_AFTER_S, self._ask_last)

    def judge(self) -> None:
        """After everything."""
        self.ended.checked += self.asked
        if self.asked != self.answered + self.failed + self.interrupted:
            self.ended.find(
                f"{self.asked} asked, {self.answered} answered, {self.failed} failed, {self.interrupted} interrupted"
            )
        for job in [] if self._last is None else self._office.operations.jobs(self._last):
            self.healed.checked += 1
            if job.state is not JobState.COMPLETED:
                self.healed.find(f"meter {job.meter} was not read: {job.state}, {job.cause}, {job.detail}")

    def _campaign(self) -> None:
        if self._open:
            self._loop.call_later(self._plan.campaign_every_s, self._campaign)
            self._create("some meters", self._plan.deadline_s)

    def _ask_last(self) -> None:
        self._last = self._create("after healing", LAST_DEADLINE_S)

    def _create(self, name: str, deadline_s: int) -> int:
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        meters = self._office.meters
        some = self._chance.sample(meters, min(self._plan.campaign_meters, len(meters)))
        deadline = now + timedelta(seconds=deadline_s)
        return self._office.operations.create_campaign(name, some, ReadPlan(), (now - PERIOD, now), deadline)

    def _ask(self) -> None:
        if self._open:
            self._loop.call_later(self._plan.ask_every_s, self._ask)
            self.asked += 1
            self._office.work(self._read(self._chance.choice(self._office.meters)))

    async def _read(self, meter: int) -> None:
        try:
            await self._office.operations.read_now(meter)
        except OpenAmiError:
            self.failed += 1
        except asyncio.CancelledError:
            self.interrupted += 1
            raise
        else:
            self.answered += 1
