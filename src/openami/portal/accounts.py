"""Who may log in: operators and consumers, with their passwords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, insert, select, update

from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError
from openami.portal.passwords import hash_password, is_dated, verify_password
from openami.portal.tables import account, portal_session

SHORTEST_PASSWORD = 8


class Role(StrEnum):
    """What an account sees."""

    OPERATOR = "operator"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Account:
    """A log-in. `consumer` is the registry's id of the person, `None` for operators."""

    login: str
    role: Role
    consumer: int | None
    password_hash: str = field(repr=False)


class Accounts:
    """The accounts in the store. Log-ins are kept in lower case."""

    def __init__(self, store: Store, random: Callable[[int], bytes], scrypt_log2_n: int = 15) -> None:
        self._store = store
        self._random = random
        self._cost = scrypt_log2_n
        self._decoy = hash_password("nobody", scrypt_log2_n, random)

    def add(self, login: str, password: str, role: Role, consumer: int | None = None) -> Account:
        """Make an account; a consumer's needs the consumer's id, an operator's must not have one.

        Raises `SettingError` for a password or role that cannot be, `Conflict` if the log-in is taken.
        """
        if (role is Role.CONSUMER) != (consumer is not None):
            raise SettingError(f"account {login!r}: a consumer's account names its consumer, an operator's names none")
        made = Account(_key(login), role, consumer, self._hash(password))
        row = {"login": made.login, "role": role.value, "consumer": consumer, "password_hash": made.password_hash}
        try:
            with self._store.transaction() as connection:
                connection.execute(insert(account).values(row))
        except Conflict as error:
            raise Conflict(
                f"the log-in {made.login!r} is taken, or consumer {consumer} is not in the registry"
            ) from error
        return made

    def find(self, login: str) -> Account | None:
        """The account of this log-in."""
        with self._store.reading() as connection:
            row = connection.execute(select(account).where(account.c.login == _key(login))).one_or_none()
        return None if row is None else Account(row.login, Role(row.role), row.consumer, row.password_hash)

    def verify(self, login: str, password: str) -> Account | None:
        """The account if the password is right. Unknown log-ins cost the same time as wrong passwords."""
        found = self.find(login)
        right = verify_password(password, found.password_hash if found else self._decoy)
        if found is None or not right:
            return None
        if is_dated(found.password_hash, self._cost):
            self._store_hash(found.login, hash_password(password, self._cost, self._random))
        return found

    def set_password(self, login: str, password: str) -> None:
        """Change the password; every session of the account ends."""
        self._store_hash(_key(login), self._hash(password))
        with self._store.transaction() as connection:
            connection.execute(delete(portal_session).where(portal_session.c.login == _key(login)))

    def remove(self, login: str) -> None:
        """Take the account and its sessions away."""
        with self._store.transaction() as connection:
            connection.execute(delete(portal_session).where(portal_session.c.login == _key(login)))
            connection.execute(delete(account).where(account.c.login == _key(login)))

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD:
            raise SettingError(
                f"a password of {len(password)} characters is too short; take {SHORTEST_PASSWORD} or more"
            )
        return hash_password(password, self._cost, self._random)

    def _store_hash(self, login: str, password_hash: str) -> None:
        with self._store.transaction() as connection:
            connection.execute(update(account).where(account.c.login == login).values(password_hash=password_hash))


def _key(login: str) -> str:
    return login.strip().lower()[:200]
