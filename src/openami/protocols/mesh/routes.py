"""The root's picture of the mesh in non-storing mode: who is whose parent, and the source routes that follow."""

from __future__ import annotations

from math import inf
from typing import Final

from openami.protocols.mesh.lollipop import newer
from openami.protocols.mesh.rpl_packet import ROUTE_MAX

STATIONS_MAX: Final = 8192
_SWEEP_S: Final = 60.0


class _Route:
    __slots__ = ("expires", "parent", "sequence")

    def __init__(self, parent: bytes, sequence: int, expires: float) -> None:
        self.parent = parent
        self.sequence = sequence
        self.expires = expires


class Routes:
    """Parents by station, all EUI-64s. `due` is when expired ones are looked for next."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._routes: dict[bytes, _Route] = {}
        self.due = inf

    def announced(self, station: bytes, parent: bytes, sequence: int, lifetime_s: float, now: float) -> bool | None:
        """A DAO came. True: the station is new; false: known; `None`: older than what is known, or no room."""
        known = self._routes.get(station)
        if known is None:
            if len(self._routes) >= STATIONS_MAX:
                return None
        elif sequence != known.sequence and not newer(sequence, known.sequence) and now < known.expires:
            return None
        self._routes[station] = _Route(parent, sequence, now + lifetime_s)
        self.due = min(self.due, now + _SWEEP_S)
        return known is None

    def withdraw(self, station: bytes) -> bool:
        """The station has gone; whether it was known."""
        return self._routes.pop(station, None) is not None

    def expire(self, now: float) -> list[bytes]:
        """The stations whose routes have run out."""
        gone = [station for station, route in self._routes.items() if route.expires <= now]
        for station in gone:
            del self._routes[station]
        self.due = now + _SWEEP_S if self._routes else inf
        return gone

    def path(self, station: bytes) -> list[bytes] | None:
        """The stations on the way from the root to `station`, which is the last; `None` if no way is known."""
        path = [station]
        route = self._routes.get(station)
        while route is not None:
            if route.parent == self._root:
                path.reverse()
                return path
            if len(path) >= ROUTE_MAX or route.parent in path:
                return None
            path.append(route.parent)
            route = self._routes.get(route.parent)
        return None

    def parents(self) -> dict[bytes, bytes]:
        """Each station's parent."""
        return {station: route.parent for station, route in self._routes.items()}

    def __contains__(self, station: bytes) -> bool:
        return station in self._routes
