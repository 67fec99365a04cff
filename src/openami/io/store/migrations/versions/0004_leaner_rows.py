"""Leaner rows: interval blocks without the columns that nearly no day needs."""

from __future__ import annotations

from openami.io.store.migrations.leaner_rows import blocks

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    blocks.narrow()
