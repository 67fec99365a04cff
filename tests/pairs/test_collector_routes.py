"""The routes of a mesh, told by its collector and asked for by the back office."""

from __future__ import annotations

import asyncio

import pytest

from collector_rig import START, Site, Zone, until
from openami.backoffice.operations.headend_client import HeadendClient, SpoolFailed
from openami.field.collector.direct import DirectMeters
from openami.io.links.neighbourhood import MeterSeen, Route
from openami.protocols.zones.message import StationView
from virtual_loop import VirtualClock, in_virtual_time


class _Mesh(DirectMeters):
    """Two stations, one behind the other."""

    def routes(self):
        return [Route("0a", "", 1, 1.5, START - 30, 192, 0.25), Route("0b", "0a", 2, None, None)]


@in_virtual_time
async def test_the_back_office_learns_who_relays_for_whom():
    zone = Zone(VirtualClock(START))
    client = HeadendClient(zone.reach, zone.clock)
    with pytest.raises(SpoolFailed, match="c-1 is not connected"):
        await client.routes("c-1")
    site = Site("c-1", zone, _Mesh({})).start()
    await until(lambda: site.collector.uplink.connected)
    await zone.clock.sleep(1)
    near, far = (await client.routes("c-1")).stations
    assert near == StationView("0a", "", 1, 1.5, START - 30, 192, 0.25)
    assert far == StationView("0b", "0a", 2, None, 0.0)
    await site.stop()
    await zone.stop()


class _Forming(DirectMeters):
    """Stations that join one after the other, ten a second; `asked` counts how often the routes of all were told."""

    def __init__(self):
        super().__init__({})
        self.joined, self.asked = [], 0

    def routes(self):
        self.asked += 1
        return [Route(station, "", 1, 1.0, None) for station in self.joined]

    async def form(self, stations):
        for number in range(stations):
            await asyncio.sleep(0.1)
            self.joined.append(f"{number:04x}")
            await self._events.put(MeterSeen(self.joined[-1]))


@in_virtual_time
async def test_a_mesh_that_forms_does_not_tell_all_routes_with_each_meter():
    zone, mesh = Zone(VirtualClock(START)), _Forming()
    client = HeadendClient(zone.reach, zone.clock)
    site = Site("c-1", zone, mesh).start()
    await until(lambda: site.collector.uplink.connected)
    await mesh.form(200)
    await zone.clock.sleep(6)
    assert len(site.collector.meters) == 200
    assert len((await client.routes("c-1")).stations) == 200, "and yet they are known soon"
    assert mesh.asked <= 7, "26 seconds, 200 changes"
    await site.stop()
    await zone.stop()
