"""Metering data at scale: blocks in parts by month with their highest interval, and what closing a day keeps."""

from __future__ import annotations

from openami.io.store.migrations.metering_data import billing, closing, crossing, edits, exchange, facts, parts, peaks

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    peaks.add()
    for table in ("interval_block", "judged_block"):
        parts.divide(table)
    billing.create()
    closing.create()
    crossing.create()
    edits.create()
    exchange.create()
    facts.create()
