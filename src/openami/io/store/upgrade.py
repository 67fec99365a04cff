"""Migrations: bring a schema to this program's version, or say in which direction it is off."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from openami.model.errors import SchemaTooNew, SchemaTooOld

MIGRATIONS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade_schema(connection: Connection) -> None:
    """Run the migrations that this schema has not seen, in the caller's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    _refuse_newer(connection, "the database")
    command.upgrade(config, "head")


def check_schema(connection: Connection, name: str) -> None:
    """Raise unless the schema behind `connection` (the store `name`) has exactly this program's version."""
    found = _refuse_newer(connection, name)
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found != wanted:
        raise SchemaTooOld(
            f"the schema of {name} is {found or 'empty'}, this program needs {wanted}: run `openami store upgrade`"
        )


def _refuse_newer(connection: Connection, name: str) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaTooNew(f"the schema of {name} is {found}, which this program does not know: use a newer program")
    return found
