"""One conformance suite, each database: tests that take `store` run on all of `KINDS`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import postgres
from openami.io.store.engine import Store

KINDS = ("sqlite", "postgresql")


@contextmanager
def opened(kind: str) -> Iterator[Store]:
    """A new store with its schema."""
    if kind == "postgresql":
        with postgres.database() as url, closing(Store(url)) as store:
            yield store
        return
    with closing(in_memory()) as store:
        yield store


def in_memory() -> Store:
    """A new store in memory with its schema, which is copied: to make it anew takes fifty times as long."""
    return copy_of(_empty())


def copy_of(original: Store) -> Store:
    """A new store in memory with all that `original`, in memory too, holds."""
    copy = Store("sqlite://")
    with _driver(original) as source, _driver(copy) as target:
        source.backup(target)
    return copy


@cache
def _empty() -> Store:
    store = Store("sqlite://")
    store.upgrade()
    return store


@contextmanager
def _driver(store: Store) -> Iterator[sqlite3.Connection]:
    connection = store._engine.raw_connection()
    try:
        yield connection.driver_connection
    finally:
        connection.close()


@contextmanager
def closing(store: Store) -> Iterator[Store]:
    try:
        yield store
    finally:
        store.close()
