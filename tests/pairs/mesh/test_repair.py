"""What a mesh survives: relays that die, stations that leave and come back, loops, a new group key, a busy channel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh_ether import Ether, name
from openami.model.errors import LocalProtocolError
from openami.protocols.mesh.events import (
    DatagramReceived,
    Delivered,
    Failed,
    Joined,
    KeyChanged,
    Left,
    ParentChanged,
    Persist,
    StationGone,
)
from openami.protocols.mesh.frame_counter import COUNTER_END
from openami.protocols.mesh.node import PAYLOAD_MAX
from openami.protocols.mesh.parameters import MeshParameters


def ring(*, secure: bool = True) -> Ether:
    """0 - 1 - 2 - 3 - 4 - 0."""
    ether = Ether(secure=secure)
    for number in range(5):
        ether.add(number)
    for number in range(5):
        ether.link(number, (number + 1) % 5, loss=0.05)
    ether.start(range(5))
    assert ether.run(400, ether.all_joined)
    return ether


def exchange(ether: Ether, number: int) -> None:
    """A confirmed datagram each way."""
    root, station = ether.nodes[name(0)], ether.nodes[name(number)]
    up = station.send(root.address, b"up", ether.now, confirmed=True)
    ether.settle(station)
    down = root.send(station.address, b"down", ether.now, confirmed=True)
    ether.settle(root)
    ether.run(120)
    assert Delivered(up) in ether.told(number, Delivered)
    assert Delivered(down) in ether.told(0, Delivered)


@pytest.mark.parametrize("secure", [True, False])
def test_a_dying_relay_is_routed_around_within_ten_minutes(secure):
    ether = ring(secure=secure)
    station = ether.nodes[name(2)]
    first, other = (1, 3) if station.parent == name(1) else (3, 1)
    ether.kill(first)
    assert ether.run(600, lambda: ether.nodes[name(0)].routes().get(name(2)) == name(other))
    assert station.parent == name(other)
    assert ether.told(2, ParentChanged)
    assert ether.told(2, Left) == []
    exchange(ether, 2)


def test_a_line_that_breaks_poisons_leaves_and_comes_back():
    ether = Ether()
    ether.line(4)
    assert ether.run(300, ether.all_joined)
    ether.kill(1)
    assert ether.run(1200, lambda: not any(ether.nodes[name(number)].joined for number in (2, 3)))
    assert ether.told(2, Left)
    assert ether.nodes[name(3)].rank == 0xFFFF
    ether.add(1)
    ether.start([1])
    assert ether.run(900, ether.all_joined)
    exchange(ether, 3)


def test_who_leaves_says_so_and_may_come_back():
    ether = Ether()
    ether.line(3)
    assert ether.run(300, ether.all_joined)
    last = ether.nodes[name(2)]
    last.stop(ether.now)
    ether.settle(last)
    ether.run(10)
    assert ether.told(0, StationGone) == [StationGone(name(2), "the station has said good-bye")]
    assert not last.joined
    ether.start([2])
    assert ether.run(300, ether.all_joined)
    assert len(ether.told(2, Joined)) == 2
    exchange(ether, 2)


def test_the_group_key_rolls_over_without_losing_anybody():
    ether = Ether(parameters=replace(MeshParameters(), key_distribution_s=120.0, key_grace_s=300.0))
    ether.line(4, loss=0.05)
    assert ether.run(300, ether.all_joined)
    root = ether.nodes[name(0)]
    root.roll_key()
    ether.settle(root)
    assert ether.run(900, lambda: all(node.key_epoch == 2 for node in ether.nodes.values()))
    assert ether.told(3, KeyChanged)[-1] == KeyChanged(2)
    ether.run(400)
    assert all(len(node._link.security._ciphers) == 1 for node in ether.nodes.values()), "the old key is forgotten"
    assert [ether.told(number, Left) for number in range(4)] == [[]] * 4
    exchange(ether, 3)
    with pytest.raises(LocalProtocolError):
        ether.nodes[name(1)].roll_key()


def test_who_did_not_hear_of_a_roll_over_asks_for_the_new_key():
    ether = Ether(parameters=replace(MeshParameters(), key_distribution_s=60.0, key_grace_s=60.0))
    ether.line(3)
    assert ether.run(300, ether.all_joined)
    ether.link(1, 2, loss=1.0)
    root, deaf = ether.nodes[name(0)], ether.nodes[name(2)]
    root.roll_key()
    ether.settle(root)
    ether.run(200)
    assert (root.key_epoch, deaf.key_epoch) == (2, 1)
    ether.link(1, 2, loss=0.0)
    assert ether.run(1800, lambda: deaf.key_epoch == 2)
    assert ether.run(600, ether.all_joined)
    exchange(ether, 2)


def test_the_root_comes_back_with_the_same_key_and_counters_that_go_on():
    ether = Ether()
    ether.line(2)
    assert ether.run(300, ether.all_joined)
    used = ether.nodes[name(0)]._link.counter.upcoming
    ether.add(0)
    ether.start([0])
    root = ether.nodes[name(0)]
    assert root.key_epoch == 1
    assert root._link.counter.upcoming >= used
    station = ether.nodes[name(1)]
    number = station.send(root.address, b"again", ether.now, confirmed=True)
    ether.settle(station)
    assert ether.run(1500, lambda: name(1) in root.routes() or bool(ether.told(0, DatagramReceived)))
    ether.run(600)
    assert ether.told(0, DatagramReceived)[-1].payload == b"again"
    assert number


def test_confirmed_datagrams_arrive_once_over_a_bad_link():
    ether = Ether(seed=3)
    ether.add(0)
    ether.add(1)
    ether.link(0, 1, loss=0.3)
    ether.start(range(2))
    assert ether.run(900, ether.all_joined)
    station, root = ether.nodes[name(1)], ether.nodes[name(0)]
    numbers = []
    for count in range(40):
        numbers.append(station.send(root.address, bytes((count,)), ether.now, confirmed=True))
        ether.settle(station)
        ether.run(5)
    ether.run(900)
    assert sorted(event.payload[0] for event in ether.told(0, DatagramReceived)) == list(range(40))
    assert {event.number for event in ether.told(1, Delivered)} == set(numbers)


def test_what_cannot_be_sent_is_refused_or_fails():
    ether = Ether()
    ether.line(2)
    assert ether.run(300, ether.all_joined)
    station, root = ether.nodes[name(1)], ether.nodes[name(0)]
    with pytest.raises(LocalProtocolError, match="960"):
        station.send(root.address, bytes(PAYLOAD_MAX + 1), 0.0)
    with pytest.raises(LocalProtocolError, match="address"):
        station.send(station.address, b"", 0.0)
    stranger = root.address[:8] + bytes(8)
    lost = root.send(stranger, b"", ether.now)
    wrong = station.send(stranger, b"", ether.now)
    late = root.send(stranger, b"", ether.now, confirmed=True)
    ether.settle(root)
    ether.settle(station)
    ether.run(1000)
    assert [event.number for event in ether.told(0, Failed)] == [lost, late]
    assert [event.number for event in ether.told(1, Failed)] == [wrong]


def test_counters_are_reserved_before_they_are_used():
    ether = Ether(parameters=replace(MeshParameters(), counter_reserve=16))
    ether.line(2)
    assert ether.run(300, ether.all_joined)
    station = ether.nodes[name(1)]
    for _ in range(40):
        station.send(ether.nodes[name(0)].address, b"x", ether.now)
        ether.settle(station)
        ether.run(2)
        assert station._link.counter.upcoming <= ether.stores[name(1)].values[station._link.counter.name]
    assert len(ether.told(1, Persist)) > 3


def test_the_duty_cycle_is_kept():
    ether = Ether(parameters=replace(MeshParameters(), duty=0.0006))
    ether.line(2)
    assert ether.run(300, ether.all_joined)
    station = ether.nodes[name(1)]
    before = station.airtime_s
    for _ in range(100):
        station.send(ether.nodes[name(0)].address, bytes(400), ether.now)
        ether.settle(station)
        ether.run(20)
    assert station.airtime_s - before <= 0.0006 * 3600 + 0.2
    assert station.queued > 0


def test_a_mesh_without_keys_does_not_hear_one_with_keys():
    ether = Ether()
    ether.add(0)
    ether.add(1, device_key=None)
    ether.link(0, 1)
    ether.start(range(2))
    ether.run(300)
    assert not ether.nodes[name(1)].joined
    assert ether.nodes[name(0)].routes() == {}


def test_a_root_that_has_forgotten_its_routes_is_told_all_of_them_again():
    """Four hours before they would be renewed, and nobody is blamed for acknowledgements that find no way."""
    ether = Ether()
    ether.line(6)
    assert ether.run(300, ether.all_joined)
    ether.run(300)
    ether.add(0)
    ether.start([0])
    root, parents = ether.nodes[name(0)], {name(number): name(number - 1) for number in range(1, 6)}
    assert root.routes() == {}
    assert ether.run(400, lambda: root.routes() == parents)
    assert not any(
        node.dodag.neighbours.get(parents[one]).blames for one, node in ether.nodes.items() if one in parents
    )
    exchange(ether, 5)


def test_a_new_version_of_the_dodag_reaches_everybody():
    ether = Ether()
    ether.line(4)
    assert ether.run(300, ether.all_joined)
    root = ether.nodes[name(0)]
    root.global_repair(ether.now)
    ether.settle(root)
    assert ether.run(200, lambda: {node.dodag.graph.version for node in ether.nodes.values()} == {241})
    ether.run(120)
    assert [ether.nodes[name(number)].parent for number in range(1, 4)] == [name(number) for number in range(3)]
    exchange(ether, 3)
    with pytest.raises(LocalProtocolError):
        ether.nodes[name(1)].global_repair(ether.now)


def test_a_station_whose_numbers_are_used_up_falls_silent():
    ether = Ether(parameters=replace(MeshParameters(), counter_reserve=16))
    ether.add(0)
    node = ether.add(1)
    ether.stores[name(1)].save(node._link.counter.name, COUNTER_END - 20)
    ether.add(1)
    ether.link(0, 1)
    ether.start(range(2))
    assert ether.run(300, ether.all_joined)
    station = ether.nodes[name(1)]
    for _ in range(30):
        station.send(ether.nodes[name(0)].address, b"x", ether.now)
        ether.settle(station)
        ether.run(2)
    assert "used up" in ether.told(1, Left)[-1].reason
    assert not station.joined
