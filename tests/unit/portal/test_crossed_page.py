"""The console lists meters that may be crossed, to operators only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openami.backoffice.mdm.crossed_hints import Hint, Side
from portal_world import NOW, browser, log_in, make_district, make_operations, make_world_portal


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    district = make_district(tmp_path_factory.mktemp("crossed"))
    return make_world_portal(district, make_operations(district))


async def test_a_pair_is_shown_with_what_it_rests_on(portal):
    sides = [Side(point, NOW, before, after, 28, 21) for point, before, after in ((1, 9_000, 2_500), (2, 2_400, 8_800))]
    rooms = portal.state.rooms
    portal.state.rooms = replace(rooms, crossed_hints=lambda *_: [Hint(*sides, 1.23, 0.31)])
    try:
        async with browser(portal) as client:
            await log_in(client, "operator")
            text = (await client.get("/operator/crossed")).text
    finally:
        portal.state.rooms = rooms
    assert "1.23 away from their own past and 0.31" in text
    assert '2.500\u00a0kWh<br><span class="small soft">21 days</span>' in text
    assert "openami mdm crossed UK0001000000000001 UK0001000000000002 --from 2013-12-20T09:40:00+00:00" in text


async def test_without_a_pair_it_says_so_and_consumers_find_no_page(portal):
    async with browser(portal) as client:
        await log_in(client, "operator")
        assert "No pair looks crossed." in (await client.get("/operator/crossed")).text
        assert 'href="/operator/crossed"' in (await client.get("/operator/missing")).text
    async with browser(portal) as client:
        await log_in(client, "anna")
        assert (await client.get("/operator/crossed")).status_code == 404
