"""Campaigns and schedules in the store: what is to be read, when, and how far it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, insert, select, update

from openami.backoffice.operations.cause import Cause
from openami.backoffice.operations.job_state import FINAL, CampaignState, JobState
from openami.backoffice.operations.jobs import Jobs
from openami.backoffice.operations.read_plan import ReadPlan, decode_plan, encode_plan
from openami.backoffice.operations.tables import campaign, read_schedule
from openami.io.store.engine import Store
from openami.model.errors import SettingError, StoreError


class NoSuchCampaign(StoreError, LookupError):
    """The store has no campaign with this id."""


class Campaign(NamedTuple):
    """What a campaign is told to do."""

    id: int
    plan: ReadPlan
    period: tuple[datetime, datetime]
    deadline: datetime
    state: CampaignState


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign for people. `completed + failed + cancelled + pending == total`; `pending` still can be read.

    `by_cause` counts the jobs that have not been read by the cause of their last failed attempt.
    """

    id: int
    name: str
    period: tuple[datetime, datetime]
    deadline: datetime
    state: CampaignState
    total: int
    completed: int
    failed: int
    cancelled: int
    pending: int
    running: int
    by_cause: dict[str, int]
    starts_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def told(campaign: CampaignView) -> str:
    """A campaign in one line of a log."""
    causes = ", ".join(f"{count} × {cause}" for cause, count in campaign.by_cause.items())
    missed = f"; {campaign.failed} missed ({causes})" if campaign.failed else ""
    state = campaign.state.value
    return f"campaign {campaign.id} {campaign.name!r} {state}: {campaign.completed} of {campaign.total} read{missed}"


@dataclass(frozen=True, slots=True)
class ReadSchedule:
    """Every `every_s` a campaign over all meters that can be dialled reads the `window_s` before its start."""

    id: int
    name: str
    plan: ReadPlan
    every_s: int
    window_s: int
    deadline_s: int
    next_at: datetime


class Campaigns:
    """All campaigns in `store`."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    def create(
        self,
        name: str,
        meters: Sequence[int],
        plan: ReadPlan,
        period: tuple[datetime, datetime],
        deadline: datetime,
        *,
        now: datetime,
        starts_at: datetime | None = None,
        schedule: int | None = None,
    ) -> int:
        """A new campaign and its jobs, in one transaction; its id. Raises `SettingError` for what cannot be meant."""
        starts_at = starts_at or now
        if period[0] >= period[1]:
            raise SettingError(f"campaign {name!r}: its period ends at {period[1]}, before it begins at {period[0]}")
        if deadline <= starts_at:
            raise SettingError(f"campaign {name!r}: its deadline {deadline} is not after its start {starts_at}")
        values = {
            "name": name,
            "plan": encode_plan(plan),
            "period_start": period[0],
            "period_end": period[1],
            "starts_at": starts_at,
            "deadline": deadline,
            "state": CampaignState.WAITING,
            "read_schedule": schedule,
        }
        with self._store.transaction() as connection:
            identity = int((connection.execute(insert(campaign).values(values)).inserted_primary_key or (0,))[0])
            self._jobs.add(identity, meters, starts_at, now)
        return identity

    def get(self, identity: int) -> Campaign:
        """What the campaign is told to do; raise `NoSuchCampaign`."""
        row = self._row(identity)
        period = row.period_start, row.period_end
        return Campaign(row.id, decode_plan(row.plan), period, row.deadline, CampaignState(row.state))

    def due(self, now: datetime) -> list[int]:
        """Campaigns that have not ended and whose start has come, oldest first."""
        unfinished = campaign.c.state.in_((CampaignState.WAITING, CampaignState.RUNNING))
        query = select(campaign.c.id).where(unfinished, campaign.c.starts_at <= now).order_by(campaign.c.id)
        with self._store.reading() as connection:
            return list(connection.execute(query).scalars())

    def begin(self, identity: int, now: datetime) -> None:
        """The campaign runs; its first start is kept."""
        self._row(identity)
        with self._store.transaction() as connection:
            this = and_(campaign.c.id == identity, campaign.c.state == CampaignState.WAITING)
            values = {"state": CampaignState.RUNNING, "started_at": now}
            connection.execute(update(campaign).where(this).values(values))

    def end(self, identity: int, state: CampaignState, now: datetime) -> None:
        """The campaign has ended, once."""
        with self._store.transaction() as connection:
            this = and_(campaign.c.id == identity, campaign.c.ended_at.is_(None))
            connection.execute(update(campaign).where(this).values(state=state, ended_at=now))

    def view(self, identity: int) -> CampaignView:
        return self._views([self._row(identity)])[0]

    def views(self, limit: int) -> list[CampaignView]:
        """The newest campaigns first."""
        with self._store.reading() as connection:
            rows = connection.execute(select(campaign).order_by(campaign.c.id.desc()).limit(limit)).all()
        return self._views(rows)

    # Schedules

    def put_schedule(
        self, name: str, plan: ReadPlan, *, every_s: int, window_s: int, deadline_s: int, first_at: datetime
    ) -> int:
        """Make the schedule `name`, or change it; a changed one keeps its next time unless `first_at` is later."""
        if min(every_s, window_s, deadline_s) < 1:
            raise SettingError(f"schedule {name!r}: periods, windows and deadlines are at least a second long")
        values = {
            "plan": encode_plan(plan),
            "every_s": every_s,
            "window_s": window_s,
            "deadline_s": deadline_s,
        }
        with self._store.transaction() as connection:
            row = connection.execute(select(read_schedule).where(read_schedule.c.name == name)).first()
            if row is None:
                made = connection.execute(insert(read_schedule).values(name=name, next_at=first_at, **values))
                return int((made.inserted_primary_key or (0,))[0])
            change = update(read_schedule).where(read_schedule.c.id == row.id)
            connection.execute(change.values(next_at=max(first_at, row.next_at), **values))
            return int(row.id)

    def schedules(self) -> list[ReadSchedule]:
        """All schedules, by name."""
        with self._store.reading() as connection:
            return [_schedule(row) for row in connection.execute(select(read_schedule).order_by(read_schedule.c.name))]

    def start_due(self, find_meters: Callable[[], Sequence[int]], now: datetime) -> list[int]:
        """Make the campaigns of the schedules that are due: one each, for the latest due time; skipped times are
        covered by its backfill. Each in one transaction with the schedule's next time, so that no kill doubles it.
        `find_meters` is asked if any is due; without meters none is made.
        """
        due = [schedule for schedule in self.schedules() if schedule.next_at <= now]
        meters = find_meters() if due else ()
        return [self._start(schedule, meters, now) for schedule in due] if meters else []

    def _start(self, schedule: ReadSchedule, meters: Sequence[int], now: datetime) -> int:
        every = timedelta(seconds=schedule.every_s)
        slot = schedule.next_at + (now - schedule.next_at) // every * every
        period = slot - timedelta(seconds=schedule.window_s), slot
        deadline = now + timedelta(seconds=schedule.deadline_s)
        with self._store.transaction() as connection:
            this = and_(read_schedule.c.id == schedule.id, read_schedule.c.next_at == schedule.next_at)
            connection.execute(update(read_schedule).where(this).values(next_at=slot + every))
            return self.create(
                schedule.name, meters, schedule.plan, period, deadline, now=now, starts_at=slot, schedule=schedule.id
            )

    def _row(self, identity: int) -> Row[Any]:
        with self._store.reading() as connection:
            row = connection.execute(select(campaign).where(campaign.c.id == identity)).first()
        if row is None:
            raise NoSuchCampaign(f"there is no campaign {identity}")
        return row

    def _views(self, rows: Sequence[Row[Any]]) -> list[CampaignView]:
        tallies = {row.id: _Tally() for row in rows}
        for identity, state, cause, jobs in self._jobs.counts(list(tallies)):
            tallies[identity].add(state, cause, jobs)
        return [tallies[row.id].view(row) for row in rows]


class _Tally:
    def __init__(self) -> None:
        self._states: dict[JobState, int] = {}
        self._causes: dict[str, int] = {}

    def add(self, state: JobState, cause: Cause | None, jobs: int) -> None:
        self._states[state] = self._states.get(state, 0) + jobs
        if cause is not None and state is not JobState.COMPLETED:
            self._causes[cause.value] = self._causes.get(cause.value, 0) + jobs

    def view(self, row: Row[Any]) -> CampaignView:
        states = self._states
        total = sum(states.values())
        return CampaignView(
            id=row.id,
            name=row.name,
            period=(row.period_start, row.period_end),
            deadline=row.deadline,
            state=CampaignState(row.state),
            total=total,
            completed=states.get(JobState.COMPLETED, 0),
            failed=states.get(JobState.DISCARDED, 0),
            cancelled=states.get(JobState.CANCELLED, 0),
            pending=total - sum(states.get(state, 0) for state in FINAL),
            running=states.get(JobState.RUNNING, 0),
            by_cause=dict(sorted(self._causes.items())),
            starts_at=row.starts_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )


def _schedule(row: Row[Any]) -> ReadSchedule:
    return ReadSchedule(row.id, row.name, decode_plan(row.plan), row.every_s, row.window_s, row.deadline_s, row.next_at)
