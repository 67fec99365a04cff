"""Letting others in: a member answers who looks for a network, hands join requests on to the root, and answers back."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.mesh.address import eui64_of
from openami.protocols.mesh.allowance import Allowance
from openami.protocols.mesh.beacon import encode_beacon
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.forwarding import NoRoute
from openami.protocols.mesh.join_messages import (
    JOIN_PORT,
    RELAYED,
    JoinRequest,
    RelayedRequest,
    decode_relayed,
    encode_relayed,
)
from openami.protocols.mesh.join_relay import JoinRelay
from openami.protocols.mesh.link_layer import LinkLayer
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.root import Root
from openami.protocols.mesh.sender import Sender

_BEACON_PAUSE_S: Final = 2.0
_RELAYED_PER_S, _RELAYED_BURST = 0.5, 10.0
_ANSWERS_AT_ROOM: Final = 12
"""A root whose queue has less room than this leaves join requests unanswered; their stations ask again."""


class Doorway:
    """It is `open` while we have a way to the root ourselves. `due` is when `act` wants to be called."""

    def __init__(
        self,
        settings: NodeSettings,
        random: Callable[[int], bytes],
        link: LinkLayer,
        dodag: Dodag,
        sender: Sender,
        root: Root | None,
    ) -> None:
        self._identity = settings.eui64
        self._beacon_wait_s = settings.parameters.beacon_wait_s
        self._random = random
        self._link = link
        self._dodag = dodag
        self._sender = sender
        self._root = root
        self._relayed = Allowance(_RELAYED_PER_S, _RELAYED_BURST)
        self._relay = JoinRelay()
        self._beacon_due = inf
        self._beaconed = -inf
        self.open = False

    @property
    def due(self) -> float:
        return min(self._beacon_due, self._relay.due)

    def plan_beacon(self, now: float) -> None:
        """Somebody looks for a network: answer soon, but not more often than every two seconds."""
        if self.open and self._link.secured and self._beacon_due is inf:
            delay_s = self._beacon_wait_s * 0.5 * self._random(1)[0] / 256
            self._beacon_due = max(now + delay_s, self._beaconed + _BEACON_PAUSE_S)

    def close(self) -> None:
        """We are no way in any more."""
        self.open = False
        self._beacon_due = inf

    def act(self, now: float) -> None:
        if self._beacon_due <= now:
            self._beacon_due = inf
            if self.open and self._dodag.attached:
                self._beaconed = now
                self._link.beacon(encode_beacon(self._dodag.rank), now)
        if self._relay.due <= now:
            self._hand_on(self._relay.act(now), now)

    def requested(self, request: JoinRequest, sender: bytes, now: float) -> None:
        """A neighbour asks to be let in; raises `NoRoute` or `SecurityError`."""
        if request.eui64 != sender:
            raise SecurityError(f"{sender.hex()} asks for {request.eui64.hex()} to join")
        if not self.open:
            raise NoRoute("a join request, but we have no route ourselves")
        if not self._relayed.take(now):
            raise NoRoute("more join requests than we hand on")
        if self._root is None:
            self._hand_on(self._relay.take(request, now), now)
            return
        relayed = RelayedRequest(RELAYED, self._link.security.last_counter(sender) + 1, request)
        answer = self._answer(self._root, relayed, self._identity, now)
        if answer is not None:
            self._sender.unprotected(sender, answer, now)

    def relayed(self, root: Root, payload: bytes, relay: bytes, now: float) -> None:
        """Root: a request that the station with the address `relay` has handed on."""
        answer = self._answer(root, decode_relayed(payload), eui64_of(relay), now)
        if answer is not None:
            self._sender.try_datagram(relay, JOIN_PORT, answer, now)

    def answered(self, station: bytes, answer: bytes, now: float) -> None:
        """The root's answer for a neighbour has come."""
        self._relay.answered(station, now)
        self._sender.unprotected(station, answer, now)

    def _hand_on(self, request: JoinRequest | None, now: float) -> None:
        if request is not None:
            counter_seen = self._link.security.last_counter(request.eui64) + 1
            self._sender.try_datagram(self._dodag.graph.dodag_id, JOIN_PORT, encode_relayed(counter_seen, request), now)

    def _answer(self, root: Root, relayed: RelayedRequest, relay: bytes, now: float) -> bytes | None:
        if self._link.mac.room < _ANSWERS_AT_ROOM:
            return None
        return root.joining(relayed, relay, now)
