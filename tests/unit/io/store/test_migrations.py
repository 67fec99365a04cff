"""Migrations and the rooms' declared tables agree, and a schema that does not fit is refused by name."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import openami
import stores
from openami.io.store.engine import Store
from openami.io.store.partitions import partitioned
from openami.io.store.schema import metadata
from openami.model.errors import SchemaTooNew, SchemaTooOld

SOURCE = Path(openami.__file__).parent


def declared_rooms():
    for path in sorted(SOURCE.rglob("tables.py")):
        yield ".".join(("openami", *path.relative_to(SOURCE).with_suffix("").parts))


@pytest.mark.parametrize("kind", stores.KINDS)
def test_migrations_make_exactly_the_declared_tables(kind):
    for room in declared_rooms():
        importlib.import_module(room)
    with stores.opened(kind) as store, store.reading() as connection:
        parts = {f"{name}_default" for name in partitioned(connection)}
        options = {"compare_type": True, "include_name": lambda name, *_: name not in parts}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert len(parts) == (2 if kind == "postgresql" else 0)


def test_the_first_rooms_declare_tables():
    assert "openami.backoffice.registry.tables" in list(declared_rooms())


def test_upgrading_twice_changes_nothing(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    store.upgrade()
    store.upgrade()
    store.check()


def test_an_empty_database_is_too_old():
    with pytest.raises(SchemaTooOld, match="openami store upgrade"):
        Store("sqlite://").check()


def test_a_newer_schema_is_left_alone():
    store = Store("sqlite://")
    store.upgrade()
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (store.check, store.upgrade):
        with pytest.raises(SchemaTooNew, match="9999"):
            act()
