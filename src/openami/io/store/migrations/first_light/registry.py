"""Points, meters, channels, people and their history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId, UtcTime


def create() -> None:
    op.create_table(
        "metering_point",
        sa.Column("id", RowId, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("service_address", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("transformer", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_metering_point"),
        sa.UniqueConstraint("code", name="uq_metering_point_code"),
    )
    op.create_table(
        "service_address",
        sa.Column("metering_point", RowId, nullable=False),
        sa.Column("start", UtcTime(), nullable=False),
        sa.Column("service_address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "start", name="pk_service_address"),
        sa.ForeignKeyConstraint(["metering_point"], ["metering_point.id"], name="fk_service_address_metering_point"),
    )
    op.create_table(
        "meter",
        sa.Column("id", RowId, nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("system_title", sa.LargeBinary(), nullable=False),
        sa.Column("guarantee", sa.Integer(), nullable=False),
        sa.Column("link", sa.Text()),
        sa.Column("framing", sa.Text(), nullable=False),
        sa.Column("curve", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_meter"),
        sa.UniqueConstraint("serial", name="uq_meter_serial"),
        sa.UniqueConstraint("system_title", name="uq_meter_system_title"),
    )
    op.create_table(
        "channel",
        sa.Column("metering_point", RowId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("obis", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("scaler", sa.Integer(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("modulus", RowId, nullable=False),
        sa.PrimaryKeyConstraint("metering_point", "number", name="pk_channel"),
        sa.ForeignKeyConstraint(["metering_point"], ["metering_point.id"], name="fk_channel_metering_point"),
    )
    op.create_table(
        "consumer",
        sa.Column("id", RowId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consumer"),
    )
    _valid_from_to("installation", "meter")
    _valid_from_to("supply", "consumer")
    revision = op.create_table(
        "registry_revision",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registry_revision"),
    )
    op.bulk_insert(revision, [{"id": 1, "revision": 0}])


def _valid_from_to(table: str, other: str) -> None:
    op.create_table(
        table,
        sa.Column("metering_point", RowId, nullable=False),
        sa.Column("start", UtcTime(), nullable=False),
        sa.Column(other, RowId, nullable=False),
        sa.Column("end", UtcTime()),
        sa.PrimaryKeyConstraint("metering_point", "start", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["metering_point"], ["metering_point.id"], name=f"fk_{table}_metering_point"),
        sa.ForeignKeyConstraint([other], [f"{other}.id"], name=f"fk_{table}_{other}"),
    )
    op.create_index(f"ix_{table}_{other}", table, [other])
