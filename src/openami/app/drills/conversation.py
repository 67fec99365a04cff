"""A client and a meter's association in memory, with all that passes between them in the adversary's hands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from openami.app.drills.drill import Fallen, stands
from openami.app.drills.world import octets_of
from openami.field.meter.push_queue import random_of
from openami.model.obis import ObisCode
from openami.protocols.dlms import counters
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.data import double_long_unsigned, encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.events import Answered, Associated
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.request import Associate, Get, Request, Set
from openami.protocols.dlms.resynchronisation import quarantine_name
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, protect
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerSettings, ServerState
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

KEYS: Final = SecurityKeys(octets_of("conversation", 16), octets_of("conversation authentication", 16))
STRANGER: Final = SecurityKeys(octets_of("stranger", 16), octets_of("stranger authentication", 16))
CLIENT: Final = b"OAM\x00\x00\x00\x00\x01"
METER: Final = b"OAM\x10\x00\x00\x00\x2a"
SECURED: Final = 1
ENERGY: Final = CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2)
NOTE: Final = CosemAttributeDescriptor(1, ObisCode(0, 0, 96, 1, 0), 2)
TRUE: Final = encode_data(double_long_unsigned(123_456))
FORGED: Final = encode_data(double_long_unsigned(999_999))
BOTH: Final = SecurityControl.AUTHENTICATED_ENCRYPTION
ON: Final = encode_data(octet_string(b"on"))
OFF: Final = encode_data(octet_string(b"off"))
_TURNS: Final = 10_000


class Registers:
    """A logical device with a register that is read and a note that is written."""

    def __init__(self) -> None:
        self.values: dict[CosemAttributeDescriptor, bytes] = {ENERGY: TRUE}
        self.asked = 0

    def get(
        self, _association: Any, descriptor: CosemAttributeDescriptor, _selection: Any, _now: float
    ) -> bytes | DataAccessResult:
        """The attribute's octets."""
        self.asked += 1
        return self.values.get(descriptor, DataAccessResult.OBJECT_UNDEFINED)

    def set(
        self, _association: Any, descriptor: CosemAttributeDescriptor, _selection: Any, value: bytes, _now: float
    ) -> DataAccessResult:
        """Only the note."""
        self.asked += 1
        if descriptor != NOTE:
            return DataAccessResult.READ_WRITE_DENIED
        self.values[descriptor] = value
        return DataAccessResult.SUCCESS

    def action(self, *_arguments: Any) -> tuple[ActionResult, bytes | None]:
        """There are none."""
        return ActionResult.OBJECT_UNDEFINED, None


def client(**changes: Any) -> ClientSettings:
    """HLS 5, everything ciphered."""
    secured = ClientSettings(
        client_sap=SECURED,
        authentication=Authentication.HLS5,
        keys=KEYS,
        system_title=CLIENT,
        server_system_title=METER,
    )
    return replace(secured, **changes)


class Conversation:
    """`tamper(sender, apdu)` sees each APDU on its way ("client" or "meter") and gives what arrives instead."""

    def __init__(
        self,
        settings: ClientSettings | None = None,
        association: AssociationSettings | None = None,
        *,
        seed: bytes = b"1",
        store: MemoryCounters | None = None,
        meter_store: MemoryCounters | None = None,
        title: bytes = METER,
    ) -> None:
        own = settings or client()
        self.device = Registers()
        self.stores = store or MemoryCounters(), meter_store or MemoryCounters()
        self.tamper: Callable[[str, bytes], Iterable[bytes]] = lambda _sender, apdu: (apdu,)
        self.events: list[Any] = []
        self.meter_events: list[Any] = []
        self.sent: dict[str, list[bytes]] = {"client": [], "meter": []}
        self._saps = own.client_sap, own.server_sap
        made = association or AssociationSettings(Authentication.HLS5, keys=KEYS, protection=BOTH)
        server = ServerSettings(title, {1: self.device}, {SECURED: made})
        random = random_of(b"conversation" + seed)
        self.client = ClientConnection(
            WrapperFraming(Role.CLIENT, *self._saps),
            own,
            random=random,
            sending=SendCounter(own.send_counter_name, self.stores[0].load(own.send_counter_name))
            if own.keys
            else None,
            receiving=ReceiveWindow(self.stores[0].load(own.window_name) - 1),
            transactions=ReceiveWindow(self.stores[0].load(own.transactions_name) - 1),
            quarantine=self.stores[0].load(quarantine_name(own)),
        )
        self.meter = ServerConnection(
            WrapperFraming(Role.SERVER, *self._saps), server, ServerState(title, self.stores[1]), random=random
        )

    def ask(self, request: Request) -> Any:
        """What the client's core says to `request`: its last event."""
        self.client.send(request, 0.0)
        self.run()
        return self.events[-1] if self.events else None

    def associate(self) -> Any:
        """Both prove themselves."""
        return self.ask(Associate())

    def read(self) -> Any:
        """What the client takes for the energy register; an event that is no answer is given as it is."""
        found = self.ask(Get(ENERGY))
        return found.answer if isinstance(found, Answered) else found

    def write(self, value: bytes) -> None:
        """Set the note."""
        self.ask(Set(NOTE, value))

    def answers(self) -> list[Any]:
        """Every answer that the client has believed."""
        return [event.answer for event in self.events if isinstance(event, Answered)]

    def arrive(self, at: str, apdu: bytes) -> None:
        """`apdu` arrives at a side, whoever sent it."""
        core = self.client if at == "client" else self.meter
        ends = self._saps[::-1] if at == "client" else self._saps
        core.receive(encode_wrapper(apdu, *ends), 0.0)
        self.run()

    def run(self) -> None:
        """Pass everything that is there, until both sides are quiet."""
        for _ in range(_TURNS):
            if not (self._events() | self._pass("client") | self._pass("meter")):
                return
        raise Fallen("the conversation does not come to rest")

    def _events(self) -> bool:
        busy = False
        for core, kept, store in (
            (self.client, self.events, self.stores[0]),
            (self.meter, self.meter_events, self.stores[1]),
        ):
            while (event := core.next_event()) is not None:
                busy = True
                if isinstance(event, Persist):
                    core.persisted(counters.apply(store, event), 0.0)
                else:
                    kept.append(event)
        return busy

    def _pass(self, sender: str) -> bool:
        core = self.client if sender == "client" else self.meter
        data, busy = core.data_to_send(0.0), False
        while data:
            busy = True
            length = int.from_bytes(data[6:8], "big")
            apdu, data = data[8 : 8 + length], data[8 + length :]
            self.sent[sender].append(apdu)
            to, ends = ("meter", self._saps) if sender == "client" else ("client", self._saps[::-1])
            for arriving in self.tamper(sender, apdu):
                (self.meter if to == "meter" else self.client).receive(encode_wrapper(arriving, *ends), 0.0)
        return busy


def numbers_of(apdus: Iterable[bytes]) -> list[int]:
    """The invocation counters in glo-ciphered APDUs, in their short form of length."""
    return [int.from_bytes(apdu[3:7], "big") for apdu in apdus if apdu[0] in _GLO and apdu[1] < 0x80]


_GLO: Final = frozenset(range(0xC8, 0xD0))


def associated(**changes: Any) -> Conversation:
    """Both sides have proven themselves."""
    conversation = Conversation(client(**changes))
    stands(isinstance(conversation.associate(), Associated), "the genuine client is not let in")
    return conversation


def sealed_push(counter: int, title: bytes = METER) -> bytes:
    """A meter's push under its keys."""
    content = protect(KEYS, title, counter, 0x30, encode_apdu(DataNotification(1, None, TRUE)))
    return b"\xdb\x08" + title + bytes((len(content),)) + content
