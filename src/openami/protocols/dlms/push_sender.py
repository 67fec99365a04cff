"""The meter's side of pushes outside an association: sent, and sent again until the listener confirms.

Each attempt is sealed anew, with a counter of its own; the plain APDU stays the same, so that a listener which has
it already knows it again. An event `Persist` must be made durable and handed to `persisted` before anything leaves.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from openami.model.errors import LocalProtocolError, RemoteProtocolError, SecurityError
from openami.protocols.dlms.access import LongInvokeId
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.counters import CountersExhausted, Persist
from openami.protocols.dlms.events import Closed, Refused
from openami.protocols.dlms.framing import ApduReceived, Disconnected, Framing, Garbage
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.notification import (
    LONG_INVOKE_ID,
    DataNotification,
    DataNotificationConfirm,
    EventNotificationRequest,
)
from openami.protocols.dlms.secure_channel import SecureChannel

Notification: TypeAlias = DataNotification | EventNotificationRequest | InformationReportRequest


@dataclass(frozen=True, slots=True)
class Pushed:
    """The notification is on its way, or has arrived for sure if it is `confirmed`."""

    long_invoke_id: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class NotConfirmed:
    """No confirmation came, in as many attempts."""

    long_invoke_id: int
    attempts: int


PushSenderEvent: TypeAlias = Persist | Pushed | NotConfirmed | Refused | Garbage | Closed


def confirmation_window_name(channel: SecureChannel) -> str:
    """The name under which the last accepted counter of a listener's confirmations is kept."""
    return f"dlms/{channel.system_title.hex()}/{channel.peer_system_title.hex()}/confirmed"


class PushSender:
    """One listener on one link, one notification at a time.

    `channel` seals with general-glo-ciphering and opens confirmations; without it both are plain. What is longer than
    `pdu_max` leaves in blocks that nobody acknowledges. An unconfirmed one is `Pushed` as soon as it leaves.
    """

    __slots__ = (
        "_attempt",
        "_attempts",
        "_blocks",
        "_channel",
        "_deadline",
        "_destination",
        "_events",
        "_framing",
        "_long_invoke_id",
        "_plain",
        "_repeat_s",
        "_unpersisted",
    )

    def __init__(
        self,
        framing: Framing,
        destination: int,
        channel: SecureChannel | None = None,
        *,
        pdu_max: int = 0xFFFF,
        repeat_s: float = 30.0,
        attempts: int = 3,
    ) -> None:
        self._framing = framing
        self._destination = destination
        self._channel = channel
        self._repeat_s = repeat_s
        self._attempts = attempts
        self._blocks = BlockTransfer(pdu_max, window=1, limit=0, serving=False, protected=channel is not None)
        self._events: deque[PushSenderEvent] = deque()
        self._plain = b""
        self._long_invoke_id: int | None = None
        self._attempt = 0
        self._deadline: float | None = None
        self._unpersisted = 0

    @property
    def busy(self) -> bool:
        """Whether a notification is on its way."""
        return bool(self._plain)

    def send(self, notification: Notification, now: float) -> None:
        """Push `notification`; `Pushed` or `NotConfirmed` tells how it ended."""
        if self.busy:
            raise LocalProtocolError("a push is still under way; wait for its end")
        self._long_invoke_id = None
        if isinstance(notification, DataNotification):
            number = notification.long_invoke_id_and_priority
            self._long_invoke_id = number if number & LongInvokeId.CONFIRMED else None
        self._plain = encode_apdu(notification)
        self._attempt = 0
        self._try(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the link; never raises, whatever the bytes."""
        self._framing.receive(data, now)
        self._pump()

    def next_event(self) -> PushSenderEvent | None:
        """The oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable; what waited for its numbers leaves."""
        self._unpersisted -= 1
        if event.reserve and self._channel is not None:
            self._channel.sending.reserved(event)
            if self.busy:
                self._try(now)

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the link; none while something has to be made durable first."""
        return b"" if self._unpersisted else self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        dues = (self._framing.next_timeout(), self._deadline)
        return min((due for due in dues if due is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`: push again, or give up."""
        self._framing.handle_timeout(now)
        self._pump()
        if self._deadline is None or now < self._deadline:
            return
        self._deadline = None
        if self._attempt < self._attempts:
            self._try(now)
        else:
            self._end(NotConfirmed((self._long_invoke_id or 0) & LONG_INVOKE_ID, self._attempt))

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump()

    def _try(self, now: float) -> None:
        channel = self._channel
        if channel is not None and not channel.sending.available:
            try:
                self._persist(channel.sending.reservation())
            except CountersExhausted as error:
                self._events.append(Refused(b"", error))
                self._end(NotConfirmed((self._long_invoke_id or 0) & LONG_INVOKE_ID, self._attempt))
            return
        self._attempt += 1
        octets = self._plain if channel is None else channel.seal(self._plain)
        pieces = [octets]
        if len(octets) > self._blocks.pdu_max:
            pieces = [encode_apdu(block) for block in self._blocks.unanswered(octets)]
        for piece in pieces:
            self._framing.send(piece, now, destination=self._destination, unconfirmed=True)
        if self._long_invoke_id is None:
            self._end(Pushed(0, confirmed=False))
        else:
            self._deadline = now + self._repeat_s

    def _end(self, event: Pushed | NotConfirmed) -> None:
        self._plain = b""
        self._deadline = None
        self._events.append(event)

    def _persist(self, event: Persist) -> None:
        self._unpersisted += 1
        self._events.append(event)

    # Receiving

    def _pump(self) -> None:
        while (event := self._framing.next_event()) is not None:
            match event:
                case ApduReceived():
                    self._take(event.apdu)
                case Disconnected():
                    self._plain, self._deadline = b"", None
                    self._events.append(Closed(event.reason, event.clean))
                case Garbage():
                    self._events.append(event)

    def _take(self, raw: bytes) -> None:
        try:
            self._take_confirmation(raw)
        except RemoteProtocolError as error:
            self._events.append(Refused(raw, error))

    def _take_confirmation(self, raw: bytes) -> None:
        apdu, channel = decode_apdu(raw), self._channel
        if channel is not None:
            if isinstance(apdu, DataNotificationConfirm):
                raise SecurityError("plain confirmation of a protected push: refused")
            apdu = decode_apdu(channel.open(apdu))
            self._persist(Persist(confirmation_window_name(channel), channel.receiving.last + 1))
        if not isinstance(apdu, DataNotificationConfirm):
            raise RemoteProtocolError(f"{type(apdu).__name__} is no confirmation of a push")
        if self.busy and apdu.long_invoke_id_and_priority & LONG_INVOKE_ID == (
            (self._long_invoke_id or 0) & LONG_INVOKE_ID
        ):
            self._end(Pushed(apdu.long_invoke_id_and_priority & LONG_INVOKE_ID, confirmed=True))
