"""Schedules, campaigns, jobs, pushes, quarantine, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId, UtcTime


def create() -> None:
    _campaigns()
    _pushes()
    _notes()


def _campaigns() -> None:
    op.create_table(
        "read_schedule",
        sa.Column("id", RowId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("deadline_s", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_read_schedule"),
        sa.UniqueConstraint("name", name="uq_read_schedule_name"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", RowId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("period_start", UtcTime(), nullable=False),
        sa.Column("period_end", UtcTime(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("deadline", UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("read_schedule", RowId),
        sa.Column("started_at", UtcTime()),
        sa.Column("ended_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.UniqueConstraint("read_schedule", "starts_at", name="uq_campaign_read_schedule_starts_at"),
        sa.ForeignKeyConstraint(["read_schedule"], ["read_schedule.id"], name="fk_campaign_read_schedule"),
    )
    op.create_index("ix_campaign_state_starts_at", "campaign", ["state", "starts_at"])
    op.create_table(
        "job",
        sa.Column("id", RowId, nullable=False),
        sa.Column("campaign", RowId, nullable=False),
        sa.Column("meter", RowId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("ended_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("campaign", "meter", name="uq_job_campaign_meter"),
        sa.ForeignKeyConstraint(["campaign"], ["campaign.id"], name="fk_job_campaign"),
    )
    op.create_index("ix_job_campaign_state_next_at", "job", ["campaign", "state", "next_at"])
    op.create_index("ix_job_state_meter", "job", ["state", "meter"])
    op.create_table(
        "attempt",
        sa.Column("job", RowId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("cause", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("job", "number", name="pk_attempt"),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name="fk_attempt_job"),
    )


def _pushes() -> None:
    op.create_table(
        "spool_position",
        sa.Column("spool", sa.Text(), nullable=False),
        sa.Column("through", RowId, nullable=False),
        sa.PrimaryKeyConstraint("spool", name="pk_spool_position"),
    )
    op.create_table(
        "push",
        sa.Column("id", RowId, nullable=False),
        sa.Column("spool", sa.Text(), nullable=False),
        sa.Column("number", RowId, nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push"),
        sa.UniqueConstraint("spool", "number", name="uq_push_spool_number"),
    )
    op.create_index("ix_push_state_id", "push", ["state", "id"])
    op.create_table(
        "push_counter",
        sa.Column("system_title", sa.LargeBinary(), nullable=False),
        sa.Column("counter", RowId, nullable=False),
        sa.Column("push", RowId, nullable=False),
        sa.PrimaryKeyConstraint("system_title", "counter", name="pk_push_counter"),
        sa.ForeignKeyConstraint(["push"], ["push.id"], name="fk_push_counter_push"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", RowId, nullable=False),
        sa.Column("noted_at", UtcTime(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("meter", RowId),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_meter_noted_at", "quarantine", ["meter", "noted_at"])


def _notes() -> None:
    op.create_table(
        "meter_event",
        sa.Column("meter", RowId, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", RowId, nullable=False),
        sa.PrimaryKeyConstraint("meter", "at", "code", name="pk_meter_event"),
    )
    op.create_index("ix_meter_event_at", "meter_event", ["at"])
    op.create_table(
        "meter_log",
        sa.Column("meter", RowId, nullable=False),
        sa.Column("read_through", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("meter", name="pk_meter_log"),
    )
    op.create_table(
        "clock_note",
        sa.Column("meter", RowId, nullable=False),
        sa.Column("noted_at", UtcTime(), nullable=False),
        sa.Column("drift_ms", RowId, nullable=False),
        sa.Column("uncertainty_ms", RowId, nullable=False),
        sa.PrimaryKeyConstraint("meter", "noted_at", name="pk_clock_note"),
    )
