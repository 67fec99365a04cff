"""Five stations in a row: everybody joins, and datagrams go up and down."""

from __future__ import annotations

import pytest

from mesh_ether import Ether, name
from openami.protocols.mesh.events import DatagramReceived, Delivered, StationKnown


@pytest.mark.parametrize("secure", [True, False])
def test_a_line_of_five_joins_and_talks(secure):
    ether = Ether(secure=secure)
    ether.line(5, loss=0.05)
    assert ether.run(300, ether.all_joined)
    root, last = ether.nodes[name(0)], ether.nodes[name(4)]
    assert root.routes() == {name(number): name(number - 1) for number in range(1, 5)}
    assert {event.eui64 for event in ether.told(0, StationKnown)} == {name(number) for number in range(1, 5)}
    up = last.send(root.address, b"up" * 40, ether.now, confirmed=True)
    down = root.send(last.address, b"down" * 200, ether.now, confirmed=True)
    ether.settle(last)
    ether.settle(root)
    ether.run(60)
    assert ether.told(0, DatagramReceived) == [DatagramReceived(last.address, 4059, b"up" * 40, 4)]
    assert ether.told(4, DatagramReceived) == [DatagramReceived(root.address, 4059, b"down" * 200, 4)]
    assert ether.told(4, Delivered) == [Delivered(up)]
    assert ether.told(0, Delivered) == [Delivered(down)]
