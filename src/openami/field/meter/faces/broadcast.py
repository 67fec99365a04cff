"""A line on which, beside the conversations with one client at a time, all meters are spoken to at once."""

from __future__ import annotations

from collections.abc import Callable

from openami.field.meter.broadcast import hear_broadcast
from openami.field.meter.electricity import ElectricityMeter
from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.framing import ApduReceived, Framing, FramingEvent, Garbage

GENERAL_GLO_TAG = b"\xdb"


class HearingBroadcasts:
    """`framing` as it is, except that unconfirmed general-glo APDUs go to the meter's ear for broadcasts.

    What is refused there goes on as `Garbage`: kept, and answered by nobody.
    """

    def __init__(self, framing: Framing, meter: ElectricityMeter, utc: Callable[[], float]) -> None:
        self.max_apdu = framing.max_apdu
        self._framing = framing
        self._meter = meter
        self._utc = utc
        self.connect = framing.connect
        self.disconnect = framing.disconnect
        self.receive = framing.receive
        self.send = framing.send
        self.data_to_send = framing.data_to_send
        self.next_timeout = framing.next_timeout
        self.handle_timeout = framing.handle_timeout
        self.closed = framing.closed

    def next_event(self) -> FramingEvent | None:
        """The oldest event that is not a broadcast."""
        while (event := self._framing.next_event()) is not None:
            if not isinstance(event, ApduReceived) or not event.unconfirmed or event.apdu[:1] != GENERAL_GLO_TAG:
                return event
            try:
                hear_broadcast(self._meter, event.apdu, self._utc())
            except RemoteProtocolError as error:
                return Garbage(event.apdu, f"broadcast: {error}")
        return None
