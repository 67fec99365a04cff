"""What a station that is not the root does to belong to a mesh: get the key, announce its route, stay in touch."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.mesh.address import address_of
from openami.protocols.mesh.advertisement import Advertisement, Outcome
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.doorway import Doorway
from openami.protocols.mesh.events import Joined, MeshEvent, ParentChanged
from openami.protocols.mesh.join_messages import SealedKey
from openami.protocols.mesh.joining import Joining
from openami.protocols.mesh.link_layer import Heard, LinkLayer
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.rpl_messages import DaoAck, RplCode
from openami.protocols.mesh.sender import Sender

_PROBE_S: Final = 15.0
_CHILD_RANK: Final = 2
"""The lowest rank, in hops, of whoever is not the root."""
ROOT_SILENT_S: Final = 900.0
"""So long without an answer of the root a station stays where it is; then it goes to another root, if one is near."""
FOREIGN_FRESH_S: Final = 600.0
_SOLICITED_S: Final = 5.0
"""A station that has just got its key asks one neighbour for its DIO; only later it asks everybody."""


class Belonging:
    """`due` is when `act` wants to be called. `emit` takes events, `reserve` asks for frame counters.

    `joining` is absent in a mesh without keys.
    """

    def __init__(
        self,
        settings: NodeSettings,
        random: Callable[[int], bytes],
        link: LinkLayer,
        dodag: Dodag,
        sender: Sender,
        doorway: Doorway,
        emit: Callable[[MeshEvent], None],
        reserve: Callable[[], None],
    ) -> None:
        self._keepalive_s = settings.parameters.keepalive_s
        self._link = link
        self._dodag = dodag
        self._sender = sender
        self._doorway = doorway
        self._emit = emit
        self._reserve = reserve
        self._advertisement = Advertisement(settings.parameters, random)
        self._touch_due = inf
        self._vouched = b""
        self._asked_since = inf
        self._foreign_at = -inf
        self.joining: Joining | None = None
        if settings.device_key is not None:
            self.joining = Joining(settings.device_key, settings.parameters, random, link, sender, emit)

    @property
    def due(self) -> float:
        joining = self.joining.due if self.joining is not None else inf
        return min(self._advertisement.due, joining, self._touch_due)

    def search(self, now: float) -> None:
        """Look for a way in: for the key first."""
        self._asked_since = inf
        self._advertisement.forget()
        if self.joining is not None and not self._link.security.ready:
            self.joining.start(now)
        else:
            self._dodag.search(now)

    def leave(self, now: float) -> None:
        """Say good-bye to the root, and look for nobody any more."""
        if self._doorway.open:
            self._advertise(0, now)
        self._advertisement.stop()
        self._touch_due = self._asked_since = inf
        if self.joining is not None:
            self.joining.stop()

    def root_answered(self) -> None:
        """Something came from the root that answers us: it lives, and hears us."""
        self._asked_since = inf

    def foreign_heard(self, now: float) -> None:
        """A neighbour sends with a key that is not ours: perhaps it belongs to another root."""
        self._foreign_at = now

    def act(self, now: float) -> None:
        if now - self._asked_since >= ROOT_SILENT_S and now - self._foreign_at <= FOREIGN_FRESH_S:
            self._dodag.leave(f"the root has answered nothing for {ROOT_SILENT_S:.0f} s, and there is another", now)
            return
        self._announce(now)
        if self._touch_due <= now:
            self.touched(now)
            if self._dodag.parent is not None:
                self._link.probe(self._dodag.parent.eui64, now)
        if self.joining is not None and self.joining.due <= now:
            self.joining.act(now)

    def touched(self, now: float, *, sure: bool = True) -> None:
        """The parent has acknowledged a frame, or (not `sure`) has not: then it is asked again soon."""
        self._touch_due = now + (self._keepalive_s if sure else _PROBE_S)

    def doubt(self, now: float) -> None:
        """What was sent through the parent was not confirmed: ask the root soon whether it hears us at all."""
        if self._dodag.attached:
            self._advertisement.doubt(now)

    def parent_changed(self, now: float) -> None:
        """The DODAG's preferred parent is another one, or there is none any more."""
        parent = self._dodag.parent
        if parent is None:
            self._advertisement.stop()
            self._touch_due = inf
            return
        self._sender.take_prefix()
        vouched = parent.eui64 == self._vouched and not self._doorway.open
        self._vouched = b""
        self._advertisement.plan(now, known=vouched)
        self.touched(now)
        if vouched:
            self._become_joined(now)
        elif self._doorway.open:
            self._emit(ParentChanged(parent.eui64, self._dodag.rank))

    def routes_wanted(self, now: float) -> None:
        """The root has forgotten the routes."""
        if self._doorway.open:
            self._advertisement.wanted(self._dodag.graph.dag_rank(self._dodag.rank) - _CHILD_RANK, now)

    def dao_acknowledged(self, ack: DaoAck, now: float) -> None:
        """The root says that it knows our route."""
        if ack.status >= 128 or not self._advertisement.acknowledge(
            ack.sequence, self._dodag.graph.route_lifetime_s, now
        ):
            return
        self.root_answered()
        if self._dodag.parent is not None:
            self._dodag.parent.trust()
        if not self._doorway.open:
            self._become_joined(now)

    def take_key(self, message: SealedKey, heard: Heard, now: float) -> None:
        """The root's answer to our request to join; raises `SecurityError`."""
        if self.joining is None:
            raise SecurityError("a join answer for a station without key")
        first = not self._link.security.ready
        self.joining.answered(message)
        self._reserve()
        if first:
            neighbour = heard.frame.source
            self._vouched = neighbour if self.joining.answered_at_once else b""
            self.joining.stop()
            self._link.mac.pan_id = heard.frame.pan_id
            self._dodag.search(now + _SOLICITED_S)
            self._dodag.solicit(neighbour, now)

    def take_update(self, message: SealedKey) -> None:
        """The next group key, which the root will begin to use; raises `SecurityError`."""
        if self.joining is None:
            raise SecurityError("a group key for a station without device key")
        self.joining.updated(message)

    def _announce(self, now: float) -> None:
        outcome, parent = self._advertisement.act(now), self._dodag.parent
        if outcome is Outcome.SEND:
            self._advertise(self._dodag.graph.configuration.default_lifetime, now)
        elif outcome is Outcome.GIVE_UP and parent is not None:
            parent.blame(now)
            self._dodag.measured(parent, now)

    def _advertise(self, lifetime: int, now: float) -> None:
        dodag = self._dodag
        if dodag.parent is not None:
            above = address_of(dodag.parent.eui64, dodag.graph.prefix)
            body = self._advertisement.message(dodag.graph.instance, self._sender.address, above, lifetime)
            self._asked_since = min(self._asked_since, now)
            self._sender.rpl(dodag.graph.dodag_id, RplCode.DAO, body, now)

    def _become_joined(self, now: float) -> None:
        if self._dodag.parent is not None:
            self._doorway.open = True
            self._emit(Joined(self._dodag.parent.eui64, self._dodag.rank))
            self._doorway.plan_beacon(now)
