"""Tokens of programs. Only a hash is kept; a token of no consumer sees every point."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text

from openami.io.store.columns import RowId, UtcTime
from openami.io.store.schema import metadata

api_token = Table(
    "api_token",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("consumer", RowId, ForeignKey("consumer.id")),
    Column("scopes", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
)
