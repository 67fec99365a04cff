"""Which files were imported: what they held is known by its digest, so that the same file is known again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, Text

from openami.io.store.columns import UtcTime
from openami.io.store.schema import metadata

# `known_at` is when a file of this content was first seen: importing it again changes nothing, whatever came since.
delivered_file = Table(
    "delivered_file",
    metadata,
    Column("digest", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("known_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("taken", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    PrimaryKeyConstraint("digest", "form"),
)
