"""Getting the group key and keeping up with it: what a station with a device key does so that its mesh lets it in."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.mesh.beacon import decode_beacon
from openami.protocols.mesh.events import KeyChanged, MeshEvent
from openami.protocols.mesh.frame import BEACON_REQUEST, MacFrame
from openami.protocols.mesh.join_messages import UNASKED, SealedKey, open_key
from openami.protocols.mesh.link_layer import LinkLayer
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.pledge import Candidate, Pledge, Request
from openami.protocols.mesh.sender import Sender

_KEY_PAUSE_S: Final = 60.0


class Joining:
    """`due` is when `act` wants to be called. `emit` takes events."""

    def __init__(
        self,
        device_key: bytes,
        parameters: MeshParameters,
        random: Callable[[int], bytes],
        link: LinkLayer,
        sender: Sender,
        emit: Callable[[MeshEvent], None],
    ) -> None:
        self._device_key = device_key
        self._key_grace_s = parameters.key_grace_s
        self._link = link
        self._sender = sender
        self._emit = emit
        self._pledge = Pledge(link.identity, device_key, parameters, random)
        self._old_keys_due = inf
        self._key_asked = -inf

    @property
    def due(self) -> float:
        return min(self._pledge.due, self._old_keys_due)

    @property
    def answered_at_once(self) -> bool:
        """Whether the request that was answered is our first: then the root knows the way by which it came."""
        return self._pledge.asked_once

    def start(self, now: float) -> None:
        """Look for somebody through whom the root can be asked."""
        self._pledge.start(now)

    def stop(self) -> None:
        """Look no more."""
        self._pledge.stop()

    def act(self, now: float) -> None:
        if self._old_keys_due <= now:
            self._old_keys_due = inf
            self._link.security.drop_other_keys()
        if self._pledge.due <= now:
            request = self._pledge.act(self._link.counter.upcoming, now)
            if request is None:
                self._link.command(BEACON_REQUEST, now)
            else:
                self._ask(request, now)

    def beacon_heard(self, frame: MacFrame, rssi_dbm: int, now: float) -> None:
        """Somebody says that he is part of a network; raises `DecodeError`."""
        if self._pledge.due < inf:
            self._pledge.heard(Candidate(frame.source, frame.pan_id, decode_beacon(frame.content), rssi_dbm), now)

    def unknown_key_heard(self, proxy: Candidate, now: float) -> None:
        """Somebody uses a key that we do not have: ask for it through `proxy`. Anybody can pretend that."""
        if self._link.security.ready and now - self._key_asked >= _KEY_PAUSE_S:
            self._key_asked = now
            self._ask(self._pledge.request(proxy, self._link.counter.upcoming), now)

    def newer_key_heard(self, now: float) -> None:
        """Somebody uses the next group key: use it too, and understand the old one for a while."""
        security = self._link.security
        security.switch(security.latest)
        self._old_keys_due = now + self._key_grace_s
        self._emit(KeyChanged(security.epoch))

    def answered(self, message: SealedKey) -> None:
        """Take the group key from an answer to our request; raises `SecurityError`."""
        group, security = self._pledge.answered(message), self._link.security
        self._link.counter.skip_to(group.counter_floor)
        security.add(group.epoch, group.key)
        if not security.ready or group.epoch > security.epoch:
            security.switch(group.epoch)
            self._emit(KeyChanged(group.epoch))

    def updated(self, message: SealedKey) -> None:
        """Keep the next group key, which the root will begin to use; raises `SecurityError`."""
        group, security = open_key(self._device_key, message, UNASKED), self._link.security
        if group.epoch < security.latest:
            raise SecurityError(f"group key {group.epoch} is older than {security.latest}: replay refused")
        security.add(group.epoch, group.key)

    def _ask(self, request: Request, now: float) -> None:
        self._link.mac.pan_id = request.candidate.pan_id
        self._sender.unprotected(request.candidate.eui64, request.message, now)
