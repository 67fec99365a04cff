"""Crossed meters: each exchange of two meters' places in the books."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId, UtcTime


def create() -> None:
    op.create_table(
        "crossing",
        sa.Column("id", RowId, nullable=False),
        sa.Column("first_point", sa.BigInteger(), nullable=False),
        sa.Column("second_point", sa.BigInteger(), nullable=False),
        sa.Column("start", UtcTime(), nullable=False),
        sa.Column("end", UtcTime()),
        sa.Column("reverses", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("preview", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_crossing"),
    )
