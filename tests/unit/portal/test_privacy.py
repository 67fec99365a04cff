"""People who moved out are forgotten, intervals erased after their term; the log says that, and not what it was."""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from openami.backoffice.audit.entry import Kind
from openami.backoffice.mdm.erasing import day_number
from openami.backoffice.mdm.roots import Roots
from openami.backoffice.mdm.tables import evidence, interval_block
from openami.io.store.columns import EPOCH
from openami.model.errors import SettingError
from openami.portal.accounts import Accounts, Role
from openami.portal.api.tokens import Scope, Tokens
from openami.portal.privacy import FORGOTTEN, Privacy
from openami.simulation.disk import FaultDisk
from portal_world import (
    MOVED,
    NOW,
    PASSWORD,
    TERMS,
    browser,
    csrf_of,
    log_in,
    make_audit,
    make_district,
    make_operations,
)
from portal_world import make_world_portal as portal_of

TODAY = NOW + timedelta(days=1)


@pytest.fixture
def audit():
    return make_audit()


@pytest.fixture
def district(tmp_path):
    return make_district(tmp_path)


@pytest.fixture
def privacy(district, audit):
    return Privacy(district.store, district.registry, audit, os.urandom, TERMS)


def leave(district, at):
    """Bert leaves the place that he moved to."""
    district.registry.end_supply(district.birch.id, at)


def rows(district, table, point):
    with district.store.reading() as connection:
        return connection.execute(select(func.count()).where(table.c.metering_point == point)).scalar()


def test_who_is_supplied_somewhere_is_not_forgotten(privacy, district):
    assert privacy.moved_out() == []
    with pytest.raises(SettingError, match="supplied somewhere"):
        privacy.forget(district.bert.id, "officer", NOW)


def test_the_link_is_destroyed_and_the_log_does_not_say_whose_it_was(privacy, district, audit, tmp_path):
    leave(district, NOW - timedelta(days=10))
    accounts, tokens = Accounts(district.store, os.urandom, 12), Tokens(district.store)
    accounts.add("bert.berger", PASSWORD, Role.CONSUMER, district.bert.id)
    tokens.make("berts-flat", [Scope.POINTS], district.bert.id, (NOW, NOW + timedelta(days=1)), os.urandom)
    district.registry.rename_consumer(district.bert.id, "Bert Berger")
    privacy.forget(district.bert.id, "officer", NOW)
    assert district.registry.consumer(district.bert.id).name == FORGOTTEN
    assert accounts.find("bert.berger") is None
    assert [token.name for token in tokens.all()] == []
    assert privacy.moved_out() == []
    (entry,) = audit.of_kind(Kind.CONSENT)
    assert (entry.actor, entry.subject) == ("officer", f"consumer {district.bert.id}")
    assert "no backup after 2014-01-24" in entry.what
    district.store.close()
    with sqlite3.connect(tmp_path / "portal.sqlite") as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Bert Berger" not in (tmp_path / "portal.sqlite").read_bytes()
    assert b"bert.berger" not in (tmp_path / "portal.sqlite").read_bytes()


def test_what_is_past_its_term_goes_and_nothing_else(privacy, district, audit):
    leave(district, NOW - timedelta(days=40))
    people, erasures = privacy.due(TODAY)
    assert people == []
    assert [(one.point, one.before) for one in erasures] == [
        (district.alder.id, day_number(MOVED.date())),
        (district.birch.id, day_number((NOW - timedelta(days=40)).date())),
    ]
    before = rows(district, interval_block, district.alder.id)
    forgotten, gone = privacy.run("timer", TODAY)
    assert forgotten == 0
    assert gone > 0
    assert 0 < rows(district, interval_block, district.alder.id) < before
    with district.store.reading() as connection:
        first = select(func.min(interval_block.c.day)).where(interval_block.c.metering_point == district.birch.id)
        assert connection.execute(first).scalar() >= erasures[1].before
    assert privacy.due(TODAY) == ([], [])
    assert len(audit.of_kind(Kind.BLOCKS)) == 2
    later = NOW + timedelta(days=61)
    assert [one.consumer.id for one in privacy.due(later)[0]] == [district.bert.id]
    assert privacy.run("timer", later)[0] == 1


def test_the_bytes_that_values_came_from_go_with_them(privacy, district):
    before = rows(district, evidence, district.alder.id)
    privacy.run("timer", TODAY)
    assert 0 < rows(district, evidence, district.alder.id) < before


def test_what_was_erased_is_not_taken_for_tampered_with(privacy, district, audit):
    roots = Roots(district.store, audit, Path("known"), FaultDisk())
    roots.enter(NOW)
    privacy.run("timer", TODAY)
    assert roots.check(EPOCH) == []


async def test_a_person_asks_in_the_portal_and_an_officer_forgets(district, audit):
    portal = portal_of(district, make_operations(district), audit=audit)
    async with browser(portal) as bert, browser(portal) as officer:
        await log_in(bert, "bert")
        page = (await bert.get("/my/privacy")).text
        assert "Ask to be forgotten" in page
        token = csrf_of(page.partition("<main")[2])
        assert "asked" in (await bert.post("/my/privacy", data={"csrf": token})).text
        await log_in(officer, "operator")
        assert "supplied somewhere" in (await officer.get("/operator/privacy")).text
        leave(district, MOVED + timedelta(days=30))
        page = (await officer.get("/operator/privacy")).text
        assert "asks to be forgotten" in page
        token = csrf_of(page.partition("<main")[2])
        address = f"/operator/privacy/{district.bert.id}/forget"
        with capture_logs():
            assert (await officer.post(address, data={"csrf": "guess"})).status_code == 403
        assert (await officer.post(address, data={"csrf": token})).status_code == 303
        assert (await officer.post(address, data={"csrf": token})).status_code == 404
        assert (await bert.get("/my/privacy")).status_code == 303, "the log-in is gone"
