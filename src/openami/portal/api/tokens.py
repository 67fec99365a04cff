"""Tokens by which programs ask: made once, shown once, kept as a hash, with scopes and an end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, delete, insert, select

from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.portal.api.tables import api_token

TOKEN_BYTES = 32
PREFIX = "oami_"
"""By which people and secret scanners know what it is."""


class Scope(StrEnum):
    """What a token may ask for."""

    POINTS = "points"
    READINGS = "readings"


@dataclass(frozen=True, slots=True)
class Token:
    """Who asks: `consumer` sees what they are or were supplied with; without one, everything is seen."""

    name: str
    consumer: int | None
    scopes: frozenset[Scope]
    made_at: datetime
    ends_at: datetime


class Tokens:
    """The tokens in `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(
        self,
        name: str,
        scopes: Sequence[Scope],
        consumer: int | None,
        times: tuple[datetime, datetime],
        random: Callable[[int], bytes],
        *,
        bound_to: str = "",
    ) -> str:
        """A new token that holds from the first of `times` to the second; told here and never again. `Conflict` if
        `name` is taken. `bound_to` is the thumbprint of the key without which it is worth nothing.
        """
        if not scopes:
            raise SettingError("a token without a scope can ask for nothing; name at least one")
        secret = PREFIX + random(TOKEN_BYTES).hex()
        values = {
            "token_hash": _hash(secret, bound_to),
            "name": name,
            "consumer": consumer,
            "scopes": " ".join(sorted(set(scopes))),
            "made_at": times[0],
            "ends_at": times[1],
        }
        with self._store.transaction() as connection:
            connection.execute(insert(api_token).values(values))
        return secret

    def find(self, secret: str, now: datetime, proven_by: str = "") -> Token | None:
        """Whose token this is; None if it is nobody's, or no longer, or bound to another key than `proven_by`."""
        query = select(api_token).where(api_token.c.token_hash == _hash(secret, proven_by))
        with self._store.reading() as connection:
            row = connection.execute(query).first()
        found = None if row is None else _token_of(row)
        return found if found is not None and found.made_at <= now < found.ends_at else None

    def all(self) -> list[Token]:
        """All tokens, by name, without their secrets."""
        with self._store.reading() as connection:
            return [_token_of(row) for row in connection.execute(select(api_token).order_by(api_token.c.name))]

    def withdraw(self, name: str) -> bool:
        """The token is worth nothing from now on. Whether there was one."""
        with self._store.transaction() as connection:
            return bool(connection.execute(delete(api_token).where(api_token.c.name == name)).rowcount)


def _hash(secret: str, key: str) -> str:
    # 256 random bits need no slow hash. A token with a key is another one than the same token without.
    return hashlib.sha256(f"{secret}.{key}".encode() if key else secret.encode()).hexdigest()


def _token_of(row: Row[tuple[object, ...]]) -> Token:
    scopes = frozenset(Scope(name) for name in row.scopes.split())
    return Token(row.name, row.consumer, scopes, row.made_at, row.ends_at)
