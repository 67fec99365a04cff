"""The registry's tables. History is kept as rows with `start` and `end`; `end` NULL means: still so."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from openami.io.store.columns import RowId, UtcTime
from openami.io.store.schema import metadata

metering_point = Table(
    "metering_point",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("service_address", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("transformer", Text),
)

service_address = Table(
    "service_address",
    metadata,
    Column("metering_point", RowId, ForeignKey("metering_point.id"), nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("service_address", Text, nullable=False),
    PrimaryKeyConstraint("metering_point", "start"),
)

meter = Table(
    "meter",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("serial", Text, nullable=False, unique=True),
    Column("system_title", LargeBinary, nullable=False, unique=True),
    Column("guarantee", Integer, nullable=False),
    Column("link", Text),
    Column("framing", Text, nullable=False),
    Column("curve", Text, nullable=False),
)

channel = Table(
    "channel",
    metadata,
    Column("metering_point", RowId, ForeignKey("metering_point.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("obis", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit", Integer, nullable=False),
    Column("scaler", Integer, nullable=False),
    Column("resolution_s", Integer, nullable=False),
    Column("modulus", RowId, nullable=False),
    Column("multiplier", RowId, nullable=False, server_default="1"),
    PrimaryKeyConstraint("metering_point", "number"),
)

installation = Table(
    "installation",
    metadata,
    Column("metering_point", RowId, ForeignKey("metering_point.id"), nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("meter", RowId, ForeignKey("meter.id"), nullable=False, index=True),
    Column("end", UtcTime),
    PrimaryKeyConstraint("metering_point", "start"),
)

consumer = Table(
    "consumer",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
)

supply = Table(
    "supply",
    metadata,
    Column("metering_point", RowId, ForeignKey("metering_point.id"), nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("consumer", RowId, ForeignKey("consumer.id"), nullable=False, index=True),
    Column("end", UtcTime),
    PrimaryKeyConstraint("metering_point", "start"),
)

# What was told of a point with both times; the other tables hold what is known now. `content` is JSON.
registry_fact = Table(
    "registry_fact",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("metering_point", RowId, ForeignKey("metering_point.id"), nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime),
    Column("content", Text, nullable=False),
    Column("known_from", UtcTime, nullable=False),
    Column("known_until", UtcTime),
    Index(None, "metering_point", "kind"),
)

# One row: counts the changes of the registry, so that others know whether what they looked up still holds.
registry_revision = Table(
    "registry_revision",
    metadata,
    Column("id", Integer, nullable=False, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
)
