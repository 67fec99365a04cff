"""DLMS over a link: a client that awaits its answers, and a meter's side that serves one link."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.model.errors import LinkError, LinkLost, ProtocolError, ServiceError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.client_request import ClientEvent, ClientState
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.counters import Counters, Persist, ReceiveWindow, SendCounter, apply
from openami.protocols.dlms.data import Data, decode_data, encode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.errors import ActionError, DataAccessError
from openami.protocols.dlms.events import Answered, Associated, Closed, Failed, Notified, Refused, Released
from openami.protocols.dlms.framing import Framing, Garbage
from openami.protocols.dlms.request import (
    Access,
    Action,
    ActionList,
    Associate,
    Get,
    GetList,
    Read,
    Release,
    Request,
    Set,
    SetList,
    Wanted,
    Write,
)
from openami.protocols.dlms.resynchronisation import quarantine_name
from openami.protocols.dlms.selective_access import EntryDescriptor, RangeDescriptor, access_of
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_protection import ServerEvent
from openami.protocols.dlms.short_name import ParameterizedAccess, VariableName

T = TypeVar("T")
KEPT_MAX: Final = 64


class DlmsClient:
    """One association with one server over one link. Requests are made one after the other.

    `counters` keep our invocation counters: one store for everybody who uses the same keys and system title.
    Errors: `AssociationRejected`, `DataAccessError`, `ActionError`, `ServiceFailed` (the server said no),
    `SecurityError`, `DecodeError` (its bytes are bad), `LinkTimeout`, `LinkLost` (try again later).
    """

    __slots__ = ("_clock", "_core", "_counters", "_driver", "_link", "_notifications", "_refused", "associated")

    def __init__(
        self,
        link: Link,
        framing: Framing,
        settings: ClientSettings,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
        counters: Counters,
    ) -> None:
        sending = receiving = transactions = None
        if settings.keys is not None:
            sending = SendCounter(settings.send_counter_name, counters.load(settings.send_counter_name))
            transactions = ReceiveWindow(counters.load(settings.transactions_name) - 1)
            if not settings.authentication.high:
                receiving = ReceiveWindow(counters.load(settings.window_name) - 1)
        self._core = ClientConnection(
            framing,
            settings,
            random=random,
            sending=sending,
            receiving=receiving,
            transactions=transactions,
            quarantine=counters.load(quarantine_name(settings)) if settings.keys is not None else 0,
        )
        self._driver: Driver[ClientEvent] = Driver(self._core, link, clock)
        self._link = link
        self._clock = clock
        self._counters = counters
        self.associated: Associated | None = None
        # Made when they are asked for: an idle association among ten thousand has neither.
        self._notifications: deque[Notified] | None = None
        self._refused: deque[Refused | Garbage] | None = None

    @property
    def notifications(self) -> deque[Notified]:
        """What the server said unasked in between, the newest 64."""
        if self._notifications is None:
            self._notifications = deque(maxlen=KEPT_MAX)
        return self._notifications

    @property
    def refused(self) -> deque[Refused | Garbage]:
        """What was not accepted and why, the newest 64."""
        if self._refused is None:
            self._refused = deque(maxlen=KEPT_MAX)
        return self._refused

    @property
    def received(self) -> list[bytes]:
        """The APDUs of the last answer as they came, still ciphered: the bytes that a reading came from."""
        return self._core.received

    @property
    def state(self) -> ClientState:
        """Where the association stands."""
        return self._core.state

    async def associate(self) -> None:
        """Connect the framing and associate; with HLS both sides have proven themselves when this returns."""
        self.associated = await self.ask(Associate())

    async def get_raw(self, descriptor: CosemAttributeDescriptor, selection: SelectiveAccess | None = None) -> bytes:
        """The A-XDR octets of an attribute; raises `DataAccessError`."""
        answer = await self.ask(Get(descriptor, selection))
        if isinstance(answer, DataAccessResult):
            raise DataAccessError(answer, _attribute(descriptor))
        octets: bytes = answer
        return octets

    async def get(
        self,
        attribute: Attribute[T],
        logical_name: ObisCode,
        selection: RangeDescriptor | EntryDescriptor | None = None,
    ) -> T:
        """The value of a declared attribute, or the selected part of it; raises `DataAccessError`."""
        descriptor = CosemAttributeDescriptor(attribute.class_id, logical_name, attribute.attribute_id)
        raw = await self.get_raw(descriptor, None if selection is None else access_of(selection))
        return attribute.cosem_type.from_data(decode_data(raw))

    async def get_list(self, descriptors: Sequence[Wanted]) -> list[bytes | DataAccessResult]:
        """Several attributes in one request: for each its A-XDR octets or why not."""
        return list(await self.ask(GetList(tuple(descriptors))))

    async def set_list(self, values: Sequence[tuple[Wanted, bytes]]) -> list[DataAccessResult]:
        """Write the A-XDR octets of several attributes in one request: for each what became of it."""
        return list(await self.ask(SetList(tuple(wanted for wanted, _ in values), tuple(raw for _, raw in values))))

    async def action_list(
        self, calls: Sequence[tuple[CosemMethodDescriptor, bytes | None]]
    ) -> list[tuple[ActionResult, bytes | DataAccessResult | None]]:
        """Invoke several methods in one request: for each its result and what it returned."""
        return list(await self.ask(ActionList(tuple(method for method, _ in calls), tuple(raw for _, raw in calls))))

    async def set(self, attribute: Attribute[T], logical_name: ObisCode, value: T) -> None:
        """Write a declared attribute; raises `DataAccessError`."""
        descriptor = CosemAttributeDescriptor(attribute.class_id, logical_name, attribute.attribute_id)
        await self.set_raw(descriptor, encode_data(attribute.cosem_type.to_data(value)))

    async def set_raw(self, descriptor: CosemAttributeDescriptor, value: bytes) -> None:
        """Write the A-XDR octets of an attribute; raises `DataAccessError`."""
        result = await self.ask(Set(descriptor, value))
        if result is not DataAccessResult.SUCCESS:
            raise DataAccessError(result, _attribute(descriptor))

    async def action(self, method: Method, logical_name: ObisCode, argument: Any = None) -> Data | None:
        """Invoke a declared method; what it returns. Raises `ActionError`."""
        descriptor = CosemMethodDescriptor(method.class_id, logical_name, method.method_id)
        raw = None if argument is None else encode_data(method.parameter.to_data(argument))
        result, returned = await self.ask(Action(descriptor, raw))
        what = f"{logical_name} method {method.method_id} of class {method.class_id}"
        if result is not ActionResult.SUCCESS:
            raise ActionError(result, what)
        if isinstance(returned, DataAccessResult):
            raise DataAccessError(returned, f"what {what} returned")
        return None if returned is None else decode_data(returned)

    async def access(
        self, items: Sequence[Get | Set | Action], *, break_on_error: bool = False
    ) -> list[tuple[DataAccessResult | ActionResult, bytes]]:
        """Reads, writes and methods in one request: for each its result and A-XDR octets (null-data if none)."""
        return list(await self.ask(Access(tuple(items), break_on_error)))

    async def read(self, variables: Sequence[VariableName | ParameterizedAccess]) -> list[bytes | DataAccessResult]:
        """Variables by short name (see `ShortNames.of`): for each its A-XDR octets or why not."""
        return list(await self.ask(Read(tuple(variables))))

    async def write(
        self, values: Sequence[tuple[VariableName | ParameterizedAccess, bytes]], *, confirmed: bool = True
    ) -> list[DataAccessResult]:
        """Write variables by short name: for each what became of it; nothing is known if not `confirmed`."""
        variables, octets = tuple(name for name, _ in values), tuple(raw for _, raw in values)
        return list(await self.ask(Write(variables, octets, confirmed)) or ())

    async def release(self) -> None:
        """End the association; the link stays."""
        await self.ask(Release())

    async def close(self) -> None:
        """End the framing's connection and the link; never raises `LinkError`."""
        if self._core.connected:
            await self._disconnect()
        await self._driver.close()

    async def _disconnect(self) -> None:
        self._core.disconnect(self._clock.monotonic())
        try:
            while not isinstance(await self._driver.next_event(), Closed):
                pass
        except LinkError:
            return

    async def __aenter__(self) -> Self:
        """Associate; the link is closed if that fails."""
        try:
            await self.associate()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release if all went well, and close. A server that does not release loses nobody anything."""
        try:
            if kind is None and self._core.state is ClientState.ASSOCIATED:
                with suppress(ServiceError, ProtocolError, LinkError):
                    await self.release()
        finally:
            await self.close()

    async def ask(self, request: Request) -> Any:
        """Make any request; the answer is as `openami.protocols.dlms.request` says, refusals included."""
        self._core.send(request, self._clock.monotonic())
        while True:
            event = await self._driver.next_event()
            match event:
                case Answered():
                    return event.answer
                case Failed():
                    raise event.error
                case Associated() | Released():
                    return event
                case Persist():
                    self._core.persisted(apply(self._counters, event), self._clock.monotonic())
                case Notified():
                    self.notifications.append(event)
                case Refused() | Garbage():
                    self.refused.append(event)
                case Closed():
                    raise LinkLost(f"{self._link.peer}: {event.reason}")


async def serve_dlms(
    link: Link,
    make_connection: Callable[[], ServerConnection],
    clock: Clock,
    *,
    counters: Counters,
    observe: Callable[[ServerEvent], None] | None = None,
    began: Callable[[ServerConnection, Callable[[], None]], None] | None = None,
) -> None:
    """Serve one link until it or its clients end; `observe` sees all events but `Persist`. Closes the link.

    `began` is given the connection, and what to call when it was made to say something by itself (`inform`).
    """
    connection = make_connection()
    driver: Driver[ServerEvent] = Driver(connection, link, clock)
    if began is not None:
        began(connection, driver.wake)
    try:
        while True:
            event = await driver.next_event()
            if isinstance(event, Persist):
                connection.persisted(apply(counters, event), clock.monotonic())
                continue
            if observe is not None:
                observe(event)
            if isinstance(event, Closed):
                return
    except LinkError:
        return
    finally:
        await driver.close()


def _attribute(descriptor: CosemAttributeDescriptor) -> str:
    return f"{descriptor.instance_id} attribute {descriptor.attribute_id} of class {descriptor.class_id}"
