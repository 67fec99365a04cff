"""Byte streams into whole conversations: a meter with all its objects, plain, with a password and sealed, in both
framings; and a client that is lied to.

The seeds are what a client and a meter said to each other; challenges are the same in every run, so that what was
sealed then is accepted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fuzz_targets import fuzz_target
from meter_bench import CLIENT_TITLE, DAY_S, KEYS, METER_TITLE, PASSWORD, START, make_laboratory_meter
from openami.field.meter.laboratory_meter import PASSWORD_CLIENT
from openami.model.errors import LocalProtocolError
from openami.model.obis import ObisCode
from openami.protocols.dlms import counters
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.data import encode_data, octet_string, unsigned
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.errors import ServiceNotNegotiated
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.request import Action, Associate, Get, GetList, Release, Request, Set
from openami.protocols.dlms.selective_access import EntryDescriptor, access_of
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.wrapper import WrapperFraming

NOW = START + DAY_S
METER = make_laboratory_meter()
METER.advance(NOW)
SETTINGS = METER.server_settings()
LOAD = CosemAttributeDescriptor(7, ObisCode(1, 0, 99, 1, 0), 2)
ENERGY = CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2)
CLOCK = CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2)
OBJECTS = CosemAttributeDescriptor(15, ObisCode(0, 0, 40, 0, 0), 2)
RESET = CosemMethodDescriptor(3, ENERGY.instance_id, 1)
REQUESTS: tuple[Request, ...] = (
    Get(ENERGY),
    GetList((ENERGY, CLOCK)),
    Get(LOAD, access_of(EntryDescriptor(1, 3))),
    Get(OBJECTS),
    Set(CLOCK, encode_data(octet_string(bytes(12)))),
    Action(RESET, encode_data(unsigned(0))),
    Release(),
)
CLIENTS = {
    "plain": ClientSettings(client_sap=16, max_receive_pdu_size=300),
    "password": ClientSettings(
        client_sap=PASSWORD_CLIENT, authentication=Authentication.LLS, password=PASSWORD, max_receive_pdu_size=300
    ),
    "sealed": ClientSettings(
        client_sap=2,
        authentication=Authentication.HLS5,
        keys=KEYS,
        system_title=CLIENT_TITLE,
        server_system_title=METER_TITLE,
        max_receive_pdu_size=300,
    ),
}
ANSWERED_MAX = 1 << 16
"""More than all answers of a whole session: an input that is shorter cannot ask for more than its requests."""


def framing(role: Role, kind: str, client_sap: int) -> Framing:
    if kind == "hdlc":
        return HdlcFraming(role, client_sap, HdlcAddress(1))
    return WrapperFraming(role, client_sap, 1)


def server_of(kind: str) -> ServerConnection:
    METER.server_state = ServerState(METER_TITLE, MemoryCounters())
    made = framing(Role.SERVER, kind, 16)
    return ServerConnection(made, SETTINGS, METER.server_state, random=bytes, utc=lambda _now: NOW)


def client_of(settings: ClientSettings, kind: str) -> ClientConnection:
    return ClientConnection(
        framing(Role.CLIENT, kind, settings.client_sap),
        settings,
        random=lambda size: bytes(range(size)),
        sending=SendCounter("fuzz") if settings.keys else None,
        receiving=ReceiveWindow(),
        transactions=ReceiveWindow(),
        quarantine=0,
    )


def drained(core: ServerConnection | ClientConnection) -> list[object]:
    """The events that are there; what has to be durable is at once."""
    store, events = MemoryCounters(), []
    while (event := core.next_event()) is not None:
        if isinstance(event, Persist):
            core.persisted(counters.apply(store, event), 0.0)
        else:
            events.append(event)
    return events


def outgoing(core: ServerConnection | ClientConnection) -> Iterable[bytes]:
    """What the core has to say now, piece by piece."""
    drained(core)
    while data := core.data_to_send(0.0):
        yield data
        drained(core)


@dataclass
class Talk:
    """What each side said, in turns."""

    asked: list[bytes]
    answered: list[bytes]


def talk(way: str, kind: str) -> Talk:
    """A session that makes all requests; both sides are quiet at its end."""
    client, server, said = client_of(CLIENTS[way], kind), server_of(kind), Talk([], [])
    for request in (Associate(), *REQUESTS):
        client.send(request, 0.0)
        while data := b"".join(outgoing(client)):
            said.asked.append(data)
            server.receive(data, 0.0)
            answer = b"".join(outgoing(server))
            said.answered.append(answer)
            client.receive(answer, 0.0)
    assert client.state is ClientState.IDLE
    return said


TALKS = {(way, kind): talk(way, kind) for way in CLIENTS for kind in ("wrapper", "hdlc")}


def listening(kind: str) -> Callable[[bytes], None]:
    """The meter under a stream from anybody: never an exception, bounded answers, and the next client is served."""

    def listen(data: bytes) -> None:
        server = server_of(kind)
        server.receive(data, 0.0)
        assert sum(map(len, outgoing(server))) <= ANSWERED_MAX * (1 + len(data) // 64)

    return listen


for _kind in ("wrapper", "hdlc"):
    fuzz_target(
        f"dlms-live-meter-{_kind}",
        [b"".join(said.asked) for (_, kind), said in TALKS.items() if kind == _kind],
        inputs=2_000,
    )(listening(_kind))


_READY = (ClientState.IDLE, ClientState.ASSOCIATED)


def lied_to(way: str, kind: str) -> Callable[[bytes], None]:
    """A client that gets its answers from `data`, each as long as the genuine one."""
    sizes = [len(answer) for answer in TALKS[way, kind].answered]

    def ask(data: bytes) -> None:
        client, at = client_of(CLIENTS[way], kind), 0
        requests = [Associate(), *REQUESTS]
        for size in sizes:
            if requests and client.state in _READY:
                try:
                    client.send(requests.pop(0), 0.0)
                except (LocalProtocolError, ServiceNotNegotiated):  # still busy, or not agreed to
                    continue
            list(outgoing(client))
            client.receive(data[at : at + size], 0.0)
            at += size
            drained(client)
        client.receive(data[at:], 0.0)
        list(outgoing(client))

    return ask


for (_way, _kind), _said in TALKS.items():
    fuzz_target(f"dlms-client-{_way}-{_kind}", [b"".join(_said.answered)], inputs=1_000)(lied_to(_way, _kind))
