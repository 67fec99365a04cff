"""Files that were imported, and the tokens of programs that ask the public interface."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId, UtcTime


def create() -> None:
    op.create_table(
        "delivered_file",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "form", name="pk_delivered_file"),
    )
    op.create_table(
        "api_token",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("consumer", RowId),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_api_token"),
        sa.UniqueConstraint("name", name="uq_api_token_name"),
        sa.ForeignKeyConstraint(["consumer"], ["consumer.id"], name="fk_api_token_consumer"),
    )
