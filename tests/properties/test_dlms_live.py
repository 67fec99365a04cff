"""Live associations under arbitrary bytes: never an exception, bounded state, the same events however bytes are cut."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dlms_pair import (
    BOTH,
    CLIENT_TITLE,
    ENERGY,
    ENERGY_OCTETS,
    KEYS,
    NOTE,
    PROFILE,
    PUBLIC,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    client_settings,
    note,
    plain_settings,
    server_settings,
)
from mutation import INPUTS, survive
from openami.protocols.dlms import counters
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.counters import COUNTER_END, MemoryCounters, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.request import Action, Associate, Get, GetList, Release, Set
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

EXAMPLES = settings(max_examples=300, derandomize=True, deadline=None)
METHOD = CosemMethodDescriptor(1, NOTE.instance_id, 1)
REQUESTS = (Get(ENERGY), Get(PROFILE), GetList((ENERGY, NOTE)), Set(NOTE, note(bytes(300))), Action(METHOD, note(b"x")))


def traffic(way) -> dict[str, list[bytes]]:
    """All APDUs of a session that uses every service, with blocks."""
    pair = Pair(way, server_settings(Store(), max_receive_pdu_size=200))
    pair.associate()
    for request in REQUESTS:
        pair.ask(request)
    pair.ask(Release())
    return pair.sent


SHORT = {"max_receive_pdu_size": 400}
PLAIN, SEALED = traffic(plain_settings(**SHORT)), traffic(client_settings(**SHORT))


class Meter:
    """A server with a public and a secured association; both come back when bytes have ended them."""

    def __init__(self, device: Store) -> None:
        self.device = device
        self.settings = server_settings(device, max_receive_pdu_size=200, value_bytes_max=1000)
        self.store = MemoryCounters()
        self.now = 0.0
        self.make()

    def make(self) -> None:
        state = ServerState(SERVER_TITLE, MemoryCounters())
        framing = WrapperFraming(Role.SERVER, PUBLIC, 1)
        choice = random.Random(1)
        choice.randbytes(16)  # the client's challenge of the recorded session, so that ours is the recorded one too
        self.server = ServerConnection(framing, self.settings, state, random=choice.randbytes)
        for client_sap, apdus in ((PUBLIC, PLAIN["client"][:1]), (SECURED, SEALED["client"][:2])):
            for apdu in apdus:
                self.feed(client_sap, apdu)
        assert len(self.server.associations) == 2

    def feed(self, client_sap: int, apdu: bytes) -> None:
        self.server.receive(encode_wrapper(apdu[:0xFFFF], client_sap, 1), self.now)
        for _ in range(64):
            event = self.server.next_event()
            if event is None:
                break
            if isinstance(event, Persist):
                self.server.persisted(counters.apply(self.store, event), self.now)
        else:
            raise AssertionError("one APDU made more than 64 events")
        while self.server.data_to_send(self.now):
            pass
        assert len(self.server._sessions) <= 3

    def alive(self) -> None:
        if len(self.server.associations) < 2:
            self.make()


def never(feed):
    """Not even `DecodeError` may leave a core."""

    def fed(data: bytes) -> None:
        try:
            feed(data)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} left the core: {error}") from error

    return fed


def test_a_server_survives_plain_bytes():
    meter = Meter(Store())
    choice = random.Random(2)

    def feed(data: bytes) -> None:
        meter.alive()
        meter.feed(choice.choice((PUBLIC, SECURED, 7)), data)

    survive(never(feed), PLAIN["client"] + SEALED["client"], inputs=INPUTS)
    assert len(meter.device.asked) > INPUTS // 500, "too few inputs came as far as the device"


def test_a_server_survives_what_a_client_with_keys_seals():
    """The deep paths: mutated requests whose protection is right."""
    meter = Meter(Store())
    sending = SendCounter("test", 1000, COUNTER_END)
    sending.reserved(sending.reservation())
    channel = SecureChannel(KEYS, CLIENT_TITLE, SERVER_TITLE, sending, ReceiveWindow(), control=BOTH, required=BOTH)

    def feed(data: bytes) -> None:
        if data and data[0] in (0xC0, 0xC1, 0xC3):
            meter.alive()
            meter.feed(SECURED, channel.seal(data))

    survive(never(feed), PLAIN["client"][1:], inputs=INPUTS)
    assert len(meter.device.asked) > INPUTS // 100, "too few inputs came as far as the device"


def test_a_client_survives_whatever_answers():
    """Each input is an answer to a request under way, in turn plain and protected, associating and associated."""
    choice = random.Random(3)
    store = MemoryCounters()

    def client_in(state: ClientState) -> ClientConnection:
        way = choice.choice((plain_settings(), client_settings()))
        pair = Pair(way, counters=store)
        if state is ClientState.ASSOCIATED:
            pair.associate()
            pair.client.send(choice.choice(REQUESTS), 0.0)
        else:
            pair.client.send(Associate(), 0.0)
            pair._events()
        return pair.client

    clients: list[ClientConnection] = []

    def feed(data: bytes) -> None:
        if not clients:
            clients.extend(client_in(choice.choice((ClientState.ASSOCIATED, ClientState.IDLE))) for _ in range(20))
        client = clients[-1]
        client.receive(encode_wrapper(data[:0xFFFF], 1, client._settings.client_sap), 0.0)
        told = [event for event in iter(client.next_event, None) if isinstance(event, Persist)]
        for event in told:
            client.persisted(counters.apply(store, event), 0.0)
        while client.data_to_send(0.0):
            pass
        assert len(client.received) <= 2
        if not client._request.busy or choice.random() < 0.05:
            clients.pop()

    survive(never(feed), PLAIN["server"] + SEALED["server"], inputs=INPUTS)


@EXAMPLES
@given(st.binary(max_size=300), st.sampled_from([PUBLIC, SECURED]))
def test_any_apdu_leaves_a_server_that_still_serves(data, client_sap):
    meter = Meter(Store())
    meter.feed(client_sap, data)
    pair = Pair(plain_settings())
    pair.server = meter.server
    pair.associate()
    assert pair.ask(Get(ENERGY)).answer == ENERGY_OCTETS


@EXAMPLES
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.sampled_from(["plain", "sealed"]))
def test_the_same_events_however_the_bytes_are_cut(sizes, way):
    chosen = plain_settings(**SHORT) if way == "plain" else client_settings(**SHORT)
    cut, whole = Pair(chosen), Pair(chosen)
    cut.arrive = lambda at, apdu: arrive_cut(cut, at, apdu, sizes)
    for pair in (cut, whole):
        pair.associate()
        for request in REQUESTS:
            pair.ask(request)
        pair.ask(Release())
    assert cut.client_events == whole.client_events
    assert list(map(repr, cut.server_events)) == list(map(repr, whole.server_events))
    assert cut.sent == whole.sent


def arrive_cut(pair: Pair, at: str, apdu: bytes, sizes: list[int]) -> None:
    client_sap, server_sap = pair.saps
    core = pair.client if at == "client" else pair.server
    source, destination = (server_sap, client_sap) if at == "client" else (client_sap, server_sap)
    data, turn = encode_wrapper(apdu, source, destination), 0
    while data:
        size = sizes[turn % len(sizes)]
        core.receive(data[:size], pair.now)
        data, turn = data[size:], turn + 1


@EXAMPLES
@given(st.binary(max_size=2000), st.integers(104, 600))
def test_any_value_comes_back_in_blocks_of_any_size(octets, size):
    device = Store()
    pair = Pair(client_settings(max_receive_pdu_size=size), server_settings(device, max_receive_pdu_size=size))
    pair.associate()
    assert pair.ask(Set(NOTE, note(octets))).answer == 0
    assert pair.ask(Get(NOTE)).answer == note(octets)
    services = [apdu for apdu in pair.sent["server"] + pair.sent["client"] if apdu[0] >= 0xC0]
    assert max(map(len, services)) <= size
