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
    store = Store("sqlite://")
    with _driver(store) as driver:
        driver.deserialize(_schema())
    return store


@cache
def _schema() -> bytes:
    with closing(Store("sqlite://")) as store:
        store.upgrade()
        with _driver(store) as driver:
            schema: bytes = driver.serialize()
    return schema


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
