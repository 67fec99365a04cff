"""What one unit on a meter's display stands for, behind instrument transformers; channels there are had none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId


def add() -> None:
    op.add_column("channel", sa.Column("multiplier", RowId, nullable=False, server_default="1"))
