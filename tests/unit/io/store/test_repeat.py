"""Two processes that change the same thing at once: the one that comes second looks again and does it once more."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from sqlalchemy import Connection, func, insert, select

import stores
from openami.backoffice.mdm.tables import late_block
from openami.io.store.engine import TRIES, Store
from openami.model.errors import Conflict


class NextVersion:
    """Adds the version after the last, like whoever stores a new version; at first all wait until each has looked."""

    def __init__(self, together: Barrier) -> None:
        self.together = together
        self.done = 0

    def __call__(self, connection: Connection) -> int:
        version = connection.execute(select(func.coalesce(func.max(late_block.c.version), 0))).scalar_one() + 1
        self.done += 1
        if self.done == 1:
            self.together.wait(20)
        connection.execute(insert(late_block).values(metering_point=1, channel=1, day=1, version=version))
        return int(version)


def at_once(one: Store, other: Store, how: str) -> list[int | Conflict]:
    """Both add a version at the same moment, by `repeat` or by a bare transaction."""
    together, found = Barrier(2), list[int | Conflict]()

    def change(store: Store) -> None:
        work = NextVersion(together)
        try:
            if how == "repeat":
                found.append(store.repeat(work))
            else:
                with store.transaction() as connection:
                    found.append(work(connection))
        except Conflict as error:
            found.append(error)

    threads = [Thread(target=change, args=(store,)) for store in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_the_second_does_it_again() -> None:
    with stores.opened("postgresql") as one, stores.closing(Store(one.url)) as other:
        assert sorted(at_once(one, other, "repeat"), key=str) == [1, 2]


def test_without_repeating_the_second_fails() -> None:
    with stores.opened("postgresql") as one, stores.closing(Store(one.url)) as other:
        found = at_once(one, other, "transaction")
        assert [each for each in found if isinstance(each, int)] == [1]
        assert [type(each) for each in found if not isinstance(each, int)] == [Conflict]


def test_a_deadlock_and_a_serialization_failure_are_conflicts() -> None:
    with stores.opened("postgresql") as store:
        for code in ("40001", "40P01"):
            raised = f"DO $$ BEGIN RAISE EXCEPTION 'overtaken' USING ERRCODE = '{code}'; END $$"
            with pytest.raises(Conflict, match="changed the same rows first"), store.transaction() as connection:
                connection.exec_driver_sql(raised)


@pytest.mark.parametrize("kind", stores.KINDS)
def test_what_goes_on_failing_is_told(kind: str) -> None:
    tries = []

    def work(_: Connection) -> None:
        tries.append(1)
        raise Conflict("again and again")

    with stores.opened(kind) as store:
        with pytest.raises(Conflict, match="again and again"):
            store.repeat(work)
        assert len(tries) == (TRIES if kind == "postgresql" else 1)
        with pytest.raises(Conflict), store.transaction():
            store.repeat(work)
        assert len(tries) == (TRIES if kind == "postgresql" else 1) + 1, "within a transaction it is done once"
