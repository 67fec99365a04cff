"""The states of a job: one meter in one campaign.

                        ┌─────────── meter free ──────────┐
                        ▼                                 │
    scheduled ──time──► available ──meter is busy──► pending
                        │    ▲
                 claimed│    │time
                        ▼    │
                      running┼──failed, may try again──► retryable ──time──► available
                        │    │
              was read  │    └──failed for good, or tried often enough──► discarded
                        ▼
                    completed

    Any state that waits (scheduled, available, pending, retryable):
        the deadline passes ──► discarded        the operator stops it ──► cancelled

A killed process leaves jobs running; the next one makes them retryable, with the cause `interrupted`.
completed, cancelled and discarded are final: each job ends once, and one that was not read keeps its cause.
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """See the drawing above. The names are what the store holds."""

    AVAILABLE = "available"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    RUNNING = "running"
    RETRYABLE = "retryable"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


class CampaignState(StrEnum):
    """A campaign waits for its start, runs, and has ended or was cancelled."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


WAITING = (JobState.SCHEDULED, JobState.AVAILABLE, JobState.PENDING, JobState.RETRYABLE)
FINAL = (JobState.COMPLETED, JobState.CANCELLED, JobState.DISCARDED)

TRANSITIONS: dict[JobState, tuple[JobState, ...]] = {
    JobState.SCHEDULED: (JobState.AVAILABLE, JobState.CANCELLED, JobState.DISCARDED),
    JobState.AVAILABLE: (JobState.PENDING, JobState.RUNNING, JobState.CANCELLED, JobState.DISCARDED),
    JobState.PENDING: (JobState.AVAILABLE, JobState.CANCELLED, JobState.DISCARDED),
    JobState.RUNNING: (JobState.COMPLETED, JobState.RETRYABLE, JobState.DISCARDED),
    JobState.RETRYABLE: (JobState.AVAILABLE, JobState.CANCELLED, JobState.DISCARDED),
    JobState.COMPLETED: (),
    JobState.CANCELLED: (),
    JobState.DISCARDED: (),
}


def sources(target: JobState) -> tuple[JobState, ...]:
    """The states from which `target` may be reached."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)
