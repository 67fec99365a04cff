"""Values at hand: a table of recent intervals for those who ask the database itself; ratios of transformers."""

from __future__ import annotations

from openami.io.store.migrations.values_at_hand import ratios, recent

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ratios.add()
    recent.create()
