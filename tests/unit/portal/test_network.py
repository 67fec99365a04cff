"""The network page: collectors, routes, and the meters that addresses stand for."""

from __future__ import annotations

from math import dist

import pytest

from openami.model.point import Meter
from openami.model.quality import GuaranteeClass
from openami.portal.network import SIZE, network
from openami.protocols.zones.message import StationView
from portal_world import browser, log_in, make_district, make_operations, make_world_portal
from told_network import COLLECTOR, STATIONS, ToldHeadend

NEAR = StationView("0a", "", 1, 1.25, 1_700_000_100.0, 192, 0.25)
FAR = [StationView("0b", "0a", 2, None, 0.0), StationView("0c", "0a", 2, None, 1_700_000_200.0)]


def test_stations_lie_on_rings_and_hang_on_their_parents():
    meter = Meter(7, "SN-7", b"\x01" * 8, GuaranteeClass.SHARED_KEYS, "collector://c-1/0b")
    drawn = network(COLLECTOR, [NEAR, *FAR], {"collector://c-1/0b": meter})
    places = {each.view.address: (each.x, each.y) for each in drawn.stations}
    middle = (SIZE / 2, SIZE / 2)
    assert [dist(middle, places[name]) for name in ("0a", "0b", "0c")] == [
        pytest.approx(drawn.rings[0], abs=0.2),
        pytest.approx(drawn.rings[1], abs=0.2),
        pytest.approx(drawn.rings[1], abs=0.2),
    ]
    assert len(set(places.values())) == 3
    assert [(each.parent_x, each.parent_y) for each in drawn.stations if each.view.parent] == [places["0a"]] * 2
    assert {each.name for each in drawn.stations} == {"0a", "SN-7", "0c"}


@pytest.mark.parametrize("parent", ["ff", "0b"])
def test_a_parent_that_is_not_there_or_a_loop_is_drawn_all_the_same(parent):
    drawn = network(COLLECTOR, [StationView("0b", parent, 2, None, 0.0)], {})
    assert len(drawn.stations) == 1


async def test_the_page_shows_routes_and_says_why_there_are_none(tmp_path):
    district = make_district(tmp_path)
    district.registry.add_meter(
        "SN-7", b"OAM\x00\x00\x00\x00\x07", GuaranteeClass.SHARED_KEYS, f"collector://c-1/{STATIONS[3].address}"
    )
    operations = make_operations(district)
    portal = make_world_portal(district, operations)
    async with browser(portal) as client:
        await log_in(client, "operator")
        dark = await client.get("/operator/network")
        operations.headend = ToldHeadend()
        shown = await client.get("/operator/network")
    assert dark.status_code == 200
    assert "The head-end does not answer" in dark.text
    assert shown.text.count('class="station"') == len(STATIONS)
    assert "SN-7" in shown.text
    assert "1.25" in shown.text
    assert '<td data-name="Rank">192</td><td data-name="On its way">0.25 s</td>' in shown.text
