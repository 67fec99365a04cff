"""Both cores over HDLC on a line that loses, alters and doubles: every answer is right or there is none."""

from __future__ import annotations

import random

import pytest

from dlms_pair import (
    ENERGY,
    ENERGY_OCTETS,
    PROFILE,
    PROFILE_OCTETS,
    SECURED,
    SERVER_TITLE,
    Store,
    client_settings,
    server_settings,
)
from openami.protocols.dlms import counters
from openami.protocols.dlms.client import ClientConnection
from openami.protocols.dlms.counters import MemoryCounters, Persist, SendCounter
from openami.protocols.dlms.events import Answered, Associated, Failed
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.request import Associate, Get
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState

STEPS = 5000


class Line:
    """Time jumps to the next time-out whenever nothing is on the line."""

    def __init__(self, seed: int, trouble: float) -> None:
        self.choice = random.Random(seed)
        self.trouble = trouble
        self.now = 0.0
        self.stores = MemoryCounters(), MemoryCounters()
        client_side = HdlcFraming(Role.CLIENT, SECURED, HdlcAddress(1))
        server_side = HdlcFraming(Role.SERVER, SECURED, HdlcAddress(1))
        self.client = ClientConnection(
            client_side,
            client_settings(response_timeout_s=300.0, refusal_grace_s=300.0),
            random=self.choice.randbytes,
            sending=SendCounter("sent"),
        )
        state = ServerState(SERVER_TITLE, self.stores[1])
        self.server = ServerConnection(
            server_side, server_settings(Store(), inactivity_timeout_s=3000.0), state, random=self.choice.randbytes
        )

    def ask(self, request):
        """The client's answer, after however many repetitions."""
        self.client.send(request, self.now)
        for _ in range(STEPS):
            if (told := self.step()) is not None:
                return told
        raise AssertionError(f"no end after {STEPS} steps")

    def step(self):
        moved = False
        for core, other, store in (
            (self.client, self.server, self.stores[0]),
            (self.server, self.client, self.stores[1]),
        ):
            while (event := core.next_event()) is not None:
                if isinstance(event, Persist):
                    core.persisted(counters.apply(store, event), self.now)
                elif core is self.client and isinstance(event, Answered | Associated | Failed):
                    return event
            data = core.data_to_send(self.now)
            moved = moved or bool(data)
            for piece in self.through(data):
                other.receive(piece, self.now)
        if not moved:
            due = min(filter(None, (self.client.next_timeout(), self.server.next_timeout())))
            self.now = max(self.now, due)
            self.client.handle_timeout(self.now)
            self.server.handle_timeout(self.now)
        return None

    def through(self, data: bytes) -> list[bytes]:
        if not data or self.choice.random() >= self.trouble:
            return [data] if data else []
        kind = self.choice.randrange(3)
        if kind == 0:
            return []
        if kind == 1:
            at = self.choice.randrange(len(data))
            return [data[:at] + bytes((data[at] ^ 1 << self.choice.randrange(8),)) + data[at + 1 :]]
        return [data, data]


@pytest.mark.parametrize("seed", range(12))
def test_a_session_on_a_bad_line(seed):
    line = Line(seed, trouble=0.08)
    told = line.ask(Associate())
    answers = []
    while isinstance(told, Associated | Answered) and len(answers) < 6:
        wanted, expected = [(ENERGY, ENERGY_OCTETS), (PROFILE, PROFILE_OCTETS)][len(answers) % 2]
        told = line.ask(Get(wanted))
        if isinstance(told, Answered):
            assert told.answer == expected
            answers.append(told.answer)
    assert answers or isinstance(told, Failed)


def test_most_sessions_get_through():
    through = sum(isinstance(Line(seed, trouble=0.05).ask(Associate()), Associated) for seed in range(40))
    assert through >= 36
