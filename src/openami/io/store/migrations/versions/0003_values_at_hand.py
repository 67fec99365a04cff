"""Values at hand: a table of recent intervals for those who ask the database itself."""

from __future__ import annotations

from openami.io.store.migrations.values_at_hand import recent

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    recent.create()
