"""The store: one SQL database, its schema and its transactions. Synchronous; no room's tables live here.

How a room declares its tables
------------------------------
1. `tables.py` in the room: `sqlalchemy.Table(name, metadata, ...)` on the one shared `metadata` (`io.store.schema`),
   with the column types of `io.store.columns`: `RowId` for keys, `UtcTime` for times, `Text` for codes, `LargeBinary`
   for bytes. Queries are SQLAlchemy Core on these tables; nothing that only one database understands.
2. The same tables as explicit `op.create_table` calls in a file of the migration that is still growing
   (`io/store/migrations/metering_data/`, called by `versions/0002_metering_data.py`). `0001` made stores that exist: it
   and its folder `first_light` never change again. Migrations import no room: they are history, rooms change.
3. `tests/unit/io/store/test_migrations.py` imports every room's `tables.py` and fails when migrations and declared
   tables differ.
4. Keys of big tables contain `metering_point` (a bigint that is never updated), so that the schema can be
   distributed; times are parameters, never the database's clock.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
