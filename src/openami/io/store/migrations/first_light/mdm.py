"""Interval blocks raw and judged, stamped registers, evidence, and readings without a place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import UtcTime


def create() -> None:
    _interval_block()
    _judged_block()
    op.create_table(
        "stamped_register",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("obis", sa.Text(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("register", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "obis", "stamp", "meter", "version", name="pk_stamped_register"),
    )
    op.create_table(
        "evidence",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("received", sa.LargeBinary(), nullable=False),
        sa.Column("plain", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "id", name="pk_evidence"),
    )
    op.create_index("ix_evidence_id", "evidence", ["id"])
    _unplaced()


def _interval_block() -> None:
    op.create_table(
        "interval_block",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.BigInteger(), nullable=False),
        sa.Column("energy_sum", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("estimated", sa.Integer(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("closing", sa.BigInteger(), nullable=False),
        sa.Column("closing_meter", sa.BigInteger(), nullable=False),
        sa.Column("energy", sa.LargeBinary(), nullable=False),
        sa.Column("quality", sa.LargeBinary()),
        sa.Column("registers", sa.LargeBinary()),
        sa.Column("status", sa.LargeBinary()),
        sa.Column("sources", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("metering_point", "day", "channel", "version", name="pk_interval_block"),
    )


def _judged_block() -> None:
    op.create_table(
        "judged_block",
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("raw_version", sa.Integer(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("energy_sum", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("estimated", sa.Integer(), nullable=False),
        sa.Column("energy", sa.LargeBinary()),
        sa.Column("quality", sa.LargeBinary()),
        sa.Column("reasons", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("metering_point", "day", "channel", "version", name="pk_judged_block"),
    )


def _unplaced() -> None:
    op.create_table(
        "unplaced",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("meter", sa.BigInteger(), nullable=False),
        sa.Column("obis", sa.Text(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_stamp", sa.BigInteger(), nullable=False),
        sa.Column("last_stamp", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("evidence", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("placed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unplaced"),
    )
    op.create_index("ix_unplaced_meter", "unplaced", ["meter"])
