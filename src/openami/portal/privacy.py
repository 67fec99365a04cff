"""Who and what: a person's name and log-in on one side, values under a number on the other, and the link between.

All that is measured, billed and judged knows a consumer by a number. When a person has moved out and the term is over,
or by right, the link is destroyed: name, log-ins and tokens are deleted, and the number is nobody's. Intervals, and the
bytes that they came from, are deleted after a term of their own. The audit log says that it happened, never what it
was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import delete, select

from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.mdm.erasing import day_number, erase, first_days
from openami.backoffice.mdm.roots import Dropped, enter_dropped
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.point import Consumer
from openami.portal.accounts import Accounts
from openami.portal.api.tables import api_token
from openami.portal.tables import account

FORGOTTEN: Final = "forgotten"
"""The name of somebody whose link was destroyed."""
ASKED: Final = "asks to be forgotten"
DESTROYED: Final = "the link between person and number is destroyed"


@dataclass(frozen=True, slots=True)
class Terms:
    """Days: how long a name is kept after the last supply, intervals after a supply, intervals of anybody, backups."""

    identity_days: int
    intervals_days: int
    keep_days: int
    backup_days: int


class MovedOut(NamedTuple):
    """A person who is supplied nowhere any more: when that ended, when the name goes, and whether they asked for it."""

    consumer: Consumer
    ended: datetime
    due: datetime
    asked: bool


class Erasure(NamedTuple):
    """Intervals of a metering point from before a day (since 1970-01-01) that are to go."""

    point: int
    before: int


class Privacy:
    """What is kept of persons in `store`, and what goes when. The entries in `audit` name numbers, never persons."""

    def __init__(
        self, store: Store, registry: Registry, audit: Audit, random: Callable[[int], bytes], terms: Terms
    ) -> None:
        self._store = store
        self._registry = registry
        self._audit = audit
        self._accounts = Accounts(store, random)
        self.terms = terms

    def moved_out(self) -> list[MovedOut]:
        """Who is supplied nowhere any more and not forgotten yet, the first to go first."""
        asked = {entry.actor: None for entry in self._audit.of_kind(Kind.CONSENT) if entry.what == ASKED}
        found = []
        for consumer in self._registry.consumers():
            ended = self._ended(consumer)
            if ended is not None and consumer.name != FORGOTTEN:
                due = ended + timedelta(days=self.terms.identity_days)
                found.append(MovedOut(consumer, ended, due, _number(consumer.id) in asked))
        return sorted(found, key=lambda one: (not one.asked, one.due, one.consumer.id))

    def ask(self, consumer: int) -> None:
        """A person asks to be forgotten. Somebody decides on it: a contract that runs may stand against it."""
        self._audit.enter(Kind.CONSENT, _number(consumer), "", ASKED)

    def forget(self, consumer: int, actor: str, now: datetime) -> None:
        """Destroy the link, in one transaction. Raises `SettingError` for somebody who is supplied somewhere now."""
        person = self._registry.consumer(consumer)
        if self._ended(person) is None:
            raise SettingError(f"{_number(consumer)} is supplied somewhere, or never was: end the supply first")
        gone = (now + timedelta(days=self.terms.backup_days)).date()
        self._audit.enter(Kind.CONSENT, actor, _number(consumer), f"{DESTROYED}; in no backup after {gone}")
        with self._store.transaction() as connection:
            logins = select(account.c.login).where(account.c.consumer == consumer)
            for login in list(connection.execute(logins).scalars()):
                self._accounts.remove(login)
            connection.execute(delete(api_token).where(api_token.c.consumer == consumer))
            self._registry.rename_consumer(consumer, FORGOTTEN)

    def due(self, now: datetime) -> tuple[list[MovedOut], list[Erasure]]:
        """Whose names and which intervals are past their term."""
        people = [one for one in self.moved_out() if one.due <= now]
        return people, list(self._intervals_due(now))

    def run(self, actor: str, now: datetime) -> tuple[int, int]:
        """Do what is due; how many persons were forgotten and how many rows erased."""
        people, erasures = self.due(now)
        for one in people:
            self.forget(one.consumer.id, actor, now)
        rows = 0
        for point, before in erasures:
            enter_dropped(self._audit, actor, Dropped(point, before))
            with self._store.transaction() as connection:
                rows += erase(connection, point, before)
        return len(people), rows

    def _intervals_due(self, now: datetime) -> Iterator[Erasure]:
        with self._store.reading() as connection:
            first = first_days(connection)
        oldest = day_number((now - timedelta(days=self.terms.keep_days)).date())
        for point, day in sorted(first.items()):
            before = max([oldest, *self._after_supplies(point, now)])
            if day < before:
                yield Erasure(point, before)

    def _after_supplies(self, point: int, now: datetime) -> list[int]:
        """The days on which supplies ended whose intervals are past their term. The day of a move belongs to both."""
        term = timedelta(days=self.terms.intervals_days)
        ends = [supply.end for supply in self._registry.supplies_of_point(point)]
        return [day_number(end.date()) for end in ends if end is not None and end + term <= now]

    def _ended(self, consumer: Consumer) -> datetime | None:
        """When the last supply of a person ended; None if one runs, or there never was one."""
        ends = [supply.end for supply in self._registry.supplies_of_consumer(consumer.id)]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def _number(consumer: int) -> str:
    return f"consumer {consumer}"
