"""A head-end that tells of one collector with a small mesh, for tests of the portal."""

from __future__ import annotations

from openami.protocols.zones.message import CollectorView, ConnectedCollectors, Routes, StationView

COLLECTOR = CollectorView("c-1", "", 1_387_500_000.0, 0, 12, 0, 9, {})
_PARENTS = ("", "", "", 0, 0, 1, 1, 3, 7)


def _station(number: int, parent: int | str) -> StationView:
    hops = 1 if parent == "" else _station(int(parent), _PARENTS[int(parent)]).hops + 1
    above = "" if parent == "" else f"024f414d{parent:08x}"
    etx, heard_at = 1.25 if hops == 1 else None, 1_387_530_000.0 + number
    return StationView(f"024f414d{number:08x}", above, hops, etx, heard_at, 64 + 128 * hops, 0.25 * hops)


STATIONS = [_station(number, parent) for number, parent in enumerate(_PARENTS)]


class ToldHeadend:
    """Stands where operations keep their head-end client."""

    async def collectors(self) -> ConnectedCollectors:
        return ConnectedCollectors([COLLECTOR])

    async def routes(self, name: str) -> Routes:
        assert name == COLLECTOR.name
        return Routes(STATIONS)
