"""One conformance suite, each database: tests that take `store` run on all of `KINDS`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
    with closing(Store("sqlite://")) as store:
        store.upgrade()
        yield store


@contextmanager
def closing(store: Store) -> Iterator[Store]:
    try:
        yield store
    finally:
        store.close()
