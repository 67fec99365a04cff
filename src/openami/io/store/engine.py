"""The store's engine: durable transactions that nest, and the check that schema and program fit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from openami.io.store.upgrade import check_schema, upgrade_schema
from openami.model.errors import Conflict, SettingError, StoreError

T = TypeVar("T")
BUSY_TIMEOUT_S = 30
TRIES = 5
OVERTAKEN = ("40001", "40P01")
"""PostgreSQL's codes for a transaction that others overtook: serialization failure, deadlock."""
WRITES = "openami_writes"
TUNING = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-65536")
"""For each connection to SQLite; what is deleted is overwritten, so that personal data is not left in free pages."""
ONE_STATE = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""How a server is asked for a reading that sees one state; SQLite's readings do by themselves."""


class Store:
    """One database, given by `url`: `sqlite:///path` (default), `sqlite://` (in memory, for tests) or `postgresql://…`.

    A commit is durable when `transaction()` returns: it survives a killed process and a power cut. Threads may share a
    store. `transaction()` inside `transaction()` of the same thread joins it as a savepoint, so that a caller can make
    one commit of what several rooms write; `reading()` inside it sees what was written so far.
    """

    def __init__(self, url: str) -> None:
        self._url = _parse(url)
        self._sqlite = self._url.get_backend_name() == "sqlite"
        self._memory = self._sqlite and self._url.database in {None, "", ":memory:"}
        self._engine = _engine(self._url, memory=self._memory)
        if self._sqlite:
            _tune_sqlite(self._engine)
        self._driver: Any = self._engine.dialect.dbapi  # COPY speaks to the driver itself, and so do its errors
        self._writer = self._engine.execution_options(**{WRITES: True})
        self._reader = self._engine if self._sqlite else self._engine.execution_options(**ONE_STATE)
        # SQLite has one writer at a time: waiting here is fair, polling its lock is not.
        self._one_writer = threading.RLock()
        self._open = threading.local()
        self.rollbacks = 0
        """How many transactions of this object came to nothing: what was read inside them may never have been."""

    @property
    def url(self) -> str:
        """The store's address with its password, so that another process can open it. Never print it."""
        return self._url.render_as_string(hide_password=False)

    @property
    def shared(self) -> bool:
        """Whether another process that opens `url` sees the same data: not so in memory."""
        return not self._memory

    @property
    def name(self) -> str:
        """The store's address for messages, without its password."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose changes are committed durably at the end, or rolled back if an error leaves the block.

        Raises `Conflict` when somebody else changed the same thing first, `StoreError` for anything else that the
        database refuses.
        """
        outer: Connection | None = getattr(self._open, "writing", None)
        with self._translated(), self._counted():
            if outer is not None:
                with outer.begin_nested():
                    yield outer
                return
            if getattr(self._open, "reading", None) is not None:
                raise StoreError(f"store {self.name}: a transaction cannot begin inside a reading")
            with self._turn(), self._writer.begin() as connection, self._opened("writing", connection):
                yield connection

    def repeat(self, work: Callable[[Connection], T]) -> T:
        """`work` in a transaction, done again where another process changed the same thing first; what it returns.

        `work` must find everything by the connection it is given. Within a transaction of the caller it is done once:
        only the whole can be repeated. Raises `Conflict` when that goes on for `TRIES` times.
        """
        outer: Connection | None = getattr(self._open, "writing", None)
        for _ in range(TRIES - 1 if outer is None and not self._sqlite else 0):
            with suppress(Conflict), self.transaction() as connection:
                return work(connection)
        with self.transaction() as connection:
            return work(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the store and changes nothing. Readings of one thread nest."""
        outer: Connection | None = getattr(self._open, "writing", None) or getattr(self._open, "reading", None)
        with self._translated():
            if outer is not None:
                yield outer
                return
            turn = self._turn() if self._memory else nullcontext()
            with turn, self._reader.connect() as connection, self._opened("reading", connection):
                yield connection

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.rollbacks += 1
            raise

    @contextmanager
    def _opened(self, kind: str, connection: Connection) -> Iterator[None]:
        setattr(self._open, kind, connection)
        try:
            yield
        finally:
            setattr(self._open, kind, None)

    def upgrade(self) -> None:
        """Bring the schema to this program's version; creates it in an empty database. Repeating it does nothing."""
        with self.transaction() as connection:
            upgrade_schema(connection)

    def check(self) -> None:
        """Raise `SchemaTooOld` or `SchemaTooNew` unless the schema is that of this program."""
        with self.reading() as connection:
            check_schema(connection, self.name)

    def close(self) -> None:
        """Close idle connections; the store can be used again."""
        self._engine.dispose()

    def _turn(self) -> AbstractContextManager[Any]:
        return self._one_writer if self._sqlite else nullcontext()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict(f"store {self.name}: another entry is already there: {error.orig}") from error
        except SQLAlchemyError as error:
            raise self._failed(getattr(error, "orig", None) or error) from error
        except self._driver.IntegrityError as error:
            raise Conflict(f"store {self.name}: another entry is already there: {error}") from error
        except self._driver.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> StoreError:
        if getattr(error, "sqlstate", None) in OVERTAKEN:
            return Conflict(f"store {self.name}: another process changed the same rows first: {error}")
        return StoreError(f"store {self.name}: {error}")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingError("store.url is not a database address; write it as sqlite:///openami.sqlite") from None
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _engine(url: URL, *, memory: bool) -> Engine:
    try:
        if memory:
            return create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        if url.get_backend_name() == "sqlite":
            return create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
        return create_engine(url)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        shown = url.render_as_string(hide_password=True)
        raise SettingError(
            f"store.url {shown}: no driver for this kind of database ({error}); PostgreSQL needs: "
            "pip install 'openami[postgres]'"
        ) from error


def _tune_sqlite(engine: Engine) -> None:
    """Durable commits, readers beside the writer, and transactions that begin where we say."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for read-then-write
        cursor = connection.cursor()
        for pragma in TUNING:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A writer takes the lock before it reads, so that what it decides on cannot change under it.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
