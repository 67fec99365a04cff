"""Alarms told within associations: an EventNotificationRequest with the alarm descriptor, by the meter itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from openami.field.meter import codes
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Clock
from openami.model.errors import ProtocolError
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.notification import EventNotificationRequest
from openami.protocols.dlms.server import ServerConnection

DESCRIPTOR: Final = CosemAttributeDescriptor(1, codes.ALARM_DESCRIPTOR, 2)


class AlarmTeller:
    """Tells the clients of one conversation that have negotiated EventNotification and may read the descriptor.

    What cannot be told at the moment (an answer in blocks is under way) is not repeated: the alarm register has it,
    and the push on alarm goes its own way.
    """

    def __init__(self, meter: ElectricityMeter, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock
        self._conversation: tuple[ServerConnection, Callable[[], None]] | None = None

    def began(self, connection: ServerConnection, wake: Callable[[], None]) -> None:
        """The conversation is there; `wake` lets it send."""
        self._conversation = connection, wake

    def tell(self, now: float) -> None:
        """An alarm rose at `now`."""
        if self._conversation is None:
            return
        connection, wake = self._conversation
        for association in connection.associations:
            self._tell(connection, association, now)
        wake()

    def _tell(self, connection: ServerConnection, association: Association, now: float) -> None:
        if not Conformance.EVENT_NOTIFICATION & association.conformance:
            return
        value = self._meter.device.get(association, DESCRIPTOR, None, now)
        if isinstance(value, bytes):
            event = EventNotificationRequest(self._meter.clock.date_time(now), DESCRIPTOR, value)
            with suppress(ProtocolError):
                connection.inform(association.client_sap, event, self._clock.monotonic())
