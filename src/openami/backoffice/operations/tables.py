"""The tables of operations. Their rows are jobs and notes, not readings: small, and not distributed."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from openami.io.store.columns import RowId, UtcTime
from openami.io.store.schema import metadata

read_schedule = Table(
    "read_schedule",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("plan", Text, nullable=False),
    Column("every_s", Integer, nullable=False),
    Column("window_s", Integer, nullable=False),
    Column("deadline_s", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("period_start", UtcTime, nullable=False),
    Column("period_end", UtcTime, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("deadline", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("read_schedule", RowId, ForeignKey("read_schedule.id")),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    UniqueConstraint("read_schedule", "starts_at"),
    Index(None, "state", "starts_at"),
)

job = Table(
    "job",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign", RowId, ForeignKey("campaign.id"), nullable=False),
    Column("meter", RowId, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("cause", Text),
    Column("detail", Text),
    Column("ended_at", UtcTime),
    UniqueConstraint("campaign", "meter"),
    Index(None, "campaign", "state", "next_at"),
    Index(None, "state", "meter"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("job", RowId, ForeignKey("job.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("cause", Text),
    Column("detail", Text),
    PrimaryKeyConstraint("job", "number"),
)

spool_position = Table(
    "spool_position",
    metadata,
    Column("spool", Text, nullable=False),
    Column("through", RowId, nullable=False),
    PrimaryKeyConstraint("spool"),
)

push = Table(
    "push",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("spool", Text, nullable=False),
    Column("number", RowId, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    UniqueConstraint("spool", "number"),
    Index(None, "state", "id"),
)

push_counter = Table(
    "push_counter",
    metadata,
    Column("system_title", LargeBinary, nullable=False),
    Column("counter", RowId, nullable=False),
    Column("push", RowId, ForeignKey("push.id"), nullable=False),
    PrimaryKeyConstraint("system_title", "counter"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("noted_at", UtcTime, nullable=False),
    Column("origin", Text, nullable=False),
    Column("meter", RowId),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received", LargeBinary, nullable=False),
    Index(None, "meter", "noted_at"),
)

meter_event = Table(
    "meter_event",
    metadata,
    Column("meter", RowId, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("code", Integer, nullable=False),
    Column("known_at", UtcTime, nullable=False),
    Column("text", Text, nullable=False),
    Column("evidence", RowId, nullable=False),
    PrimaryKeyConstraint("meter", "at", "code"),
    Index(None, "at"),
)

meter_log = Table(
    "meter_log",
    metadata,
    Column("meter", RowId, nullable=False),
    Column("read_through", UtcTime, nullable=False),
    PrimaryKeyConstraint("meter"),
)

clock_note = Table(
    "clock_note",
    metadata,
    Column("meter", RowId, nullable=False),
    Column("noted_at", UtcTime, nullable=False),
    Column("drift_ms", RowId, nullable=False),
    Column("uncertainty_ms", RowId, nullable=False),
    PrimaryKeyConstraint("meter", "noted_at"),
)
