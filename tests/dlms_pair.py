"""A client and a server core joined in memory, with the whole traffic in the test's hands."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from openami.model.obis import ObisCode
from openami.protocols.dlms import counters
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.data import double_long_unsigned, encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.request import Associate
from openami.protocols.dlms.resynchronisation import quarantine_name
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerSettings, ServerState
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

KEYS = SecurityKeys(
    bytes.fromhex("000102030405060708090a0b0c0d0e0f"), bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
)
CLIENT_TITLE = b"OAM\x00\x00\x00\x00\x01"
SERVER_TITLE = b"OAM\x10\x00\x00\x00\x2a"
PUBLIC, READER, SECURED = 16, 2, 1
PASSWORD = b"Sesam-7421"
BOTH = SecurityControl.AUTHENTICATED_ENCRYPTION
ENERGY = CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2)
PROFILE = CosemAttributeDescriptor(7, ObisCode(1, 0, 99, 1, 0), 2)
NOTE = CosemAttributeDescriptor(1, ObisCode(0, 0, 96, 1, 0), 2)
ENERGY_OCTETS = encode_data(double_long_unsigned(123456))
PROFILE_OCTETS = b"\x01\x82\x03\xc0" + b"\x02\x02\x06\x00\x00\x00\x01\x11\x00" * 960


@dataclass
class Store:
    """A logical device of a few attributes, by descriptor; its methods give back their argument."""

    values: dict = field(default_factory=lambda: {ENERGY: ENERGY_OCTETS, PROFILE: PROFILE_OCTETS})
    asked: list = field(default_factory=list)

    def get(self, association, descriptor, selection, _now):
        self.asked.append((association.client_sap, descriptor, selection))
        return self.values.get(descriptor, DataAccessResult.OBJECT_UNDEFINED)

    def set(self, association, descriptor, _selection, value, _now):
        self.asked.append((association.client_sap, descriptor, value))
        if descriptor != NOTE:
            return DataAccessResult.READ_WRITE_DENIED
        self.values[descriptor] = value
        return DataAccessResult.SUCCESS

    def action(self, association, descriptor, argument, _now):
        self.asked.append((association.client_sap, descriptor, argument))
        if descriptor.method_id != 1:
            return ActionResult.OBJECT_UNDEFINED, None
        return ActionResult.SUCCESS, argument


def client_settings(**changes) -> ClientSettings:
    """HLS 5 with keys, as SECURED may associate."""
    secured = ClientSettings(
        client_sap=SECURED,
        authentication=Authentication.HLS5,
        keys=KEYS,
        system_title=CLIENT_TITLE,
        server_system_title=SERVER_TITLE,
    )
    return replace(secured, **changes)


def server_settings(device, **changes) -> ServerSettings:
    """PUBLIC proves nothing, READER has a password, SECURED has HLS 5 and full protection."""
    settings = ServerSettings(
        SERVER_TITLE,
        {1: device},
        {
            PUBLIC: AssociationSettings(),
            READER: AssociationSettings(Authentication.LLS, password=Secret(PASSWORD)),
            SECURED: AssociationSettings(Authentication.HLS5, keys=KEYS, protection=BOTH),
        },
    )
    return replace(settings, **changes)


class Pair:
    """`tamper(sender, apdu)` sees each APDU on its way ("client" or "server") and gives what arrives instead."""

    def __init__(self, client: ClientSettings, server: ServerSettings | None = None, *, seed: int = 1, **given) -> None:
        self.device = Store()
        self.counters = given.get("counters", MemoryCounters())
        self.server_counters = given.get("server_counters", MemoryCounters())
        self.now = 0.0
        self.tamper: Callable[[str, bytes], Iterable[bytes]] = lambda _sender, apdu: (apdu,)
        self.client_events: list = []
        self.server_events: list = []
        self.sent: dict[str, list[bytes]] = {"client": [], "server": []}
        choice = random.Random(seed)
        name = client.send_counter_name
        sending = SendCounter(name, self.counters.load(name)) if client.keys else None
        receiving = ReceiveWindow(self.counters.load(client.window_name) - 1)
        settings = server or server_settings(self.device)
        self.state = given.get("state") or ServerState(settings.system_title, self.server_counters)
        self.framings = given.get("framings") or (
            WrapperFraming(Role.CLIENT, client.client_sap, client.server_sap),
            WrapperFraming(Role.SERVER, client.client_sap, client.server_sap),
        )
        self.client = ClientConnection(
            self.framings[0],
            client,
            random=choice.randbytes,
            sending=sending,
            receiving=receiving,
            transactions=ReceiveWindow(self.counters.load(client.transactions_name) - 1),
            quarantine=self.counters.load(quarantine_name(client)),
        )
        self.server = ServerConnection(self.framings[1], settings, self.state, random=choice.randbytes)
        self.saps = client.client_sap, client.server_sap

    def run(self) -> None:
        """Pass everything that is there, until both sides are quiet."""
        for _ in range(10_000):
            if not (self._events() | self._pass("client") | self._pass("server")):
                return
        raise AssertionError("the pair does not come to rest")

    def ask(self, request):
        """What the client's core says to `request`: its last event."""
        self.client.send(request, self.now)
        self.run()
        return self.client_events[-1]

    def associate(self):
        return self.ask(Associate())

    def arrive(self, at: str, apdu: bytes) -> None:
        """`apdu` arrives at a side, whoever sent it."""
        client_sap, server_sap = self.saps
        core = self.client if at == "client" else self.server
        source, destination = (server_sap, client_sap) if at == "client" else (client_sap, server_sap)
        core.receive(encode_wrapper(apdu, source, destination), self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.client.handle_timeout(self.now)
        self.server.handle_timeout(self.now)
        self.run()

    def _events(self) -> bool:
        busy = False
        for core, events, store in (
            (self.client, self.client_events, self.counters),
            (self.server, self.server_events, self.server_counters),
        ):
            while (event := core.next_event()) is not None:
                busy = True
                if isinstance(event, Persist):
                    assert core.data_to_send(self.now) == b""
                    core.persisted(counters.apply(store, event), self.now)
                else:
                    events.append(event)
        return busy

    def _pass(self, sender: str) -> bool:
        core = self.client if sender == "client" else self.server
        data = core.data_to_send(self.now)
        while data:
            length = int.from_bytes(data[6:8], "big")
            apdu, data = data[8 : 8 + length], data[8 + length :]
            self.sent[sender].append(apdu)
            for arriving in self.tamper(sender, apdu):
                self.arrive("server" if sender == "client" else "client", arriving)
            if not data:
                return True
        return False


def plain_settings(**changes) -> ClientSettings:
    """The public client."""
    return replace(ClientSettings(client_sap=PUBLIC), **changes)


def password_settings(**changes) -> ClientSettings:
    """LLS."""
    settings = ClientSettings(client_sap=READER, authentication=Authentication.LLS, password=Secret(PASSWORD))
    return replace(settings, **changes)


def note(text: bytes) -> bytes:
    """The A-XDR octets of a note."""
    return encode_data(octet_string(text))
