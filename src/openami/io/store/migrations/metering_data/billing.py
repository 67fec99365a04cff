"""Billing: plans by which determinants are made, runs, and what each gave per point."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId, UtcTime


def create() -> None:
    op.create_table(
        "billing_plan",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_billing_plan"),
    )
    op.create_table(
        "billing_run",
        sa.Column("id", RowId, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("begun_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_billing_run"),
        sa.UniqueConstraint("plan", "first", "after", name="uq_billing_run_plan_first_after"),
    )
    op.create_table(
        "billing_result",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "run", "version", name="pk_billing_result"),
    )
