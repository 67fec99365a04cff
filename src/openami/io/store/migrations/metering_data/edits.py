"""Values that a person set: edits, what became of each, and the days as edited."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import UtcTime


def create() -> None:
    op.create_table(
        "value_edit",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("intervals", sa.Integer(), nullable=False),
        sa.Column("energy", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "number", name="pk_value_edit"),
    )
    op.create_table(
        "value_edit_step",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "number", "step", name="pk_value_edit_step"),
    )
    op.create_table(
        "edited_block",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("edited_at", UtcTime(), nullable=False),
        sa.Column("edit", sa.Integer(), nullable=False),
        sa.Column("energy", sa.LargeBinary(), nullable=False),
        sa.Column("marked", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("metering_point", "day", "channel", "version", name="pk_edited_block"),
    )
