"""Who is logged in. The browser holds a random token, the store only its hash."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from openami.io.clock import Clock
from openami.io.store.engine import Store
from openami.portal.accounts import Role, first_page, role_of
from openami.portal.duties import EVERY_DUTY, Duty
from openami.portal.tables import account, portal_session

TOKEN_BYTES = 32
TOUCH_S = 60
LONGEST_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """A person who is logged in. `csrf` must come back with every form."""

    login: str
    role: Role
    consumer: int | None
    csrf: str = field(repr=False)
    token: str = field(repr=False)
    duties: frozenset[Duty] = EVERY_DUTY

    @property
    def home(self) -> str:
        """Their first page."""
        return first_page(self.role, self.duties)

    def has(self, *names: str) -> bool:
        """Whether they have any of these duties, for pages that show only what opens."""
        return any(duty.value in names for duty in self.duties)


class Sessions:
    """Server-side sessions with an idle and an absolute time-out, measured with the given (people's) clock."""

    def __init__(
        self, store: Store, clock: Clock, random: Callable[[int], bytes], *, idle_s: int, absolute_s: int
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._idle_s = idle_s
        self._absolute_s = absolute_s

    def start(self, login: str) -> str:
        """A new session for the account `login`: the token for the browser. Sweeps out sessions that are over."""
        token = new_token(self._random)
        now = int(self._clock.time())
        row = {"token_hash": _hash(token), "login": login, "csrf": new_token(self._random)}
        with self._store.transaction() as connection:
            connection.execute(delete(portal_session).where(self._over(now)))
            connection.execute(insert(portal_session).values(**row, started_at=now, seen_at=now))
        return token

    def find(self, token: str) -> Identity | None:
        """Who holds `token`, if the session still lives; that counts as being seen."""
        if not token or len(token) > LONGEST_TOKEN:
            return None
        now = int(self._clock.time())
        mine = portal_session.c.token_hash == _hash(token)
        query = select(portal_session, account.c.role, account.c.consumer).join(
            account, account.c.login == portal_session.c.login
        )
        with self._store.reading() as connection:
            row = connection.execute(query.where(mine, ~self._over(now))).one_or_none()
        if row is None:
            return None
        if now - row.seen_at >= TOUCH_S:
            with self._store.transaction() as connection:
                connection.execute(update(portal_session).where(mine).values(seen_at=now))
        role, duties = role_of(row.role)
        return Identity(row.login, role, row.consumer, row.csrf, token, duties)

    def end(self, token: str) -> None:
        """The token is worth nothing from now on."""
        with self._store.transaction() as connection:
            connection.execute(delete(portal_session).where(portal_session.c.token_hash == _hash(token)))

    def _over(self, now: int) -> ColumnElement[bool]:
        return or_(
            portal_session.c.seen_at <= now - self._idle_s, portal_session.c.started_at <= now - self._absolute_s
        )


def new_token(random: Callable[[int], bytes]) -> str:
    """256 random bits as text that fits a cookie and a form."""
    return urlsafe_b64encode(random(TOKEN_BYTES)).decode("ascii").rstrip("=")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
