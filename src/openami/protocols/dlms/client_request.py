"""The one request that a client has under way: where the conversation stands, what is awaited, how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from openami.model.errors import LinkTimeout, LocalProtocolError, OpenAmiError, RemoteProtocolError
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Persist
from openami.protocols.dlms.events import Answered, Associated, Closed, Failed, Notified, Refused, Released
from openami.protocols.dlms.exchange import Exchange
from openami.protocols.dlms.framing import Garbage
from openami.protocols.dlms.request import Request

ClientEvent: TypeAlias = Persist | Associated | Answered | Failed | Released | Notified | Refused | Garbage | Closed


class ClientState(Enum):
    """Where the conversation stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    ASSOCIATING = "associating"
    AUTHENTICATING = "authenticating"
    ASSOCIATED = "associated"
    RELEASING = "releasing"
    CLOSED = "closed"


class RequestUnderWay:
    """One at a time: `busy` from `begin` to `finish` or `fail`, which tell the caller by `events`.

    `exchange` knows the APDUs of the request, `outgoing` is the one that has not left yet and `last` the one that
    left last, both plain. `resume` waits for numbers of the send counter that have to be made durable first.
    """

    __slots__ = (
        "_refusal",
        "_settings",
        "ask_again_at",
        "busy",
        "deadline",
        "events",
        "exchange",
        "invoke_id",
        "last",
        "outgoing",
        "received",
        "resume",
        "state",
        "unanswered",
    )

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._refusal: OpenAmiError | None = None
        self.state = ClientState.IDLE
        self.busy = False
        self.deadline: float | None = None
        self.ask_again_at: float | None = None
        """When blocks are asked for again, if they may be."""
        self.events: deque[ClientEvent] = deque()
        self.exchange: Exchange | None = None
        self.invoke_id = 0
        self.last = self.outgoing = b""
        self.received: list[bytes] = []
        self.resume: Callable[[float], None] | None = None
        self.unanswered = False

    def require(self, state: ClientState, request: Request) -> None:
        """Raises `LocalProtocolError` unless the conversation stands where `request` is possible."""
        if self.state is not state:
            raise LocalProtocolError(f"{type(request).__name__} is not possible while {self.state.value}")

    def clear(self) -> None:
        """Forget what came for the request before."""
        self.received = []
        self._refusal = None

    def begin(self, state: ClientState, now: float) -> None:
        """A request is under way from now on."""
        self.state = state
        self.busy = True
        self.wait(now)

    def wait(self, now: float) -> None:
        """Something leaves: the server has the whole time for its answer."""
        self.deadline = now + self._settings.response_timeout_s

    def ask_again(self, now: float) -> None:
        """Blocks are awaited: they are asked for again if none come for a while."""
        self.ask_again_at = now + self._settings.block_timeout_s if self.busy else None

    def handle_timeout(self, now: float) -> None:
        """Fail if the answer is overdue; what was refused meanwhile says more than the silence."""
        if self.deadline is not None and now >= self.deadline:
            wait = self._settings.response_timeout_s
            silence = LinkTimeout(f"no answer from server SAP {self._settings.server_sap} within {wait} s")
            self.fail(self._refusal or silence)

    def awaits(self, apdu: Apdu) -> bool:
        """Whether `apdu` can belong to the request: an answer names the invoke id that it answers."""
        given = getattr(apdu, "invoke_id_and_priority", None)
        due = 0 if self.state is ClientState.AUTHENTICATING else self.invoke_id
        return self.busy and (given is None or given & 0x0F == due)

    def refuse(self, raw: bytes, error: RemoteProtocolError, now: float) -> None:
        """Tell of an APDU that changes nothing; the genuine answer is still awaited for a short while."""
        self.events.append(Refused(raw, error))
        if self.busy and self.deadline is not None:
            self._refusal = error
            self.deadline = min(self.deadline, now + self._settings.refusal_grace_s)

    def finish(self, event: Associated | Answered | Released) -> None:
        """The request has its answer."""
        self.busy = False
        self.unanswered = False
        self.exchange = None
        self.deadline = self.ask_again_at = None
        self._refusal = None
        self.events.append(event)

    def fail(self, error: OpenAmiError) -> None:
        """The request comes to nothing; an association that does not stand yet ends with it."""
        self.busy = False
        self.exchange = None
        self.deadline = self.ask_again_at = None
        self.resume = None
        self.outgoing = b""
        if self.state is not ClientState.ASSOCIATED:
            self.state = ClientState.CLOSED
        self.events.append(Failed(error))
