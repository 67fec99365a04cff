"""The tables of billing. A result is never changed: what a later look gives is its next version."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from openami.io.store.columns import RowId, UtcTime
from openami.io.store.schema import metadata

# A plan as it was written (TOML); each change is a new version.
billing_plan = Table(
    "billing_plan",
    metadata,
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name", "version"),
)

# One period billed by one plan, for all points: local days from `first` to before `after`.
billing_run = Table(
    "billing_run",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("first", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    UniqueConstraint("plan", "first", "after"),
)

# The determinants of one point in one run (JSON), and the versions of the days that they rest on.
billing_result = Table(
    "billing_result",
    metadata,
    Column("metering_point", BigInteger, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Column("inputs", LargeBinary, nullable=False),
    PrimaryKeyConstraint("metering_point", "run", "version"),
)
