"""Operations: what the back office does with meters. The one object that pages, commands and the demo talk to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from openami.backoffice.operations.alert_pipeline import Incident
from openami.backoffice.operations.alert_watch import AlertWatch
from openami.backoffice.operations.assignment import Assignments
from openami.backoffice.operations.campaign_run import CampaignRun
from openami.backoffice.operations.campaigns import Campaigns, CampaignView, ReadSchedule, told
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.job_state import CampaignState, JobState
from openami.backoffice.operations.jobs import AttemptView, Jobs, JobView
from openami.backoffice.operations.live import LIVE, LiveReading
from openami.backoffice.operations.notes import ClockNote, Notes, Quarantined
from openami.backoffice.operations.push_opening import PushOpening
from openami.backoffice.operations.push_store import PushState, PushStore
from openami.backoffice.operations.read_plan import ReadPlan
from openami.backoffice.operations.recorder import Recorder
from openami.backoffice.operations.sealed_delivery import SealedReport, deliver_sealed, read_report
from openami.backoffice.operations.session_result import PROTOCOL
from openami.backoffice.operations.sessions import Sessions
from openami.backoffice.operations.settings import OperationsSettings
from openami.backoffice.operations.turns import Turns
from openami.backoffice.registry.registry import Registry
from openami.io.blocking import Blocking, inline
from openami.io.clock import Clock
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.registers import read_registers
from openami.io.store.engine import Store
from openami.model.errors import LinkError, LinkTimeout, RemoteProtocolError, StoreError
from openami.model.event import MeterEvent
from openami.protocols.dlms.counters import Counters

LOG = logging.getLogger(__name__)
PULL_BATCHES_MAX = 200
"""How much of a spool is taken before it is opened: a head-end may have a spool without end."""


class Keystore(Protocol):
    """Where the meters' keys are."""

    def meter_keys(self, system_title: bytes) -> MeterKeys:
        """The keys of a meter; raises `NoKeys`."""
        ...


@dataclass(slots=True)
class _Run:
    """A campaign that is running, and how many wait for its end."""

    task: asyncio.Task[None]
    waiting: int = 0


class Operations:
    """One process per store: it takes what it finds running for interrupted. An installation sees to that with the
    lock on its counters. Methods that are not `async` read or write the store at once: call them through
    `blocking` where an event loop must not wait.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        mdm: Intake,
        headend: HeadendClient,
        keystore: Keystore,
        counters: Counters,
        clock: Clock,
        random: Callable[[int], bytes],
        blocking: Blocking = inline,
        settings: OperationsSettings | None = None,
    ) -> None:
        self._settings = settings or OperationsSettings()
        self._registry = registry
        self._intake = mdm
        self.headend = headend
        self._clock = clock
        self._blocking = blocking
        self._jobs = Jobs(store)
        self._campaigns = Campaigns(store, self._jobs)
        self._notes = Notes(store)
        self._pushes = PushStore(store)
        self._assignments = Assignments(registry, mdm, self._notes)
        self.sessions = Sessions(headend, keystore.meter_keys, counters, clock, random, self._settings)
        self._watch = AlertWatch(registry, self._settings.push_every_s)
        self._opening = PushOpening(
            store,
            self._pushes,
            self._notes,
            registry,
            mdm,
            keystore.meter_keys,
            watch=self._watch,
            telegram_every_s=self._settings.telegram_every_s,
        )
        self._recorder = Recorder(
            store, self._jobs, self._campaigns, self._notes, self._pushes, mdm, registry, self._settings, random
        )
        self._runs: dict[int, _Run] = {}
        self._forget_at = 0.0
        self._turns = Turns(self._settings.concurrency)
        self._recovery = asyncio.Lock()
        self._recovered = False

    # Campaigns

    def create_campaign(
        self,
        name: str,
        meters: Sequence[int],
        profile: ReadPlan,
        period: tuple[datetime, datetime],
        deadline: datetime,
        *,
        starts_at: datetime | None = None,
    ) -> int:
        """Ask for a campaign: read `profile` of `meters` for `period`, from `starts_at` (now) until `deadline`."""
        return self._campaigns.create(name, meters, profile, period, deadline, now=self._now(), starts_at=starts_at)

    def cancel_campaign(self, identity: int) -> None:
        """Let no further read of the campaign begin; what is running goes on to its end."""
        now = self._now()
        self._jobs.cancel(identity, now)
        self._campaigns.end(identity, CampaignState.CANCELLED, now)

    async def run_campaign(self, identity: int) -> None:
        """Run a campaign to its end; join the run if it is running already. A campaign that has ended stays so.

        A run stops when the last one who waits for it is cancelled.
        """
        run = self._runs.get(identity)
        if run is None:
            run = self._runs[identity] = _Run(asyncio.get_running_loop().create_task(self._run_campaign(identity)))
        run.waiting += 1
        try:
            await asyncio.shield(run.task)
        finally:
            run.waiting -= 1
            if not run.waiting:
                del self._runs[identity]
                run.task.cancel()
                await asyncio.gather(run.task, return_exceptions=True)

    def campaign(self, identity: int) -> CampaignView:
        """A campaign and how far it came; raise `NoSuchCampaign`."""
        return self._campaigns.view(identity)

    def campaigns(self, limit: int = 50) -> list[CampaignView]:
        """The newest campaigns first."""
        return self._campaigns.views(limit)

    def jobs(self, campaign: int, state: JobState | None = None, limit: int | None = None) -> list[JobView]:
        """The campaign's jobs, by meter."""
        return self._jobs.views(campaign, state, limit)

    def attempts(self, campaign: int, meter: int) -> list[AttemptView]:
        """All attempts to read one meter in one campaign, each with its cause."""
        return self._jobs.attempts(campaign, meter)

    # Schedules

    def put_schedule(
        self, name: str, plan: ReadPlan, *, every_s: int, window_s: int, deadline_s: int, first_at: datetime
    ) -> int:
        """Read all meters that can be dialled every `every_s` from `first_at` on: what is lacking of the `window_s`
        before (a window longer than the period is the backfill of holes).
        """
        return self._campaigns.put_schedule(
            name, plan, every_s=every_s, window_s=window_s, deadline_s=deadline_s, first_at=first_at
        )

    def schedules(self) -> list[ReadSchedule]:
        return self._campaigns.schedules()

    # Running

    async def run(self) -> None:
        """The scheduler: starts what is due, resumes what was interrupted, pulls the spool. Until cancelled."""
        pulling = asyncio.get_running_loop().create_task(self._pull_for_ever())
        runs: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                for identity in await self._should_run():
                    if identity not in runs or runs[identity].done():
                        runs[identity] = asyncio.get_running_loop().create_task(self._run_logged(identity))
                runs = {identity: run for identity, run in runs.items() if not run.done()}
                await self._clock.sleep(self._settings.look_every_s)
        finally:
            tasks = [pulling, *runs.values(), *(run.task for run in self._runs.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def pull_spool(self) -> int:
        """Take what the head-end has spooled, let it forget that, and open it; how many items came.

        What comes without end is taken in parts, so that it keeps nothing from being opened. Raises `LinkError` if the
        head-end cannot be reached; what is in the store already is opened all the same.
        """
        taken = 0
        try:
            for _ in range(PULL_BATCHES_MAX):
                pulled = await self._pull_some()
                taken += pulled
                if not pulled:
                    break
            return taken
        finally:
            while await self._blocking(self._opening.open_waiting, self._settings.pull_items, self._now()):
                pass
            await self._blocking(self._watch.check, self._clock.time())
            await self._forget()

    async def read_now(self, meter_id: int) -> LiveReading:
        """Ask a meter for its registers now; the answer's bytes are kept as evidence."""
        meter, link = await self._blocking(self._assignments.reachable, meter_id)
        try:
            async with asyncio.timeout(self._settings.attempt_timeout_s), self.sessions.client(meter, link) as client:
                await client.associate()
                answer = await read_registers(client, self._clock, LIVE)
                await client.release()
        except TimeoutError as error:
            limit = self._settings.attempt_timeout_s
            raise LinkTimeout(f"meter {meter.serial} was not read within {limit:g} s") from error
        evidence = await self._blocking(
            self._intake.keep_evidence,
            meter_id,
            answer.at,
            PROTOCOL,
            answer.received,
            answer.plain,
            f"on demand, {len(answer.values)} registers",
        )
        return LiveReading(meter_id, answer.at, answer.values, evidence)

    async def deliver(self, meter_id: int, envelope: bytes | None) -> SealedReport:
        """Bring a sealed command to its meter, or only ask what became of the last (`None`).

        Raises `DataAccessError` if the meter did not open or take it, `LinkError` if it was not reached.
        """
        meter, link = await self._blocking(self._assignments.reachable, meter_id)
        try:
            async with asyncio.timeout(self._settings.attempt_timeout_s), self.sessions.client(meter, link) as client:
                await client.associate()
                report = await (read_report(client) if envelope is None else deliver_sealed(client, envelope))
                await client.release()
        except TimeoutError as error:
            limit = self._settings.attempt_timeout_s
            raise LinkTimeout(f"meter {meter.serial} was not reached within {limit:g} s") from error
        return report

    # What is known

    def events(self, meter: int | None = None, limit: int = 200) -> list[MeterEvent]:
        """The latest events first, of one meter or of all."""
        return self._notes.events(meter, limit)

    def event_evidence(self, event: MeterEvent) -> int | None:
        """The id of the bytes that an event came from."""
        return self._notes.event_evidence(event)

    def incidents(self) -> list[Incident]:
        """What calls for people, grouped by cause, since this process began; what happened last comes first."""
        return self._watch.incidents()

    def clocks(self, meter: int, limit: int = 30) -> list[ClockNote]:
        """How far the meter's clock was off, latest first."""
        return self._notes.clocks(meter, limit)

    def quarantined(self, meter: int | None = None, limit: int = 200) -> list[Quarantined]:
        """What came and could not be used, with all its bytes, latest first."""
        return self._notes.quarantined(meter, limit)

    def pushes(self) -> dict[PushState, int]:
        """How many pushes are in each state."""
        return self._pushes.counts()

    # Inside

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)

    def _due(self) -> list[int]:
        """Make the campaigns that schedules ask for; all campaigns that should be running."""
        now = self._now()
        self._campaigns.start_due(self._readable, now)
        return self._campaigns.due(now)

    def _readable(self) -> list[int]:
        """The meters that schedules read."""
        return [meter.id for meter in self._registry.meters() if meter.link and meter.two_way]

    async def _should_run(self) -> list[int]:
        """All campaigns that should be running; none as long as the store fails."""
        try:
            await self._recover()
            return await self._blocking(self._due)
        except StoreError as error:
            LOG.warning("the scheduler waits: %s", error)
            return []

    async def _recover(self) -> None:
        """What a process before us left running is retryable; once, before anything of ours runs."""
        async with self._recovery:
            if self._recovered:
                return
            interrupted = await self._blocking(self._jobs.recover, self._now())
            self._recovered = True
            if interrupted:
                LOG.warning("%d reads were interrupted when a process ended; they are tried again", interrupted)

    async def _run_campaign(self, identity: int) -> None:
        await self._recover()
        campaign = await self._blocking(self._campaigns.get, identity)
        if campaign.state in (CampaignState.ENDED, CampaignState.CANCELLED):
            return
        run = CampaignRun(
            campaign,
            self._campaigns,
            self._jobs,
            self._assignments,
            self.sessions,
            self._recorder,
            self._settings,
            self._turns,
            self._clock,
            self._blocking,
        )
        await run.run()

    async def _run_logged(self, identity: int) -> None:
        try:
            await self.run_campaign(identity)
            LOG.info("%s", told(await self._blocking(self.campaign, identity)))
        except StoreError as error:
            LOG.error("campaign %d stopped: %s; it goes on when the store does", identity, error)

    async def _pull_for_ever(self) -> None:
        while True:
            try:
                await self.pull_spool()
            except (LinkError, RemoteProtocolError, StoreError) as error:
                LOG.warning("the spool was not pulled: %s", error)
            await self._clock.sleep(self._settings.pull_every_s)

    async def _forget(self) -> None:
        """Now and then, what listeners to the air brought and nobody needs."""
        if self._clock.time() < self._forget_at:
            return
        self._forget_at = self._clock.time() + self._settings.forget_every_s
        before = self._now() - timedelta(seconds=self._settings.telegram_keep_s)
        if gone := await self._blocking(self._pushes.forget, before, self._settings.foreign_max):
            LOG.info("%d telegrams of no use were forgotten", gone)

    async def _pull_some(self) -> int:
        """One batch: read, keep durably, and only then release."""
        items = await self.headend.read_spool(0, 1)
        position = await self._blocking(self._pushes.position, items.spool)
        items = await self.headend.read_spool(position, self._settings.pull_items)
        through = await self._blocking(self._pushes.take, items)
        if through:
            await self.headend.release_spool(items.spool, through)
        return sum(item.number > position for item in items.items)
