"""Running a campaign: claim what is due, read it, record it, until nothing waits any more.

All state lies in the store. Killed at any point, the next run finds its jobs there and goes on.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from openami.backoffice.operations import local_port_session, mbus_session, sml_session
from openami.backoffice.operations.assignment import Assignments
from openami.backoffice.operations.campaigns import Campaign, Campaigns
from openami.backoffice.operations.cause import Cause, cause_of
from openami.backoffice.operations.job_state import CampaignState
from openami.backoffice.operations.jobs import Claim, Jobs
from openami.backoffice.operations.outcome import Outcome
from openami.backoffice.operations.reading_session import ReadingSession
from openami.backoffice.operations.recorder import Recorder
from openami.backoffice.operations.session_result import SessionResult
from openami.backoffice.operations.sessions import Sessions
from openami.backoffice.operations.settings import OperationsSettings
from openami.backoffice.operations.turns import Turns
from openami.io.blocking import Blocking
from openami.io.clock import Clock
from openami.model.errors import OpenAmiError

LOG = logging.getLogger(__name__)

READ_ALONE = {
    mbus_session.FRAMING: mbus_session.read_mbus,
    local_port_session.FRAMING: local_port_session.read_local_port,
    sml_session.FRAMING: sml_session.read_sml,
}
"""How meters are read that speak no DLMS, by their framing."""


class CampaignRun:
    """One run of one campaign in this process: as many meters at once as it has turns."""

    def __init__(
        self,
        campaign: Campaign,
        campaigns: Campaigns,
        jobs: Jobs,
        assignments: Assignments,
        sessions: Sessions,
        recorder: Recorder,
        settings: OperationsSettings,
        turns: Turns,
        clock: Clock,
        blocking: Blocking,
    ) -> None:
        self._campaign = campaign
        self._campaigns = campaigns
        self._jobs = jobs
        self._assignments = assignments
        self._sessions = sessions
        self._recorder = recorder
        self._settings = settings
        self._turns = turns
        self._clock = clock
        self._blocking = blocking
        self._masters: frozenset[str] = frozenset()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._done: asyncio.Queue[Outcome | None] = asyncio.Queue()

    async def run(self) -> None:
        """Run to the end. Cancelling leaves the jobs that were running for the next run."""
        await self._blocking(self._campaigns.begin, self._campaign.id, self._now())
        self._masters = await self._blocking(self._assignments.masters)
        self._turns.enter(self._campaign.id, self._look)
        try:
            while True:
                sated = await self._start_due()
                next_at = await self._blocking(self._jobs.next_at, self._campaign.id, self._now())
                if not self._running and next_at is None:
                    break
                await self._record_some(next_at if sated else None)
        finally:
            await self._stop()
            self._turns.leave(self._campaign.id)
        await self._blocking(self._campaigns.end, self._campaign.id, CampaignState.ENDED, self._now())

    async def _start_due(self) -> bool:
        """Start what is due, as far as turns go; false if there may be more, which waits for a turn."""
        now = self._now()
        await self._blocking(self._jobs.discard_overdue, self._campaign.id, now, self._campaign.deadline)
        turns = self._turns.take(self._campaign.id)
        if not turns:
            return False
        claims = await self._blocking(self._jobs.claim, self._campaign.id, turns, now)
        for claim in claims:
            self._running[claim.job] = asyncio.get_running_loop().create_task(self._attempt(claim))
        if len(claims) == turns:
            return False
        self._turns.give_back(self._campaign.id, turns - len(claims), sated=True)
        return True

    async def _record_some(self, next_at: datetime | None) -> None:
        """Wait until an attempt ends or something is due; record what has ended."""
        outcomes = [outcome for outcome in await self._wait(next_at) if outcome is not None]
        if outcomes:
            await self._blocking(self._recorder.record, outcomes, self._now())
            for outcome in outcomes:
                await self._running.pop(outcome.claim.job)
            self._turns.give_back(self._campaign.id, len(outcomes))

    async def _wait(self, next_at: datetime | None) -> list[Outcome | None]:
        """What has ended: at least one outcome, or a None when `next_at` (or the deadline) or a turn has come."""
        alarm = asyncio.get_running_loop().create_task(self._ring(next_at)) if next_at is not None else None
        try:
            ended = [await self._done.get()]
        finally:
            if alarm is not None:
                alarm.cancel()
                await asyncio.gather(alarm, return_exceptions=True)
        while not self._done.empty() and len(ended) < self._settings.record_batch:
            ended.append(self._done.get_nowait())
        return ended

    async def _ring(self, next_at: datetime) -> None:
        await self._clock.sleep(max(0.0, min(next_at, self._campaign.deadline).timestamp() - self._clock.time()))
        self._look()

    def _look(self) -> None:
        """Wake the run: something may begin."""
        self._done.put_nowait(None)

    async def _attempt(self, claim: Claim) -> None:
        """One attempt; whatever happens, there is an outcome with its cause."""
        result = SessionResult()
        try:
            async with asyncio.timeout(self._settings.attempt_timeout_s):
                await self._read(claim, result)
            outcome = Outcome(claim, result, None)
        except TimeoutError:
            limit = f"the meter was not read within {self._settings.attempt_timeout_s:g} s"
            outcome = Outcome(claim, result, Cause.TIMEOUT, limit)
        except OpenAmiError as error:
            outcome = Outcome(claim, result, cause_of(error), str(error))
        except Exception as error:
            LOG.exception("reading meter %d failed by a defect of ours", claim.meter)
            outcome = Outcome(claim, result, Cause.DEFECT, f"{type(error).__name__}: {error}")
        self._done.put_nowait(outcome)

    async def _read(self, claim: Claim, result: SessionResult) -> None:
        plan, period = self._campaign.plan, self._campaign.period
        assignment = await self._blocking(self._assignments.of, claim.meter, plan, period, self._masters)
        read = READ_ALONE.get(assignment.meter.framing)
        if read is not None:
            async with self._sessions.circuit(assignment.link) as circuit:
                await read(circuit, assignment.meter, self._clock, result)
            return
        async with self._sessions.client(assignment.meter, assignment.link) as client:
            await ReadingSession(client, assignment, self._clock, result).run()

    async def _stop(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._running.clear()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)
