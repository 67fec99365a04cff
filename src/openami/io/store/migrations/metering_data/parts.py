"""On servers, tables by day become tables in parts by month: what is there already stays, as the default part."""

from __future__ import annotations

from alembic import op

KEY = "metering_point, day, channel, version"


def divide(table: str) -> None:
    """Make `table` one of parts, its rows where they are. The order of its columns stays."""
    if op.get_bind().dialect.name != "postgresql":
        return
    rest = f"{table}_default"
    op.rename_table(table, rest)
    op.execute(f'ALTER INDEX "pk_{table}" RENAME TO "pk_{rest}"')
    op.execute(f'CREATE TABLE "{table}" (LIKE "{rest}") PARTITION BY RANGE (day)')
    op.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "pk_{table}" PRIMARY KEY ({KEY})')
    op.execute(f'ALTER TABLE "{table}" ATTACH PARTITION "{rest}" DEFAULT')
