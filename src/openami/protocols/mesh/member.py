"""What a station that is not the root does to belong to a mesh: get the key, announce its route, stay in touch."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from openami.model.errors import SecurityError
from openami.protocols.mesh.advertisement import Advertisement
from openami.protocols.mesh.events import KeyChanged, MeshEvent
from openami.protocols.mesh.frame_counter import FrameCounter
from openami.protocols.mesh.join_messages import UNASKED, SealedKey, open_key
from openami.protocols.mesh.link_security import LinkSecurity
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.pledge import Pledge

_KEY_PAUSE_S = 60.0
_PROBE_S = 15.0


class Member:
    """`due` is when `act` wants to be called."""

    def __init__(
        self,
        settings: NodeSettings,
        random: Callable[[int], bytes],
        security: LinkSecurity,
        counter: FrameCounter,
        emit: Callable[[MeshEvent], None],
    ) -> None:
        self._settings = settings
        self._security = security
        self._counter = counter
        self._emit = emit
        self.advertisement = Advertisement(settings.parameters, random)
        self.pledge: Pledge | None = None
        if settings.device_key is not None:
            self.pledge = Pledge(settings.eui64, settings.device_key, settings.parameters, random)
        self.touch_due = inf
        self._old_keys_due = inf
        self._key_asked = -inf

    @property
    def due(self) -> float:
        pledge = self.pledge.due if self.pledge is not None else inf
        return min(self.advertisement.due, pledge, self.touch_due, self._old_keys_due)

    def stop(self) -> None:
        self.advertisement.stop()
        self.touch_due = inf
        if self.pledge is not None:
            self.pledge.stop()

    def touched(self, now: float, *, sure: bool = True) -> None:
        """The parent has acknowledged a frame, or (not `sure`) has not: then it is asked again soon."""
        self.touch_due = now + (self._settings.parameters.keepalive_s if sure else _PROBE_S)

    def answered(self, message: SealedKey) -> None:
        """Take the group key from an answer to our request; raises `SecurityError`."""
        if self.pledge is None:
            raise SecurityError("a join answer for a station without key")
        group = self.pledge.answered(message)
        self._counter.skip_to(group.counter_floor)
        self._security.add(group.epoch, group.key)
        if not self._security.ready or group.epoch > self._security.epoch:
            self._security.switch(group.epoch)
            self._emit(KeyChanged(group.epoch))

    def updated(self, message: SealedKey) -> None:
        """Keep the next group key, which the root will begin to use; raises `SecurityError`."""
        if self._settings.device_key is None:
            raise SecurityError("a group key for a station without device key")
        group = open_key(self._settings.device_key, message, UNASKED)
        if group.epoch < self._security.latest:
            raise SecurityError(f"group key {group.epoch} is older than {self._security.latest}: replay refused")
        self._security.add(group.epoch, group.key)

    def newer_key_heard(self, now: float) -> None:
        """Somebody uses the next group key: use it too, and understand the old one for a while."""
        self._security.switch(self._security.latest)
        self._old_keys_due = now + self._settings.parameters.key_grace_s
        self._emit(KeyChanged(self._security.epoch))

    def may_ask_for_key(self, now: float) -> bool:
        """Somebody uses a key that we do not have; whether it is time to ask for it. Anybody can pretend that."""
        if self.pledge is None or now - self._key_asked < _KEY_PAUSE_S:
            return False
        self._key_asked = now
        return True

    def act(self, now: float) -> None:
        if self._old_keys_due <= now:
            self._old_keys_due = inf
            self._security.drop_other_keys()
