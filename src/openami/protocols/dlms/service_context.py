"""What the services of one association share on the server's side: who asks, whom, and how much fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.server_settings import LogicalDevice, ServerSettings

HEADER: Final = 16
"""More than a response or a block has before its octets: tags, invoke id, block number, choice, length."""

ROOM_MIN: Final = HEADER + 8
"""Less room than this is none: a value of a few octets would take hundreds of blocks."""


class NotServed(RemoteProtocolError):
    """A request that this server has no answer for; it becomes an ExceptionResponse."""


@dataclass(slots=True)
class ServiceContext:
    """`room` octets of plain APDU fit into an answer."""

    association: Association
    device: LogicalDevice
    settings: ServerSettings
    room: int

    def agreed(self, services: Conformance) -> bool:
        """Whether all of `services` were negotiated."""
        return not services & ~self.association.conformance

    def check_list(self, count: int, given: int | None = None) -> None:
        """Raise `NotServed` for a list that is too long, or that has not a value for each element."""
        if count > self.settings.list_max:
            raise NotServed(f"request with a list of {count}, at most {self.settings.list_max} are served")
        if given is not None and given != count:
            raise NotServed(f"request with a list of {count} brings {given} values")
