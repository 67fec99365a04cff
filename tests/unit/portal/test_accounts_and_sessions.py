"""Accounts and sessions in a real store: passwords, roles, time-outs by the given clock, tokens only as hashes."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import select

from openami.backoffice.registry.registry import Registry
from openami.model.errors import Conflict, SettingError
from openami.portal.accounts import Accounts, Role
from openami.portal.sessions import Sessions
from openami.portal.tables import portal_session
from stores import in_memory


class Now:
    """A clock that stands where it is put."""

    def __init__(self):
        self.at = 1_700_000_000.0

    def time(self):
        return self.at

    def monotonic(self):
        return self.at


@pytest.fixture
def store():
    store = in_memory()
    yield store
    store.close()


@pytest.fixture
def accounts(store):
    return Accounts(store, os.urandom, 12)


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def sessions(store, now):
    return Sessions(store, now, os.urandom, idle_s=1800, absolute_s=7200)


def test_an_account_is_found_by_its_log_in_and_password(accounts):
    accounts.add("Operator", "long enough", Role.OPERATOR)
    found = accounts.verify(" operator ", "long enough")
    assert (found.login, found.role, found.consumer) == ("operator", Role.OPERATOR, None)
    assert accounts.verify("operator", "something else") is None
    assert accounts.verify("nobody", "long enough") is None


def test_the_password_is_in_no_text_of_the_account(accounts):
    made = accounts.add("operator", "long enough", Role.OPERATOR)
    assert "long enough" not in repr(made)
    assert "scrypt" not in repr(made)


def test_a_taken_log_in_a_short_password_and_a_role_that_cannot_be_are_refused(accounts):
    accounts.add("operator", "long enough", Role.OPERATOR)
    with pytest.raises(Conflict, match="operator"):
        accounts.add("OPERATOR", "long enough", Role.OPERATOR)
    with pytest.raises(SettingError, match="too short"):
        accounts.add("second", "short", Role.OPERATOR)
    with pytest.raises(SettingError, match="names its consumer"):
        accounts.add("third", "long enough", Role.CONSUMER)
    with pytest.raises(SettingError, match="names none"):
        accounts.add("fourth", "long enough", Role.OPERATOR, consumer=1)


def test_a_consumer_account_must_belong_to_a_consumer_of_the_registry(store, accounts):
    anna = Registry(store).add_consumer("Anna")
    accounts.add("anna", "long enough", Role.CONSUMER, anna.id)
    with pytest.raises(Conflict):
        accounts.add("ghost", "long enough", Role.CONSUMER, anna.id + 1)


def test_a_password_is_hashed_again_at_todays_cost(store, accounts):
    old = accounts.add("operator", "long enough", Role.OPERATOR).password_hash
    dearer = Accounts(store, os.urandom, 13)
    assert dearer.verify("operator", "long enough")
    assert dearer.find("operator").password_hash != old
    assert dearer.find("operator").password_hash.startswith("scrypt$13$")
    assert dearer.verify("operator", "long enough")


def test_a_session_is_found_by_its_token_and_ends(accounts, sessions):
    accounts.add("operator", "long enough", Role.OPERATOR)
    token = sessions.start("operator")
    assert sessions.find(token).login == "operator"
    sessions.end(token)
    assert sessions.find(token) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\udcff", "' or 1=1 --"])
def test_no_other_token_opens_anything(accounts, sessions, token):
    accounts.add("operator", "long enough", Role.OPERATOR)
    sessions.start("operator")
    assert sessions.find(token) is None


def test_tokens_are_new_each_time_and_only_their_hashes_are_kept(store, accounts, sessions):
    accounts.add("operator", "long enough", Role.OPERATOR)
    tokens = {sessions.start("operator") for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) * 6 >= 256 for token in tokens)
    with store.reading() as connection:
        kept = str(connection.execute(select(portal_session)).all())
    assert not any(token in kept for token in tokens)


def test_a_session_ends_when_it_is_not_used(accounts, sessions, now):
    accounts.add("operator", "long enough", Role.OPERATOR)
    token = sessions.start("operator")
    now.at += 1799
    assert sessions.find(token)
    now.at += 1799
    assert sessions.find(token)
    now.at += 1800
    assert sessions.find(token) is None


def test_a_session_ends_at_last_however_much_it_is_used(accounts, sessions, now):
    accounts.add("operator", "long enough", Role.OPERATOR)
    token = sessions.start("operator")
    for _ in range(11):
        now.at += 600
        assert sessions.find(token)
    now.at += 600
    assert sessions.find(token) is None


def test_a_new_password_and_a_removed_account_end_the_sessions(accounts, sessions):
    accounts.add("operator", "long enough", Role.OPERATOR)
    token = sessions.start("operator")
    accounts.set_password("operator", "even longer")
    assert sessions.find(token) is None
    assert accounts.verify("operator", "long enough") is None
    token = sessions.start("operator")
    accounts.remove("operator")
    assert sessions.find(token) is None
    assert accounts.verify("operator", "even longer") is None


def test_sessions_that_are_over_are_swept_out(store, accounts, sessions, now):
    accounts.add("operator", "long enough", Role.OPERATOR)
    for _ in range(5):
        sessions.start("operator")
    now.at += 1801
    sessions.start("operator")
    with store.reading() as connection:
        assert len(connection.execute(select(portal_session)).all()) == 1
