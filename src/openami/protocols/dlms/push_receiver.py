"""The listener's side of pushes: DataNotifications, plain or general-glo-ciphered, each from a known system title."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from openami.model.errors import DecodeError, RemoteProtocolError, SecurityError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.counters import Persist, ReceiveWindow
from openami.protocols.dlms.events import Closed, Refused
from openami.protocols.dlms.framing import ApduReceived, Disconnected, Framing, Garbage
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, read_header, unprotect


@dataclass(frozen=True, slots=True)
class PushReceived:
    """A notification. `system_title` is proven by its tag; None means that nobody vouches for it.

    `apdu` is as it came, `plain` what was inside (the same where it came plainly).
    """

    system_title: bytes | None
    notification: DataNotification
    apdu: bytes = field(repr=False)
    plain: bytes = field(repr=False)
    invocation_counter: int | None = None


PushEvent: TypeAlias = Persist | PushReceived | Refused | Garbage | Closed


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
    """The notification in `apdu`: title known, counter newer, tag right, in this order; then the counter is committed.

    Raises `SecurityError` or `DecodeError`. Who calls this keeps the window durable (see `push_window_name`).
    """
    outer = decode_apdu(apdu)
    if isinstance(outer, DataNotification):
        if not accept_plain:
            raise SecurityError("plain DataNotification where protected ones are due: refused")
        return PushReceived(None, outer, apdu, apdu)
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
    if not isinstance(notification, DataNotification):
        raise DecodeError(f"push of {title.hex()} holds {type(notification).__name__}, not DataNotification", 0)
    return PushReceived(title, notification, apdu, plain, counter)


class PushReceiver:
    """A framing that only listens. `sender` looks keys and window up by system title; None refuses the sender."""

    __slots__ = ("_accept_plain", "_events", "_framing", "_required", "_sender")

    def __init__(
        self,
        framing: Framing,
        sender: Callable[[bytes], PushKeys | None],
        *,
        accept_plain: bool = False,
        required: int = SecurityControl.AUTHENTICATED_ENCRYPTION,
    ) -> None:
        self._framing = framing
        self._sender = sender
        self._accept_plain = accept_plain
        self._required = required
        self._events: deque[PushEvent] = deque()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the link; never raises, whatever the bytes."""
        self._framing.receive(data, now)
        self._pump()

    def next_event(self) -> PushEvent | None:
        """The oldest event that was not taken yet. `Persist` comes before the push that moved the counter."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float) -> bytes:
        """What the framing has to say; pushes themselves are not answered."""
        return self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        return self._framing.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._framing.handle_timeout(now)
        self._pump()

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump()

    def _pump(self) -> None:
        while (event := self._framing.next_event()) is not None:
            match event:
                case ApduReceived():
                    self._take(event.apdu)
                case Disconnected():
                    self._events.append(Closed(event.reason, event.clean))
                case Garbage():
                    self._events.append(event)

    def _take(self, apdu: bytes) -> None:
        try:
            push = open_push(apdu, self._sender, accept_plain=self._accept_plain, required=self._required)
        except RemoteProtocolError as error:
            self._events.append(Refused(apdu, error))
            return
        if push.system_title is not None and push.invocation_counter is not None:
            self._events.append(Persist(push_window_name(push.system_title), push.invocation_counter + 1))
        self._events.append(push)
