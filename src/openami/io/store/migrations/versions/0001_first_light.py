"""First light: every room's first tables."""

from __future__ import annotations

from openami.io.store.migrations.first_light import mdm, operations, portal, registry

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    registry.create()
    operations.create()
    mdm.create()
    portal.create()
