"""What operators see of consumers stands in the audit log before they see it; without the entry there is no page."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import pytest
from structlog.testing import capture_logs

from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import MerkleLog
from openami.field.meter.push_queue import random_of
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import StoreError
from openami.simulation.disk import FaultDisk
from portal_world import NOW, browser, log_in, make_district, make_operations, make_world_portal


@pytest.fixture
def audit():
    log = MerkleLog(FileSpool(Path("records"), disk=FaultDisk(), random=random_of(b"audit")), "openami.test/operations")
    return Audit(log, NOW.timestamp, Lock())


@pytest.fixture
def portal(tmp_path, audit):
    district = make_district(tmp_path)
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


async def test_without_the_entry_nothing_is_shown(portal, audit, monkeypatch):
    def full(_records):
        raise StoreError("the disk is full")

    monkeypatch.setattr(audit.log, "add", full)
    assert await asked(portal, "operator", "/operator/points/1/day") == [500]
