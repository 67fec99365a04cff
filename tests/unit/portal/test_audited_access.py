"""What operators see of consumers stands in the audit log before they see it; without the entry there is no page."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from openami.backoffice.audit.entry import Kind
from openami.model.errors import StoreError
from openami.portal.api.tokens import Scope, Tokens
from portal_world import NOW, browser, log_in, make_audit, make_district, make_operations, make_world_portal


@pytest.fixture
def audit():
    return make_audit()


@pytest.fixture
def district(tmp_path):
    return make_district(tmp_path)


@pytest.fixture
def portal(district, audit):
    return make_world_portal(district, make_operations(district), audit=audit)


def seen(audit):
    return [(entry.kind, entry.actor, entry.subject, entry.what) for entry in audit.entries(0, 100)]


async def asked(portal, login, *addresses):
    async with browser(portal) as client:
        await log_in(client, login)
        with capture_logs():
            return [(await client.get(address)).status_code for address in addresses]


async def test_what_an_operator_sees_of_a_consumer_is_entered(portal, audit):
    code = portal.state.rooms.registry.point(1).code
    serial = portal.state.rooms.registry.meter(1).serial
    evidence = portal.state.rooms.mdm.evidence_of(1, 1, NOW.replace(hour=9, minute=30)).id
    pages = ("/operator/points/1/day", f"/operator/evidence/{evidence}", "/operator?q=Anna", "/operator/network")
    assert await asked(portal, "operator", *pages) == [200, 200, 200, 200]
    kind = Kind.PERSONAL_DATA
    assert seen(audit) == [
        (kind, "operator", f"metering_point {code}", "looked at energy"),
        (kind, "operator", f"meter {serial}, evidence {evidence}", "looked at evidence"),
        (kind, "operator", "", "looked at fleet"),
    ]


async def test_what_consumers_see_of_their_own_is_not(portal, audit):
    assert await asked(portal, "anna", "/my/1/day") == [200]
    assert seen(audit) == []


async def test_a_consumers_download_is_entered(portal, audit):
    rooms = portal.state.rooms
    assert await asked(portal, "anna", "/my/1/download/readings.csv") == [200]
    (anna,) = [consumer.id for consumer in rooms.registry.consumers() if consumer.name == "Anna"]
    point = f"metering_point {rooms.registry.point(1).code}"
    assert seen(audit) == [(Kind.PERSONAL_DATA, f"consumer {anna}", point, "downloaded readings.csv")]


async def test_what_programs_ask_beyond_their_own_consumer_is_entered(portal, audit, district):
    code, tokens = district.alder.code, Tokens(district.store)
    now = datetime.fromtimestamp(district.wall.time(), UTC)
    times, both = (now, now + timedelta(days=1)), (Scope.POINTS, Scope.READINGS)
    secrets = [tokens.make(f"t{who}", both, who, times, os.urandom) for who in (None, district.anna.id)]
    async with browser(portal) as client:
        for secret in secrets:
            for path in ("/points", f"/points/{code}/intervals"):
                with capture_logs():
                    answer = await client.get(f"/api/v1{path}", headers={"authorization": f"Bearer {secret}"})
                assert answer.status_code == 200
    kind = Kind.PERSONAL_DATA
    assert seen(audit) == [
        (kind, "token tNone", "", "asked for metering points"),
        (kind, "token tNone", f"metering_point {code}", "asked for intervals"),
    ]


async def test_each_entry_is_shown_with_its_proof(portal, audit):
    audit.cosigned = "openami.test/operations\n1\nAAAA\n\n— witness.test XXXX\n"
    for number in range(60):
        audit.enter(Kind.KEY, "anna", f"meter {number}", "rolled its keys over", bytes(32))
    async with browser(portal) as client:
        await log_in(client, "operator")
        pages = [(await client.get(f"/operator/audit{rest}")).text for rest in ("", "?before=10", "/7")]
        assert (await client.get("/operator/audit/60")).status_code == 404
    assert "meter 59" in pages[0]
    assert "meter 9<" not in pages[0]
    assert "witness.test" in pages[0]
    assert "meter 9" in pages[1]
    found = audit.log.inclusion(7)
    assert found.record.hex() in pages[2]
    assert audit.log.tree.root().hex() in pages[2]
    assert all(one.hex() in pages[2] for one in found.proof)


async def test_without_the_entry_nothing_is_shown(portal, audit, monkeypatch):
    def full(_records):
        raise StoreError("the disk is full")

    monkeypatch.setattr(audit.log, "add", full)
    assert await asked(portal, "operator", "/operator/points/1/day") == [500]
