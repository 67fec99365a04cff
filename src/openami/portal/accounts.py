"""Who may log in: operators and consumers, with their passwords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, insert, select, update

from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError
from openami.portal.duties import EVERY_DUTY, Duty, home_of
from openami.portal.passwords import hash_password, is_dated, verify_password
from openami.portal.tables import account, portal_session

SHORTEST_PASSWORD = 8


class Role(StrEnum):
    """What an account sees."""

    OPERATOR = "operator"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Account:
    """A log-in. `consumer` is the registry's id of the person, `None` for operators; `duties` are an operator's."""

    login: str
    role: Role
    consumer: int | None
    password_hash: str = field(repr=False)
    duties: frozenset[Duty] = EVERY_DUTY

    @property
    def home(self) -> str:
        """Their first page."""
        return first_page(self.role, self.duties)


class Accounts:
    """The accounts in the store. Log-ins are kept in lower case."""

    def __init__(self, store: Store, random: Callable[[int], bytes], scrypt_log2_n: int = 15) -> None:
        self._store = store
        self._random = random
        self._cost = scrypt_log2_n
        self._decoy = hash_password("nobody", scrypt_log2_n, random)

    def add(
        self,
        login: str,
        password: str,
        role: Role,
        consumer: int | None = None,
        duties: frozenset[Duty] = EVERY_DUTY,
    ) -> Account:
        """Make an account; a consumer's needs the consumer's id, an operator's must not have one.

        Raises `SettingError` for a password or role that cannot be, `Conflict` if the log-in is taken.
        """
        if (role is Role.CONSUMER) != (consumer is not None):
            raise SettingError(f"account {login!r}: a consumer's account names its consumer, an operator's names none")
        if not duties:
            raise SettingError(f"account {login!r}: an account without a duty opens no page; give it one")
        made = Account(_key(login), role, consumer, self._hash(password), duties)
        row = {
            "login": made.login,
            "role": role_text(role, duties),
            "consumer": consumer,
            "password_hash": made.password_hash,
        }
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
        return None if row is None else Account(row.login, *_split(row.role, row.consumer, row.password_hash))

    def set_duties(self, login: str, duties: frozenset[Duty]) -> None:
        """An operator has these duties from now on; raises `SettingError` for others, or for none."""
        found = self.find(login)
        if found is None or found.role is not Role.OPERATOR or not duties:
            raise SettingError(f"{login!r} is no operator's account, or would have no duty left")
        with self._store.transaction() as connection:
            values = {"role": role_text(found.role, duties)}
            connection.execute(update(account).where(account.c.login == found.login).values(values))

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


def first_page(role: Role, duties: frozenset[Duty]) -> str:
    """Where somebody of this role begins."""
    return "/my" if role is Role.CONSUMER else home_of(duties)


def role_text(role: Role, duties: frozenset[Duty]) -> str:
    """Role and duties as one column keeps them: all duties are not named, as accounts of older versions have them."""
    named = () if role is Role.CONSUMER or duties == EVERY_DUTY else sorted(duties)
    return " ".join((role.value, *named))


def role_of(text: str) -> tuple[Role, frozenset[Duty]]:
    """What `role_text` says; duties that this version does not know open nothing."""
    role, *named = text.split()
    return Role(role), frozenset(duty for duty in Duty if duty.value in named) if named else EVERY_DUTY


def _split(text: str, consumer: int | None, password_hash: str) -> tuple[Role, int | None, str, frozenset[Duty]]:
    role, duties = role_of(text)
    return role, consumer, password_hash, duties


def _key(login: str) -> str:
    return login.strip().lower()[:200]
