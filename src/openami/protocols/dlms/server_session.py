"""One client's association with a server and what it has under way."""

from __future__ import annotations

from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server_association import Accepted
from openami.protocols.dlms.service import Services
from openami.protocols.dlms.service_context import ROOM_MIN, NotServed
from openami.protocols.dlms.short_name_service import ShortNameServices


class Session:
    """From an accepted AARQ on. `heard` is when the client sent something valid last."""

    __slots__ = ("_room", "accepted", "association", "channel", "heard", "left", "services", "transfer")

    def __init__(
        self,
        accepted: Accepted,
        services: Services | ShortNameServices,
        room: int,
        now: float,
        transfer: BlockTransfer | None = None,
    ) -> None:
        self.accepted = accepted
        self.association = accepted.association
        self.channel: SecureChannel | None = accepted.channel
        self.services = services
        self.transfer = transfer
        """What carries longer APDUs in blocks, if that was negotiated."""
        self._room = room
        self.heard = now
        self.left = False
        """Its client is gone, or has begun anew: what still waits for numbers is not sent."""

    def measure(self, manner: Manner | None) -> None:
        """How much of an answer fits depends on what its protection adds."""
        room = self.room(manner)
        if room < ROOM_MIN:
            limit = self.association.client_max_receive_pdu_size
            raise NotServed(f"client takes APDUs of {limit} bytes, too few for an answer under this protection")
        self.services.room = room

    def room(self, manner: Manner | None) -> int:
        """Octets of plain APDU that fit into one of `manner`."""
        form = None if manner is None else manner.form
        return self._room - (0 if self.channel is None else self.channel.overhead(form))
