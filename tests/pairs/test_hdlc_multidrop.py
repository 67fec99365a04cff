"""Several meters on one line: everybody hears everything, and each answers for itself alone."""

from __future__ import annotations

import pytest

from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.hdlc.parameters import HdlcParameters

LOWERS = (17, 18, 0x3FF0)
WIDE = HdlcParameters(256, 256, 4, 4)


class Bus:
    """One line, a client for each meter, and the meters; the clients take turns, as the owner of a line makes them."""

    def __init__(self, client_sap):
        addresses = [HdlcAddress(1, lower) for lower in LOWERS]
        self.clients = [HdlcFraming(Role.CLIENT, client_sap, address, WIDE) for address in addresses]
        self.meters = [HdlcFraming(Role.SERVER, 16, address, WIDE) for address in addresses]
        self.heard = {number: [] for number in range(len(LOWERS))}

    def run(self, client):
        """The events of `client` until the line is quiet; meters send back what they get, with their number before."""
        events, stations = [], [client, *self.meters]
        while True:
            sent = [(station, data) for station in stations if (data := station.data_to_send(0.0))]
            for sender, data in sent:
                for station in stations:
                    if station is not sender:
                        station.receive(data, 0.0)
            for number, meter in enumerate(self.meters):
                while (event := meter.next_event()) is not None:
                    if isinstance(event, ApduReceived):
                        self.heard[number].append(event.apdu)
                        meter.send(bytes((number,)) + event.apdu, 0.0)
            while (event := client.next_event()) is not None:
                events.append(event)
            if not sent:
                return events


@pytest.fixture(params=[16, 1], ids=["public", "as the meters' upper address"])
def bus(request):
    made = Bus(request.param)
    for client in made.clients:
        client.connect(0.0)
        assert isinstance(made.run(client)[-1], Connected)
    return made


@pytest.mark.parametrize("size", [5, 900, 4000])
def test_all_are_connected_at_once_and_each_has_its_own_numbers(bus, size):
    for turn in range(5):
        for number, client in enumerate(bus.clients):
            apdu = bytes((turn, number)) * (size // 2)
            client.send(apdu, 0.0)
            (answer,) = [event for event in bus.run(client) if isinstance(event, ApduReceived)]
            assert answer.apdu == bytes((number,)) + apdu
            assert bus.heard[number][-1] == apdu
    assert [len(heard) for heard in bus.heard.values()] == [5, 5, 5]


def test_one_that_leaves_takes_no_other_with_it(bus):
    bus.clients[0].disconnect(0.0)
    assert isinstance(bus.run(bus.clients[0])[-1], Disconnected)
    for client in bus.clients[1:]:
        client.send(b"\xc0", 0.0)
        assert any(isinstance(event, ApduReceived) for event in bus.run(client))
    assert bus.heard[0] == []
