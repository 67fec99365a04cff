"""What the root does beside forwarding: it knows everybody's route, lets stations join, and changes the group key."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.mesh.address import address_of, eui64_of
from openami.protocols.mesh.confirmed import Confirmed
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.events import JoinRefused, KeyChanged, MeshEvent, Persist, StationGone, StationKnown
from openami.protocols.mesh.frame_counter import Counters
from openami.protocols.mesh.ipv6 import Packet
from openami.protocols.mesh.join_messages import JOIN_PORT, RelayedRequest
from openami.protocols.mesh.link_security import LinkSecurity
from openami.protocols.mesh.lollipop import START
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.registrar import Registrar
from openami.protocols.mesh.routes import Routes
from openami.protocols.mesh.rpl_messages import Dao
from openami.protocols.mesh.rpl_options import TARGET, TRANSIT, RplTarget, TransitInformation, require
from openami.protocols.mesh.rpl_packet import SourceRoute, encode_source_route

ACCEPTED = 0


class Root:
    """`due` is when `act` wants to be called. `emit` takes events."""

    def __init__(
        self,
        settings: NodeSettings,
        random: Callable[[int], bytes],
        counters: Counters,
        security: LinkSecurity,
        dodag: Dodag,
        confirmed: Confirmed,
        emit: Callable[[MeshEvent], None],
    ) -> None:
        self._settings = settings
        self._security = security
        self._dodag = dodag
        self._confirmed = confirmed
        self._emit = emit
        self._epoch_name = f"mesh/{settings.eui64.hex()}/epoch"
        self._epoch = counters.load(self._epoch_name)
        self.routes = Routes(settings.eui64)
        self.registrar: Registrar | None = None
        if settings.device_key is not None and settings.keys_of is not None:
            self.registrar = Registrar(settings.device_key, settings.keys_of, settings.parameters, random)
        self._old_keys_due = inf
        self._updates: dict[int, bytes] = {}

    @property
    def due(self) -> float:
        registrar = self.registrar.due if self.registrar is not None else inf
        return min(self.routes.due, registrar, self._old_keys_due)

    def open(self) -> bool:
        """Whether the group key is durable and in use; asks for it to be made so otherwise."""
        if self.registrar is None:
            return True
        if self._epoch == 0:
            self._emit(Persist(self._epoch_name, 1))
            return False
        self._use(self._epoch)
        return True

    def roll(self) -> None:
        """Begin to change the group key."""
        if self.registrar is not None and not self.registrar.distributing:
            self._emit(Persist(self._epoch_name, self._epoch + 1))

    def persisted(self, event: Persist, now: float) -> bool:
        """True if `event` was about the group key's epoch, which is durable now."""
        if event.name != self._epoch_name or event.value <= self._epoch:
            return False
        first, self._epoch = self._epoch == 0, event.value
        if first:
            self._use(event.value)
        elif self.registrar is not None:
            self._security.add(event.value, self.registrar.key(event.value))
            self.registrar.roll(event.value, sorted(self.routes.parents()), now)
        return True

    def advertised(self, dao: Dao, source: bytes, now: float) -> int:
        """Take in a DAO from `source`; the status of its acknowledgement. Raises `DecodeError`."""
        target = require(dao.options, TARGET, RplTarget)
        transit = require(dao.options, TRANSIT, TransitInformation)
        if target.address != source or target.prefix_length != 128:
            raise DecodeError("a DAO for somebody else's address", 0)
        station = eui64_of(source)
        if transit.path_lifetime == 0:
            if self.routes.withdraw(station):
                self._emit(StationGone(station, "the station has said good-bye"))
            return ACCEPTED
        lifetime_s = transit.path_lifetime * self._dodag.graph.configuration.lifetime_unit_s
        parent = eui64_of(transit.parent)
        new = self.routes.announced(station, parent, transit.path_sequence, lifetime_s, now)
        if new:
            self._emit(StationKnown(station, source))
        return ACCEPTED

    def joining(self, relayed: RelayedRequest, relay: bytes, now: float) -> bytes | None:
        """The answer to a join request, or `None` if the station may not join.

        A station without a route gets one below the relay that hands the answer to it, until its own DAO comes: a
        relay can lead it astray for that time, as it could by not forwarding its DAO.
        """
        if self.registrar is None:
            return None
        try:
            fresh = self.registrar.is_fresh(relayed.request)
            answer = self.registrar.answer(relayed, now)
        except SecurityError as error:
            self._emit(JoinRefused(relayed.request.eui64, str(error)))
            return None
        station = relayed.request.eui64
        if fresh and station not in self.routes:
            self.routes.announced(station, relay, START, self._settings.parameters.join_route_s, now)
            self._emit(StationKnown(station, address_of(station, self._settings.parameters.prefix)))
        return answer

    def downward(self, packet: Packet) -> tuple[bytes, Packet] | None:
        """The neighbour and the packet with its source route; `None` if there is no way to its destination."""
        path = self.routes.path(eui64_of(packet.destination))
        if path is None:
            return None
        if len(path) == 1:
            return path[0], packet
        prefix = packet.destination[:8]
        addresses = [address_of(station, prefix) for station in path]
        route = encode_source_route(SourceRoute(len(path) - 1, addresses[1:]))
        return path[0], packet._replace(destination=addresses[0], routing=route)

    def act(self, now: float) -> None:
        if self.routes.due <= now:
            for station in self.routes.expire(now):
                self._emit(StationGone(station, "its route was not renewed"))
        if self._old_keys_due <= now:
            self._old_keys_due = inf
            self._security.drop_other_keys()
        if self.registrar is not None and self.registrar.due <= now:
            self._distribute(self.registrar, now)

    def update_ended(self, number: int, now: float, *, delivered: bool) -> bool:
        """True if the datagram was a key update."""
        station = self._updates.pop(number, None)
        if station is None:
            return False
        if not delivered and self.registrar is not None:
            self.registrar.again(station, now)
        return True

    def _distribute(self, registrar: Registrar, now: float) -> None:
        """Send the next group key to one more station; use it when the time for that is over."""
        update = registrar.next_update(now)
        if update is not None:
            station, message = update
            number = self._confirmed.next_number()
            self._updates[number] = station
            self._confirmed.send(number, address_of(station, self._dodag.graph.prefix), JOIN_PORT, message, now)
        elif not registrar.distributing:
            self._security.switch(self._epoch)
            self._old_keys_due = now + self._settings.parameters.key_grace_s
            self._emit(KeyChanged(self._epoch))
            self._dodag.inconsistent(now)

    def _use(self, epoch: int) -> None:
        assert self.registrar is not None
        self.registrar.epoch = epoch
        self._security.add(epoch, self.registrar.key(epoch))
        self._security.switch(epoch)
