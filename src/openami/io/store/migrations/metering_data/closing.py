"""What closing a day keeps: runs, counts, statistics, late blocks; and the settings by which days are judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import UtcTime

COUNTS = (
    "channels", "by_deadline", "by_billing", "late_changes", "intervals", "measured", "estimated", "missing", "energy",
    "estimated_energy",
)  # fmt: skip


def create() -> None:
    op.create_table(
        "close_run",
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("begun_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.PrimaryKeyConstraint("day", name="pk_close_run"),
    )
    op.create_table(
        "close_count",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("collector", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("oldest_gap", sa.Integer()),
        sa.PrimaryKeyConstraint("day", "collector", "cause", name="pk_close_count"),
    )
    op.create_table(
        "channel_statistic",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("through", sa.Integer(), nullable=False),
        sa.Column("gap_since", sa.Integer()),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("states", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("metering_point", "channel", name="pk_channel_statistic"),
    )
    op.create_table(
        "late_block",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "channel", "day", "version", name="pk_late_block"),
    )
    op.create_table(
        "judging_setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel_class", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer()),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_judging_setting"),
    )
