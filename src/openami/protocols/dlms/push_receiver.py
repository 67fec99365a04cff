"""The listener's side of what meters say unasked: pushes, events, reports, plain or general-glo-ciphered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from openami.model.errors import DecodeError, RemoteProtocolError, SecurityError
from openami.protocols.dlms.access import LongInvokeId
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.counters import CountersExhausted, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.events import Closed, Refused
from openami.protocols.dlms.framing import ApduReceived, Disconnected, Framing, Garbage
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm, EventNotificationRequest
from openami.protocols.dlms.protected_tags import GENERAL_BLOCK_TRANSFER
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, protect, read_header, unprotect

_BLOCK: Final = bytes((GENERAL_BLOCK_TRANSFER,))
_SENDERS_MAX: Final = 1024
_WAITING_MAX: Final = 64

Notification: TypeAlias = DataNotification | EventNotificationRequest | InformationReportRequest


@dataclass(frozen=True, slots=True)
class NotificationReceived:
    """What a meter says unasked. `system_title` is proven by its tag; None means that nobody vouches for it.

    `apdu` is as it came, `plain` what was inside (the same where it came plainly).
    """

    system_title: bytes | None
    notification: Notification
    apdu: bytes = field(repr=False)
    plain: bytes = field(repr=False)
    invocation_counter: int | None = None


@dataclass(frozen=True, slots=True)
class PushReceived(NotificationReceived):
    """A DataNotification, as push set-ups send it."""

    notification: DataNotification


PushEvent: TypeAlias = Persist | NotificationReceived | Refused | Garbage | Closed


@dataclass(frozen=True, slots=True)
class PushKeys:
    """What is known of one sender: its keys, and the window of counters that were accepted from it."""

    keys: SecurityKeys
    window: ReceiveWindow


def push_window_name(system_title: bytes) -> str:
    """The name under which the last accepted counter of a sender's pushes is kept."""
    return f"dlms/{system_title.hex()}/push/received"


def open_push(
    apdu: bytes,
    sender: Callable[[bytes], PushKeys | None],
    *,
    accept_plain: bool,
    required: int = SecurityControl.AUTHENTICATED_ENCRYPTION,
) -> PushReceived:
    """The DataNotification in `apdu`; see `open_notification`."""
    opened = open_notification(apdu, sender, accept_plain=accept_plain, required=required)
    if not isinstance(opened, PushReceived):
        title = "" if opened.system_title is None else f" of {opened.system_title.hex()}"
        raise DecodeError(f"push{title} holds {type(opened.notification).__name__}, not DataNotification", 0)
    return opened


def open_notification(
    apdu: bytes,
    sender: Callable[[bytes], PushKeys | None],
    *,
    accept_plain: bool,
    required: int = SecurityControl.AUTHENTICATED_ENCRYPTION,
) -> NotificationReceived:
    """What `apdu` says: title known, counter newer, tag right, in this order; then the counter is committed.

    Raises `SecurityError` or `DecodeError`. Who calls this keeps the window durable (see `push_window_name`).
    """
    outer = decode_apdu(apdu)
    if isinstance(outer, Notification):
        if not accept_plain:
            raise SecurityError(f"plain {type(outer).__name__} where protected ones are due: refused")
        return _received(None, outer, apdu, apdu, None)
    if not isinstance(outer, GeneralGloCiphering):
        raise DecodeError(f"{type(outer).__name__} is no push", 0)
    title = outer.system_title
    known = sender(title)
    if known is None:
        raise SecurityError(f"push of an unknown system title {title.hex() or '(empty)'}: refused")
    counter = read_header(outer.content).invocation_counter
    known.window.check(counter)
    plain = unprotect(known.keys, title, outer.content, required=required)
    known.window.commit(counter)
    notification = decode_apdu(plain)
    if not isinstance(notification, Notification):
        raise DecodeError(f"push of {title.hex()} holds {type(notification).__name__}, no notification", 0)
    return _received(title, notification, apdu, plain, counter)


def _received(
    title: bytes | None, notification: Notification, apdu: bytes, plain: bytes, counter: int | None
) -> NotificationReceived:
    if isinstance(notification, DataNotification):
        return PushReceived(title, notification, apdu, plain, counter)
    return NotificationReceived(title, notification, apdu, plain, counter)


class PushReceiver:
    """A framing that listens. `sender` looks keys and window up by system title; None refuses the sender.

    A push that asks for confirmation gets it when it is taken as an event, protected like the push with
    `own_system_title` and the numbers of `sending`; without these only plain ones are confirmed. The same push once
    more, because its confirmation was lost, is confirmed again and not told again. Long ones may come in blocks that
    nobody acknowledges.
    An event `Persist` must be made durable and handed to `persisted` before anything more leaves.
    """

    __slots__ = (
        "_accept_plain",
        "_blocks",
        "_confirmed",
        "_ended",
        "_events",
        "_framing",
        "_own_system_title",
        "_required",
        "_sender",
        "_sending",
        "_told",
        "_unpersisted",
        "_waiting",
    )

    def __init__(
        self,
        framing: Framing,
        sender: Callable[[bytes], PushKeys | None],
        *,
        accept_plain: bool = False,
        required: int = SecurityControl.AUTHENTICATED_ENCRYPTION,
        own_system_title: bytes = b"",
        sending: SendCounter | None = None,
        apdu_max: int = 1 << 18,
    ) -> None:
        self._framing = framing
        self._sender = sender
        self._accept_plain = accept_plain
        self._required = required
        self._own_system_title = own_system_title
        self._sending = sending
        self._blocks = BlockTransfer(0xFFFF, window=1, limit=apdu_max, serving=True, protected=False)
        self._events: deque[PushEvent] = deque()
        self._confirmed: dict[tuple[bytes | None, int], bytes] = {}
        self._waiting: deque[tuple[int, bytes, SecurityKeys]] = deque()
        self._told: deque[tuple[int, float]] = deque()
        self._unpersisted = 0
        self._ended = False

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the link; never raises, whatever the bytes."""
        self._framing.receive(data, now)
        self._pump(now)

    def next_event(self) -> PushEvent | None:
        """The oldest event that was not taken yet. `Persist` comes before the push that moved the counter."""
        event = self._events.popleft() if self._events else None
        if isinstance(event, NotificationReceived):
            source, now = self._told.popleft()
            self._confirm(event, source, now)
        return event

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable; confirmations that waited for it leave."""
        self._unpersisted -= 1
        if event.reserve and self._sending is not None:
            self._sending.reserved(event)
            if not self._ended:
                self._send_waiting(now)

    def data_to_send(self, now: float) -> bytes:
        """What the framing has to say, and confirmations; none while something has to be made durable first."""
        return b"" if self._unpersisted else self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        return self._framing.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._framing.handle_timeout(now)
        self._pump(now)

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump(now)

    def _pump(self, now: float) -> None:
        while (event := self._framing.next_event()) is not None:
            match event:
                case ApduReceived():
                    self._take(event, now)
                case Disconnected():
                    self._ended = True
                    self._events.append(Closed(event.reason, event.clean))
                case Garbage():
                    self._events.append(event)

    def _take(self, event: ApduReceived, now: float) -> None:
        try:
            apdu = self._whole(event.apdu)
            if apdu is None:
                return
            push = open_notification(apdu, self._sender, accept_plain=self._accept_plain, required=self._required)
        except RemoteProtocolError as error:
            self._events.append(Refused(event.apdu, error))
            return
        if push.system_title is not None and push.invocation_counter is not None:
            self._persist(Persist(push_window_name(push.system_title), push.invocation_counter + 1))
        if self._is_repeated(push, event.source):
            self._confirm(push, event.source, now)
        else:
            self._events.append(push)
            self._told.append((event.source, now))

    def _whole(self, raw: bytes) -> bytes | None:
        if raw[:1] != _BLOCK:
            return raw
        block = decode_apdu(raw)
        if not isinstance(block, GeneralBlockTransfer) or block.window:
            raise DecodeError("a block came that wants an answer; pushes come in blocks that want none", 0)
        return self._blocks.take(block)

    # Confirmations

    def _is_repeated(self, push: NotificationReceived, source: int) -> bool:
        """Whether this is the confirmed push that came last from its sender."""
        if not _wants_confirmation(push):
            return False
        whom = push.system_title, source
        if self._confirmed.get(whom) == push.plain:
            return True
        if len(self._confirmed) >= _SENDERS_MAX:
            self._confirmed.clear()
        self._confirmed[whom] = push.plain
        return False

    def _confirm(self, push: NotificationReceived, source: int, now: float) -> None:
        if self._ended or not _wants_confirmation(push) or not isinstance(push, PushReceived):
            return
        confirm = encode_apdu(DataNotificationConfirm(push.notification.long_invoke_id_and_priority))
        if push.system_title is None:
            self._framing.send(confirm, now, destination=source, unconfirmed=True)
            return
        known = self._sender(push.system_title)
        if known is not None and self._sending is not None and len(self._waiting) < _WAITING_MAX:
            self._waiting.append((source, confirm, known.keys))
            self._send_waiting(now)

    def _send_waiting(self, now: float) -> None:
        sending = self._sending
        while self._waiting and sending is not None and sending.available:
            source, confirm, keys = self._waiting.popleft()
            control = SecurityControl.AUTHENTICATED_ENCRYPTION | keys.suite
            content = protect(keys, self._own_system_title, sending.take(), control, confirm)
            apdu = encode_apdu(GeneralGloCiphering(self._own_system_title, content))
            self._framing.send(apdu, now, destination=source, unconfirmed=True)
        if self._waiting and sending is not None:
            try:
                self._persist(sending.reservation())
            except CountersExhausted as error:
                self._waiting.clear()
                self._events.append(Refused(b"", error))

    def _persist(self, event: Persist) -> None:
        self._unpersisted += 1
        self._events.append(event)


def _wants_confirmation(push: NotificationReceived) -> bool:
    notification = push.notification
    return isinstance(notification, DataNotification) and bool(
        notification.long_invoke_id_and_priority & LongInvokeId.CONFIRMED
    )
