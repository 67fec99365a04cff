"""Pushes in the store: taken from the spool exactly once, kept as they came, opened later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, exists, func, insert, select, update

from openami.backoffice.operations.tables import push, push_counter, spool_position
from openami.io.store.among import among
from openami.io.store.engine import Store
from openami.model.errors import DecodeError
from openami.protocols.zones.message import Push, SpoolItems, decode_push


class PushState(StrEnum):
    """A push waits to be opened; then it was opened, came before, is in quarantine, or is of a meter that is not ours:
    who listens to the air hears the neighbours too.
    """

    WAITING = "waiting"
    OPENED = "opened"
    REPEATED = "repeated"
    QUARANTINED = "quarantined"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class KeptPush:
    """A push as it came."""

    id: int
    received_at: datetime
    source: str
    transport: str
    content: bytes


_SENDER, _NUMBER = bindparam("sender", type_=LargeBinary()), bindparam("number", type_=BigInteger())
_FIRST = (
    insert(push_counter)
    .from_select(
        ["system_title", "counter", "push"],
        select(_SENDER, _NUMBER, bindparam("opened", type_=BigInteger())).where(
            ~exists().where(push_counter.c.system_title == _SENDER, push_counter.c.counter == _NUMBER)
        ),
    )
    .execution_options(preserve_rowcount=True)
)
"""Enters a sender's counter unless it is there."""


class PushStore:
    """Synchronous; every method joins the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def position(self, spool: str) -> int:
        """How far this spool was taken; 0 if never."""
        query = select(spool_position.c.through).where(spool_position.c.spool == spool)
        with self._store.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def take(self, items: SpoolItems) -> int:
        """Keep the items that are not kept yet and how far the spool was taken; how far that is.

        Both are durable when this returns: only then may the head-end forget them.
        """
        with self._store.transaction() as connection:
            position = self.position(items.spool)
            new = [item for item in items.items if item.number > position]
            if not new:
                return position
            rows = [_row(items.spool, item.number, _opened(item.content)) for item in new]
            connection.execute(insert(push), rows)
            through = max(item.number for item in new)
            if position:
                this = spool_position.c.spool == items.spool
                connection.execute(update(spool_position).where(this).values(through=through))
            else:
                connection.execute(insert(spool_position).values(spool=items.spool, through=through))
            return through

    def take_from_session(self, session: str, apdus: Sequence[bytes], now: datetime) -> None:
        """Keep pushes that came in the middle of a session, one spool per session."""
        pushes = [Push(now.timestamp(), session, "session", apdu) for apdu in apdus]
        if pushes:
            with self._store.transaction() as connection:
                rows = [_row(session, number, item) for number, item in enumerate(pushes, start=1)]
                connection.execute(insert(push), rows)

    def waiting(self, limit: int) -> list[KeptPush]:
        """The oldest pushes that were not opened yet."""
        query = select(push).where(push.c.state == PushState.WAITING).order_by(push.c.id).limit(limit)
        with self._store.reading() as connection:
            return [
                KeptPush(row.id, row.received_at, row.source, row.transport, row.content)
                for row in connection.execute(query)
            ]

    def first_time(self, kept: KeptPush, system_title: bytes, counter: int) -> bool:
        """Whether no push of this sender with this counter was opened before; now it was."""
        return self.first_times([(kept, system_title, counter)])[0]

    def first_times(self, opened: Sequence[tuple[KeptPush, bytes, int]]) -> list[bool]:
        """The same of many pushes, each with its sender and counter, in their order."""
        with self._store.transaction() as connection:
            return [
                connection.execute(_FIRST, {"sender": title, "number": counter, "opened": kept.id}).rowcount == 1
                for kept, title, counter in opened
            ]

    def first_content(self, system_title: bytes, counter: int) -> bytes:
        """The push that was opened first of this sender with this counter, as it came."""
        this = (push_counter.c.system_title == system_title, push_counter.c.counter == counter)
        query = select(push.c.content).join(push_counter, push_counter.c.push == push.c.id).where(*this)
        with self._store.reading() as connection:
            return bytes(connection.execute(query).scalar_one())

    def settle(self, states: Mapping[int, PushState]) -> None:
        """What became of pushes, by their ids."""
        with self._store.transaction() as connection:
            for state in dict.fromkeys(states.values()):
                these = [number for number, became in states.items() if became is state]
                connection.execute(update(push).where(among(push.c.id, these)).values(state=state))

    def forget(self, before: datetime, foreign_max: int) -> int:
        """Delete what came before `before` and is of no use any more: repetitions that no counter points to, and
        telegrams of meters that are not ours, of which the newest `foreign_max` are kept at most. How many went.
        """
        useless = push.c.state.in_((PushState.FOREIGN, PushState.REPEATED))
        pointed_to = select(push_counter.c.push).where(push_counter.c.push == push.c.id).exists()
        foreign = push.c.state == PushState.FOREIGN
        with self._store.transaction() as connection:
            gone = connection.execute(delete(push).where(useless, push.c.received_at < before, ~pointed_to)).rowcount
            oldest_kept = select(push.c.id).where(foreign).order_by(push.c.id.desc()).offset(foreign_max).limit(1)
            last = connection.execute(oldest_kept).scalar()
            if last is not None:
                gone += connection.execute(delete(push).where(foreign, push.c.id <= last)).rowcount
            return gone

    def counts(self) -> dict[PushState, int]:
        """How many pushes are in each state."""
        query = select(push.c.state, func.count().label("pushes")).group_by(push.c.state).order_by(push.c.state)
        with self._store.reading() as connection:
            return {PushState(row.state): row.pushes for row in connection.execute(query)}


def _opened(content: bytes) -> Push:
    """The push in a spool item; what is none is kept as it is, for the quarantine."""
    try:
        return decode_push(content)
    except DecodeError:
        return Push(0.0, "unknown", "unknown", content)


def _row(spool: str, number: int, item: Push) -> dict[str, object]:
    return {
        "spool": spool,
        "number": number,
        "received_at": _utc(item.received_at),
        "source": item.source,
        "transport": item.transport,
        "content": item.content,
        "state": PushState.WAITING,
    }


def _utc(seconds: float) -> datetime:
    """The head-end's clock; what is no time is the beginning of time, and the push is kept all the same."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)
