"""The medium of a district: who hears whom, how well, on radio or on power line."""

from __future__ import annotations

import asyncio

from openami.protocols.mesh.parameters import MeshParameters
from openami.simulation.district import District, House
from openami.simulation.medium import Medium, Neighbour, Phy
from openami.simulation.population import station_key
from openami.simulation.power_line import Tap, power_line_links
from openami.simulation.radio import levels, radio_links
from openami.simulation.strangers import on_the_medium
from openami.simulation.streams import Streams
from openami.simulation.trace import Trace

GOOD_MARGIN_DB = 9
"""So far above the sensitivity a link loses next to nothing to noise."""


def make_medium(
    district: District, streams: Streams, loop: asyncio.AbstractEventLoop, trace: Trace
) -> tuple[Phy, Medium]:
    """Stations are numbered: collectors, houses, strangers (each beside the house that is its fault's target)."""
    strangers = _beside_whom(district)
    names = [one.name for one in district.stations]
    keys = [station_key(name) for name in (*names, *(f"stranger {n}" for n in range(len(strangers))))]
    phy: Phy
    links: list[list[Neighbour]]
    if district.medium == "radio":
        places = [(one.x_m * 10, one.y_m * 10) for one in district.stations + strangers]
        phy = district.radio.phy
        links = radio_links(district.radio, levels(district.radio, places, keys), keys)
    else:
        phy = district.power_line.phy
        taps = [Tap(one.transformer, "", 0) for one in district.collectors]
        first = {one.transformer: one.x_m for one in district.collectors}
        houses = (*district.houses, *strangers)
        taps += [Tap(one.transformer, one.street, one.x_m - first[one.transformer]) for one in houses]
        links = power_line_links(district.power_line, taps, keys)
    chance = [key ^ streams.key("medium") for key in keys]
    return phy, Medium(loop, phy, links, chance, trace)


def mesh_parameters(phy: Phy) -> MeshParameters:
    """What the mesh must know of its medium."""
    return MeshParameters(
        bit_rate=phy.rate_bps,
        phy_overhead=phy.overhead_octets,
        duty=phy.duty_permille / 1000,
        good_dbm=phy.sensitivity_dbm + GOOD_MARGIN_DB,
    )


def _beside_whom(district: District) -> list[House]:
    houses = {house.name: house for house in district.houses}
    return [houses.get(fault.target, district.houses[0]) for _, fault in on_the_medium(district)]
