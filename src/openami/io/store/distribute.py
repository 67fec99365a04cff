"""One schema over many servers: Citus is told which tables to spread by metering point, and which to copy to all.

What to do is derived from the schema: tables whose key begins with the metering point and that no foreign key ties are
spread and lie together; tables tied by foreign keys to each other (the registry) are copied to every server; the rest
(jobs, sessions) stays with the coordinator.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text

from openami.io.store.schema import metadata
from openami.model.errors import StoreError

KEY = "metering_point"


def spread_tables() -> list[Table]:
    """The declared tables that are spread by metering point, in the order of their names."""
    tied = {tied for each in metadata.tables.values() for tied in _ties(each)}
    found = (table for name, table in sorted(metadata.tables.items()) if name not in tied and not list(_ties(table)))
    return [table for table in found if [column.name for column in table.primary_key][:1] == [KEY]]


def copied_tables() -> list[Table]:
    """The tables that are copied to every server: metering points and what is tied to them, in their order."""
    family = {KEY}
    for _ in metadata.tables:  # ties of ties: at most as many steps as there are tables
        family |= {name for name, table in metadata.tables.items() if not family.isdisjoint((name, *_ties(table)))}
        family |= {tied for name in family for tied in _ties(metadata.tables[name])}
    return [table for table in metadata.sorted_tables if table.name in family]


def distribute(connection: Connection) -> list[str]:
    """Spread and copy what is not yet; the tables that changed. Raises `StoreError` where the database has no Citus."""
    if connection.dialect.name != "postgresql" or not _has_citus(connection):
        raise StoreError("this database cannot be distributed: the extension `citus` is not created in it")
    connection.execute(text("SET LOCAL citus.multi_shard_modify_mode = 'sequential'"))
    there = set(connection.execute(text("SELECT logicalrelid::regclass::text FROM pg_dist_partition")).scalars())
    changed = []
    for table, statement in statements():
        if table not in there:
            connection.execute(text(statement))
            changed.append(table)
    return changed


def statements() -> Iterator[tuple[str, str]]:
    """Per table what is said to Citus, in order."""
    for table in copied_tables():
        yield table.name, f"SELECT create_reference_table('{table.name}')"
    first = ""
    for table in spread_tables():
        together = f", colocate_with => '{first}'" if first else ""
        yield table.name, f"SELECT create_distributed_table('{table.name}', '{KEY}'{together})"
        first = first or table.name


def _has_citus(connection: Connection) -> bool:
    return connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'citus'")).scalar() is not None


def _ties(table: Table) -> Iterator[str]:
    """The tables that its foreign keys name."""
    return (key.column.table.name for key in table.foreign_keys)
