"""Pages over a whole chain: real meters, a head-end and operations, all in memory."""

from __future__ import annotations

import asyncio
import re

import pytest

from openami.backoffice.operations.settings import OperationsSettings
from openami.portal.accounts import Role
from openami.portal.app import accounts_of, make_portal
from openami.portal.settings import PortalSettings
from operations_rig import DAY, Rig
from portal_world import PASSWORD, StandingClock, browser, csrf_of, log_in


@pytest.fixture
async def rig():
    rig = Rig(settings=OperationsSettings(attempts=1))
    rig.clock._start -= asyncio.get_running_loop().time()  # the loop is the machine's here: begin where the rig does
    yield rig
    await rig.close()


@pytest.fixture
async def portal(rig):
    settings = PortalSettings(scrypt_log2_n=12)
    portal = make_portal(rig.registry, rig.mdm, rig.operations, rig.store, settings, StandingClock(rig.clock.time()))
    accounts_of(portal).add("operator", PASSWORD, Role.OPERATOR)
    return portal


async def test_read_now_shows_the_registers_and_leads_to_their_bytes(rig, portal):
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        page = await operator.get(f"/operator/meters/{rig.ids[0]}")
        answer = await operator.post(f"/operator/meters/{rig.ids[0]}/read", data={"csrf": csrf_of(page.text)})
        assert answer.status_code == 200
        assert "Read just now" in answer.text
        row = re.search(r"1-0:1\.8\.0\*255</td><td>[^<]*</td><td class=\"number\">([^<]+)<", answer.text)
        held = (await rig.operations.read_now(rig.ids[0])).values
        wh = next(quantity.mantissa for obis, _, quantity in held if str(obis) == "1-0:1.8.0*255")
        assert row.group(1).replace("\u202f", "").replace("\u00a0", " ") == f"{wh / 1000:.3f} kWh"
        evidence = await operator.get(re.search(r'href="(/operator/evidence/\d+)"', answer.text).group(1))
        assert evidence.status_code == 200
        assert f"double-long-unsigned {wh}" in evidence.text


async def test_a_campaign_is_followed_from_its_start_to_its_end(rig, portal):
    rig.field.unreachable.add(3)
    campaign = rig.campaign(hours=1)
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        before = (await operator.get(f"/operator/campaigns/{campaign}/progress")).json()
        assert before == {"total": 3, "completed": 0, "failed": 0, "pending": 3, "state": "waiting", "ended": False}
        await rig.operations.run_campaign(campaign)
        after = (await operator.get(f"/operator/campaigns/{campaign}/progress")).json()
        assert after == {"total": 3, "completed": 2, "failed": 1, "pending": 0, "state": "ended", "ended": True}
        page = (await operator.get(f"/operator/campaigns/{campaign}")).text
        assert "connect-failed" in page
        assert "M2" in page
        fleet = (await operator.get("/operator")).text
        assert fleet.count("up to date") >= 2
        day = (await operator.get(f"/operator/points/{rig.points[0]}/day?date={DAY.date()}")).text
        assert "24.000" in day
        reading = re.search(r'href="(/operator/points/\d+/reading\?at=\d+)"', day).group(1)
        explained = (await operator.get(reading)).text
        assert 'class="marked"' in explained
        assert "0.250" in explained
