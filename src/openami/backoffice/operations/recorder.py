"""What sessions brought becomes durable: readings, evidence, events and the job's new state in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from openami.backoffice.operations.campaigns import Campaigns
from openami.backoffice.operations.cause import PERMANENT, Cause
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.job_state import CampaignState
from openami.backoffice.operations.jobs import Jobs
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.outcome import Outcome
from openami.backoffice.operations.push_store import PushStore
from openami.backoffice.operations.session_result import Answer, SessionResult
from openami.backoffice.operations.settings import OperationsSettings, retry_delay_s
from openami.backoffice.operations.single_values import SingleValues
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.errors import StoreError
from openami.model.point import behind_meter
from openami.model.reading import ProfileReading, RegisterReading

LOG = logging.getLogger(__name__)


class Recorder:
    """Synchronous: all of it runs where the store may be waited for. A kill leaves all of an outcome or nothing."""

    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        campaigns: Campaigns,
        notes: Notes,
        pushes: PushStore,
        intake: Intake,
        registry: Registry,
        settings: OperationsSettings,
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._campaigns = campaigns
        self._notes = notes
        self._pushes = pushes
        self._intake = intake
        self._registry = registry
        self._values = SingleValues(registry)
        self._settings = settings
        self._random = random

    def record(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Record all outcomes in one transaction; if the store refuses, each on its own, so that one cannot keep the
        others out. One that cannot be recorded at all is an attempt that failed by the store.
        """
        try:
            self._together(outcomes, now)
        except StoreError as error:
            if len(outcomes) > 1:
                for outcome in outcomes:
                    self.record((outcome,), now)
                return
            LOG.error("job %d could not be recorded: %s", outcomes[0].claim.job, error)
            with self._store.transaction():
                self._finish(Outcome(outcomes[0].claim, SessionResult(), Cause.STORE_FAILED, str(error)), now)

    def _together(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        profiles: list[ProfileReading] = []
        registers: list[RegisterReading] = []
        with self._store.transaction():
            for outcome in outcomes:
                self._take_answers(outcome, profiles, registers)
                self._take_notes(outcome, now)
                self._finish(outcome, now)
            if profiles:
                self._intake.take_profile(profiles)
            if registers:
                self._intake.take_register(registers)

    def _take_answers(self, outcome: Outcome, profiles: list[ProfileReading], registers: list[RegisterReading]) -> None:
        meter = outcome.claim.meter
        for answer in outcome.result.answers:
            at = answer.received_at
            whose = self._whose(meter, answer)
            evidence = self._intake.keep_evidence(
                whose, at, answer.protocol, answer.received, answer.plain, answer.note
            )
            if answer.values:
                registers += self._values.registers(whose, answer.values, at, evidence)
            profiles += [ProfileReading(meter, *column, at, evidence) for column in answer.profile]
            registers += [RegisterReading(meter, *register, at, evidence) for register in answer.registers]
            self._notes.note_events(meter, answer.events, at, "event log", evidence)

    def _whose(self, meter: int, answer: Answer) -> int:
        """The sub-meter that the answer speaks of; `meter` itself if it is of itself, or of none that hangs behind it:
        no meter can speak for one that is somewhere else.
        """
        sub_meter = self._registry.meter_by_system_title(answer.sub_meter) if answer.sub_meter else None
        behind = behind_meter(self._registry.meter(meter)) if sub_meter is not None else None
        return sub_meter.id if sub_meter is not None and sub_meter.link == behind else meter

    def _take_notes(self, outcome: Outcome, now: datetime) -> None:
        claim, result = outcome.claim, outcome.result
        origin = f"campaign {claim.campaign}, attempt {claim.number}"
        if result.clock is not None:
            self._notes.note_clock(claim.meter, result.clock)
        if result.log_through is not None:
            self._notes.note_log(claim.meter, result.log_through)
        for undecodable in result.undecodable:
            self._notes.quarantine(origin, claim.meter, undecodable, now)
        self._pushes.take_from_session(f"job {claim.job}.{claim.number}", result.pushed, now)

    def _finish(self, outcome: Outcome, now: datetime) -> None:
        claim, cause = outcome.claim, outcome.cause
        if cause is None:
            self._jobs.complete(claim, now)
            return
        throttled = cause is Cause.THROTTLED
        attempts = 1 if throttled else claim.number
        next_at = now + timedelta(seconds=retry_delay_s(self._settings, attempts, self._random(4)))
        campaign = self._campaigns.get(claim.campaign)
        over = next_at >= campaign.deadline or campaign.state is CampaignState.CANCELLED
        if over or cause in PERMANENT or (claim.number >= self._settings.attempts and not throttled):
            self._jobs.discard(claim, cause, outcome.detail, now)
        elif throttled:
            self._jobs.postpone(claim, cause, outcome.detail, next_at)
        else:
            self._jobs.retry(claim, cause, outcome.detail, now, next_at)
