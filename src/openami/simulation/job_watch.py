"""Every job ends once: judged by a log that the database itself keeps of each change, not by those who change jobs.

A trigger writes each change of a job's state, in the transaction that makes it: what a crash rolls back was never.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Row, text

from openami.backoffice.operations.job_state import FINAL, JobState
from openami.io.store.engine import Store
from openami.simulation.checkers import Checker

SECOND_US: Final = 1_000_000
_WATCH: Final = (
    "CREATE TABLE job_watch (number INTEGER PRIMARY KEY, job INTEGER, meter INTEGER, before TEXT, after TEXT)",
    """CREATE TRIGGER job_made AFTER INSERT ON job BEGIN
        INSERT INTO job_watch (job, meter, after) VALUES (NEW.id, NEW.meter, NEW.state); END""",
    """CREATE TRIGGER job_moved AFTER UPDATE OF state ON job BEGIN
        INSERT INTO job_watch (job, meter, before, after) VALUES (NEW.id, NEW.meter, OLD.state, NEW.state); END""",
    """CREATE TRIGGER job_lost AFTER DELETE ON job BEGIN
        INSERT INTO job_watch (job, meter, before) VALUES (OLD.id, OLD.meter, OLD.state); END""",
)
_ATTEMPTS: Final = (
    "SELECT attempt.job, job.meter, attempt.number, job.attempts, attempt.started_at, attempt.ended_at, attempt.cause"
    " FROM attempt JOIN job ON job.id = attempt.job ORDER BY attempt.job, attempt.number"
)
Answered = Callable[[int, float, float], bool]
"""Whether the meter (its id in the registry) was heard to answer between two UTC seconds."""


class Change(NamedTuple):
    """One change of one job, as the database saw it: None before it was made, None after it was deleted."""

    job: int
    meter: int
    before: JobState | None
    after: JobState | None


class JobsEndOnce(Checker):
    """A SQLite store is watched from the moment on that this is made."""

    def __init__(self, store: Store) -> None:
        super().__init__("every job ends once")
        self._store = store
        with store.transaction() as connection:
            for statement in _WATCH:
                connection.execute(text(statement))

    def judge(self, now: float, answered: Answered) -> None:
        """Look at all that happened; every deadline lies before `now` (UTC seconds)."""
        changes, attempts, campaigns = self._read()
        self.judge_changes(changes)
        for attempt in attempts:
            self._judge_attempt(attempt, answered)
        for campaign in campaigns:
            if campaign.deadline < now * SECOND_US and campaign.ended_at is None:
                self.find(f"campaign {campaign.id} has not ended, {campaign.state} after its deadline")

    def judge_changes(self, changes: list[Change]) -> None:
        """Each job: made once, changed from what it was, ended once; of each meter one read at a time."""
        state: dict[int, JobState | None] = {}
        running: dict[int, int] = {}
        for change in changes:
            if change.before is None and change.job in state:
                self.find(f"job {change.job} was made twice")
            elif change.before is not state.get(change.job):
                self.find(f"job {change.job} was {state.get(change.job)} and is changed from {change.before}")
            if change.before in FINAL:
                self.find(f"job {change.job} had ended, {change.before}, and became {change.after}")
            if change.after is None:
                self.find(f"job {change.job} was deleted, {change.before}")
            self._judge_running(change, running)
            state[change.job] = change.after
        self.checked += len(state)
        for job, last in state.items():
            if last is not None and last not in FINAL:
                self.find(f"job {job} never ended: it is {last}")

    def _judge_running(self, change: Change, running: dict[int, int]) -> None:
        if change.before is JobState.RUNNING and running.get(change.meter) == change.job:
            del running[change.meter]
        if change.after is not JobState.RUNNING:
            return
        other = running.setdefault(change.meter, change.job)
        if other != change.job:
            self.find(f"jobs {other} and {change.job} read meter {change.meter} at once")

    def _judge_attempt(self, attempt: Row[tuple[int, ...]], answered: Answered) -> None:
        self.checked += 1
        who = f"attempt {attempt.number} of job {attempt.job}"
        if attempt.ended_at is None:
            self.find(f"{who} never ended")
        elif attempt.number > attempt.attempts:
            self.find(f"{who} is not counted: the job says {attempt.attempts}")
        elif attempt.cause is None:
            since, until = attempt.started_at / SECOND_US, attempt.ended_at / SECOND_US
            if not answered(attempt.meter, since, until):
                self.find(f"{who} is said to have read meter {attempt.meter}, which did not answer")

    def _read(self) -> tuple[list[Change], list[Row[tuple[int, ...]]], list[Row[tuple[int, ...]]]]:
        with self._store.reading() as connection:
            rows = connection.execute(text("SELECT job, meter, before, after FROM job_watch ORDER BY number")).all()
            attempts = connection.execute(text(_ATTEMPTS)).all()
            campaigns = connection.execute(text("SELECT id, state, deadline, ended_at FROM campaign")).all()
        changes = [Change(row.job, row.meter, _state(row.before), _state(row.after)) for row in rows]
        return changes, list(attempts), list(campaigns)


def _state(word: str | None) -> JobState | None:
    return None if word is None else JobState(word)
