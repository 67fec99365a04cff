"""Accounts and sessions of the portal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId


def create() -> None:
    op.create_table(
        "account",
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("consumer", RowId),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_account"),
        sa.ForeignKeyConstraint(["consumer"], ["consumer.id"], name="fk_account_consumer"),
    )
    op.create_table(
        "portal_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_portal_session"),
        sa.ForeignKeyConstraint(["login"], ["account.login"], name="fk_portal_session_login"),
    )
    op.create_index("ix_portal_session_login", "portal_session", ["login"])
