"""The portal's tables: accounts, and who is logged in. Times are people's seconds since 1970-01-01 UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text

from openami.io.store.columns import RowId
from openami.io.store.schema import metadata

account = Table(
    "account",
    metadata,
    Column("login", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("consumer", RowId, ForeignKey("consumer.id")),
    Column("password_hash", Text, nullable=False),
)

portal_session = Table(
    "portal_session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("login", Text, ForeignKey("account.login"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
