"""What is said to Citus, and that a database without it says so. No Citus runs here."""

from __future__ import annotations

import pytest

import openami.backoffice.mdm.tables
import openami.backoffice.operations.tables
import openami.backoffice.registry.tables  # noqa: F401 - declares tables
import stores
from openami.io.store.distribute import copied_tables, distribute, spread_tables, statements
from openami.io.store.schema import metadata
from openami.model.errors import StoreError


def test_blocks_are_spread_together_and_the_registry_is_copied():
    spread, copied = ([table.name for table in some()] for some in (spread_tables, copied_tables))
    assert {"interval_block", "judged_block", "stamped_register", "evidence"} <= set(spread)
    assert {"metering_point", "meter", "installation", "channel", "consumer", "supply"} <= set(copied)
    assert not set(spread) & set(copied)
    assert "job" not in {*spread, *copied}
    said = dict(statements())
    assert said["meter"] == "SELECT create_reference_table('meter')"
    assert said["interval_block"].endswith(f"colocate_with => '{spread[0]}')")


def test_every_unique_key_of_a_spread_table_contains_the_metering_point():
    for table in spread_tables():
        assert "metering_point" in table.primary_key.columns
        assert not [index.name for index in table.indexes if index.unique]
        assert not table.foreign_keys
        assert not {t.name for t in metadata.tables.values() for k in t.foreign_keys if k.column.table is table}


@pytest.mark.parametrize("kind", stores.KINDS)
def test_without_the_extension_nothing_is_done(kind):
    with (
        stores.opened(kind) as store,
        store.transaction() as connection,
        pytest.raises(StoreError, match="extension `citus`"),
    ):
        distribute(connection)
