"""One client's association with a server and what it has under way."""

from __future__ import annotations

from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server_association import Accepted
from openami.protocols.dlms.service import Services
from openami.protocols.dlms.short_name_service import ShortNameServices


class Session:
    """From an accepted AARQ on. `heard` is when the client sent something valid last."""

    __slots__ = ("_room", "accepted", "association", "channel", "heard", "services")

    def __init__(self, accepted: Accepted, services: Services | ShortNameServices, room: int, now: float) -> None:
        self.accepted = accepted
        self.association = accepted.association
        self.channel: SecureChannel | None = accepted.channel
        self.services = services
        self._room = room
        self.heard = now

    def measure(self, manner: Manner | None) -> None:
        """How much of an answer fits depends on what its protection adds."""
        form = None if manner is None else manner.form
        self.services.room = self._room - (0 if self.channel is None else self.channel.overhead(form))
