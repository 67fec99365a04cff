"""Jobs in the store: every change of state is one statement whose WHERE names the states it may come from.

All methods are synchronous and join the caller's transaction (`store.transaction()`), so that a change of state and
what was read become durable together. The process keeps nothing that is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from openami.backoffice.operations.cause import Cause
from openami.backoffice.operations.job_state import WAITING, CampaignState, JobState, sources
from openami.backoffice.operations.tables import attempt, campaign, job
from openami.io.store.engine import Store

DETAIL_MAX = 500
BUSY_POLL = timedelta(seconds=5)


class Claim(NamedTuple):
    """A job that this process has taken on: its `number`-th attempt is running."""

    job: int
    campaign: int
    meter: int
    number: int


@dataclass(frozen=True, slots=True)
class JobView:
    """One job for people. `cause` and `detail` are those of the last attempt that failed."""

    meter: int
    state: JobState
    attempts: int
    cause: Cause | None
    detail: str
    next_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt for people; `cause` None and `ended_at` set: it succeeded."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    cause: Cause | None
    detail: str


class Jobs:
    """The jobs of all campaigns in `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, campaign: int, meters: Sequence[int], starts_at: datetime, now: datetime) -> None:
        """One job per meter, in an order that scatters them: those that stand together in lists hang below one
        collector, and are not to begin together.
        """
        state = JobState.SCHEDULED if starts_at > now else JobState.AVAILABLE
        rows = [
            {"campaign": campaign, "meter": meter, "state": state, "attempts": 0, "next_at": starts_at}
            for meter in sorted(set(meters), key=partial(_scattered, campaign))
        ]
        with self._store.transaction() as connection:
            if rows:
                connection.execute(insert(job), rows)

    def claim(self, campaign: int, limit: int, now: datetime) -> list[Claim]:
        """Take on up to `limit` jobs that are due: they are running, durably, when this returns."""
        with self._store.transaction() as connection:
            self._promote(connection, campaign, now)
            query = select(job.c.id, job.c.meter, job.c.attempts).where(
                job.c.campaign == campaign, job.c.state == JobState.AVAILABLE
            )
            found = connection.execute(query.order_by(job.c.next_at, job.c.id).limit(limit)).all()
            claims = [Claim(row.id, campaign, row.meter, row.attempts + 1) for row in found]
            for claim in claims:
                self._move(connection, job.c.id == claim.job, JobState.RUNNING, attempts=claim.number)
            if claims:
                rows = [{"job": claim.job, "number": claim.number, "started_at": now} for claim in claims]
                connection.execute(insert(attempt), rows)
            return claims

    def complete(self, claim: Claim, now: datetime) -> None:
        """The meter was read."""
        self._finish(claim, JobState.COMPLETED, now, None, "", now)

    def retry(self, claim: Claim, cause: Cause, detail: str, now: datetime, next_at: datetime) -> None:
        """The attempt failed; the next one is due at `next_at`."""
        self._finish(claim, JobState.RETRYABLE, now, cause, detail, next_at)

    def postpone(self, claim: Claim, cause: Cause, detail: str, next_at: datetime) -> None:
        """The attempt was not even begun: it does not count, and its number is given again at `next_at`."""
        with self._store.transaction() as connection:
            mine = and_(job.c.id == claim.job, job.c.attempts == claim.number)
            values = {"cause": cause, "detail": detail[:DETAIL_MAX], "next_at": next_at, "attempts": claim.number - 1}
            if self._move(connection, mine, JobState.RETRYABLE, **values):
                this = and_(attempt.c.job == claim.job, attempt.c.number == claim.number)
                connection.execute(delete(attempt).where(this))

    def discard(self, claim: Claim, cause: Cause, detail: str, now: datetime) -> None:
        """The attempt failed and there will be no other."""
        self._finish(claim, JobState.DISCARDED, now, cause, detail, now)

    def cancel(self, campaign: int, now: datetime) -> None:
        """Let no job begin any more; what is running goes on to its end, once."""
        with self._store.transaction() as connection:
            waiting = and_(job.c.campaign == campaign, job.c.state.in_(WAITING))
            values = {"cause": func.coalesce(job.c.cause, Cause.CANCELLED), "ended_at": now}
            self._move(connection, waiting, JobState.CANCELLED, **values)

    def recover(self, now: datetime) -> int:
        """Make all running jobs retryable: whoever ran them is gone. How many there were.

        Those of campaigns that were cancelled meanwhile are cancelled too.
        """
        with self._store.transaction() as connection:
            open_attempts = and_(
                attempt.c.ended_at.is_(None),
                attempt.c.job.in_(select(job.c.id).where(job.c.state == JobState.RUNNING)),
            )
            detail = "the process that read the meter ended before it was done"
            values = {"cause": Cause.INTERRUPTED, "detail": detail}
            connection.execute(update(attempt).where(open_attempts).values(ended_at=now, **values))
            running = job.c.state == JobState.RUNNING
            found = self._move(connection, running, JobState.RETRYABLE, next_at=now, **values)
            stopped = select(campaign.c.id).where(campaign.c.state == CampaignState.CANCELLED)
            self._move(connection, job.c.campaign.in_(stopped), JobState.CANCELLED, ended_at=now)
            return found

    def next_at(self, campaign: int, now: datetime) -> datetime | None:
        """When the campaign has something to do next, apart from what is running; None if nothing waits."""
        with self._store.reading() as connection:
            query = select(job.c.state, func.min(job.c.next_at).label("at")).where(
                job.c.campaign == campaign, job.c.state.in_(WAITING)
            )
            rows = connection.execute(query.group_by(job.c.state)).all()
        busy = {JobState.PENDING: now + BUSY_POLL, JobState.AVAILABLE: now}
        return min((busy.get(row.state, row.at) for row in rows), default=None)

    def counts(self, campaigns: Sequence[int]) -> list[tuple[int, JobState, Cause | None, int]]:
        """(campaign, state, cause, how many jobs) for each combination that there is."""
        with self._store.reading() as connection:
            columns = (job.c.campaign, job.c.state, job.c.cause)
            query = select(*columns, func.count().label("jobs")).where(job.c.campaign.in_(campaigns))
            rows = connection.execute(query.group_by(*columns).order_by(*columns)).all()
        return [(row.campaign, JobState(row.state), _cause(row.cause), row.jobs) for row in rows]

    def views(self, campaign: int, state: JobState | None = None, limit: int | None = None) -> list[JobView]:
        """The campaign's jobs, by meter."""
        query = select(job).where(job.c.campaign == campaign).order_by(job.c.meter).limit(limit)
        if state is not None:
            query = query.where(job.c.state == state)
        with self._store.reading() as connection:
            return [
                JobView(
                    row.meter,
                    JobState(row.state),
                    row.attempts,
                    _cause(row.cause),
                    row.detail or "",
                    row.next_at,
                    row.ended_at,
                )
                for row in connection.execute(query)
            ]

    def attempts(self, campaign: int, meter: int) -> list[AttemptView]:
        """All attempts of one job, in order."""
        query = select(attempt).join(job, job.c.id == attempt.c.job)
        query = query.where(job.c.campaign == campaign, job.c.meter == meter).order_by(attempt.c.number)
        with self._store.reading() as connection:
            return [
                AttemptView(row.number, row.started_at, row.ended_at, _cause(row.cause), row.detail or "")
                for row in connection.execute(query)
            ]

    def discard_overdue(self, campaign: int, now: datetime, deadline: datetime) -> None:
        """After the deadline nothing waits any more; a job that was never tried says so as its cause."""
        if now < deadline:
            return
        with self._store.transaction() as connection:
            waiting = and_(job.c.campaign == campaign, job.c.state.in_(WAITING))
            values = {"cause": func.coalesce(job.c.cause, Cause.DEADLINE_PASSED), "ended_at": now}
            self._move(connection, waiting, JobState.DISCARDED, **values)

    def _promote(self, connection: Connection, campaign: int, now: datetime) -> None:
        """Time makes jobs available; a meter that is being read in another campaign makes them wait."""
        mine = job.c.campaign == campaign
        due = and_(mine, job.c.next_at <= now, job.c.state.in_((JobState.SCHEDULED, JobState.RETRYABLE)))
        self._move(connection, due, JobState.AVAILABLE)
        running = job.alias()
        busy = job.c.meter.in_(select(running.c.meter).where(running.c.state == JobState.RUNNING))
        self._move(connection, and_(mine, job.c.state == JobState.PENDING, ~busy), JobState.AVAILABLE)
        self._move(connection, and_(mine, job.c.state == JobState.AVAILABLE, busy), JobState.PENDING)

    def _finish(
        self, claim: Claim, state: JobState, now: datetime, cause: Cause | None, detail: str, next_at: datetime
    ) -> None:
        detail = detail[:DETAIL_MAX]
        with self._store.transaction() as connection:
            values = {
                "cause": cause,
                "detail": detail,
                "next_at": next_at,
                "ended_at": None if state is JobState.RETRYABLE else now,
            }
            mine = and_(job.c.id == claim.job, job.c.attempts == claim.number)
            if self._move(connection, mine, state, **values):
                this = and_(attempt.c.job == claim.job, attempt.c.number == claim.number)
                connection.execute(update(attempt).where(this).values(ended_at=now, cause=cause, detail=detail))

    @staticmethod
    def _move(connection: Connection, which: ColumnElement[bool], target: JobState, **values: object) -> int:
        """Move the jobs of `which` to `target`, those that may; how many did."""
        allowed = and_(which, job.c.state.in_(sources(target)))
        return connection.execute(update(job).where(allowed).values(state=target, **values)).rowcount


def _scattered(campaign: int, meter: int) -> int:
    return crc32(b"%d/%d" % (campaign, meter))


def _cause(text: str | None) -> Cause | None:
    return None if text is None else Cause(text)
