"""Adversaries in the mesh. They have a radio, hear everything, and hold no key unless a drill says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlms_drills import Drills, forget, ignore
from mesh_ether import Ether, Store, device_key, name
from openami.model.errors import SecurityError
from openami.protocols.mesh import dodag, doorway, join_messages, link_security, reception, registrar
from openami.protocols.mesh.address import link_local
from openami.protocols.mesh.allowance import Allowance
from openami.protocols.mesh.events import DatagramReceived, JoinRefused, StationKnown
from openami.protocols.mesh.frame import (
    BEACON,
    BEACON_REQUEST,
    BROADCAST,
    COMMAND,
    DATA,
    encode_header,
)
from openami.protocols.mesh.iphc import compress
from openami.protocols.mesh.ipv6 import ICMPV6, UDP, Packet, encode_icmp, encode_packet, encode_udp
from openami.protocols.mesh.join_messages import ANSWER, JOIN_PORT, GroupKey, decode_sealed, make_request, seal_key
from openami.protocols.mesh.link_security import LinkSecurity
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.pledge import Candidate, Pledge
from openami.protocols.mesh.rpl_messages import GROUNDED_NON_STORING, DioHead, RplCode, encode_dio

DRILLS = Drills()
STRANGER = bytes.fromhex("0a0b0c0d0e0f1011")
WRONG_KEY = bytes(16)


def formed(stations: int = 3) -> Ether:
    ether = Ether()
    ether.keep = True
    ether.line(stations)
    assert ether.run(300, ether.all_joined)
    ether.run(30)
    return ether


def plain_frame(packet: Packet, source: bytes, destination: bytes, sequence: int = 9) -> bytes:
    """An unprotected frame, as anybody can send it."""
    data = encode_packet(packet)
    headers, used = compress(data, source, destination, MeshParameters().prefix)
    header = encode_header(DATA, sequence, 0x4F41, destination, source, secured=False, ack_request=True)
    return header + headers + data[used:]


def join_frame(source: bytes, proxy: bytes, request: bytes, sequence: int) -> bytes:
    ends = link_local(source), link_local(proxy)
    datagram = encode_udp(*ends, (JOIN_PORT, JOIN_PORT), request)
    return plain_frame(Packet(*ends, 255, b"", b"", UDP, datagram), source, proxy, sequence)


@DRILLS.drill(forget(registrar, "check_request", ignore))
def a_rogue_without_the_device_key_cannot_join():
    ether = formed()
    rogue = name(7)
    ether.inject(join_frame(rogue, name(1), make_request(WRONG_KEY, rogue, bytes(8), 0), 1), 1)
    ether.run(20)
    assert [event.eui64 for event in ether.told(0, JoinRefused)] == [rogue]
    assert not [event for event in ether.told(0, StationKnown) if event.eui64 == rogue]


def take_all(ears, packet, heard, now):
    ears._packet_heard(packet, heard, now)


@DRILLS.drill(forget(reception.Reception, "_take_unsecured", take_all))
def an_unprotected_datagram_is_not_taken():
    ether = formed()
    ends = link_local(STRANGER), link_local(name(1))
    packet = Packet(*ends, 255, b"", b"", UDP, encode_udp(*ends, (4059, 4059), b"open the breaker"))
    ether.inject(plain_frame(packet, STRANGER, name(1)), 1)
    assert ether.told(1, DatagramReceived) == []


@DRILLS.drill(forget(link_security.LinkSecurity, "_take", ignore))
def a_replayed_frame_is_not_taken_twice():
    ether = formed(2)
    station, root = ether.nodes[name(1)], ether.nodes[name(0)]
    station.send(root.address, b"once", ether.now)
    ether.settle(station)
    ether.run(5)
    frames = [psdu for _, sender, psdu in ether.log if sender == name(1) and psdu[0] & 7 == DATA]
    for psdu in frames:
        ether.inject(psdu, 0)
    ether.run(5)
    assert [event.payload for event in ether.told(0, DatagramReceived)] == [b"once"]


@DRILLS.drill(forget(join_messages, "_associated", lambda kind, eui64, _nonce: bytes((kind,)) + eui64))
def an_old_join_answer_does_not_open():
    key = device_key(name(1))
    pledge = Pledge(name(1), key, MeshParameters(), bytes)
    candidate = Candidate(name(0), 1, 128, -60)
    first = pledge.request(candidate, 0)
    old = seal_key(key, ANSWER, name(1), first.message[9:17], bytes(12), GroupKey(1, bytes(16), 0))
    pledge._random = lambda size: b"\x01" * size
    pledge.request(candidate, 0)
    try:
        pledge.answered(decode_sealed(old))
    except SecurityError:
        return
    pytest.fail("the answer to an earlier request was taken")


@DRILLS.drill(forget(dodag, "check_rank", ignore))
def an_insider_cannot_claim_the_root_s_rank():
    """He has the group key, and still is no nearer than a child of the root."""
    ether = formed()
    ether.run(ether.parameters.parent_hold_s)
    victim = ether.nodes[name(2)]
    security = ether.nodes[name(1)]._link.security
    head = DioHead(0, victim.dodag.graph.version, 1, GROUNDED_NON_STORING, 0, 0, 0, victim.dodag.graph.dodag_id)
    message = encode_icmp(link_local(STRANGER), link_local(name(2)), 155, RplCode.DIO, encode_dio(head, b""))
    packet = encode_packet(Packet(link_local(STRANGER), link_local(name(2)), 255, b"", b"", ICMPV6, message))
    headers, used = compress(packet, STRANGER, name(2), victim.dodag.graph.prefix)
    insider = LinkSecurity(STRANGER)
    insider._sending, insider.epoch = security._sending, security.epoch
    header = encode_header(DATA, 1, 0x4F41, name(2), STRANGER, secured=True, ack_request=False)
    ether.inject(insider.protect(header, headers + packet[used:], 1), 2)
    assert victim.parent == name(1)


def take_before_check(security, frame):
    security._take(frame.source, int.from_bytes(frame.content[1:5], "little"))
    return ORIGINAL_OPEN(security, frame)


ORIGINAL_OPEN = LinkSecurity.open


@DRILLS.drill(forget(link_security.LinkSecurity, "open", take_before_check))
def a_forged_relay_neither_speaks_nor_silences():
    """Frames in a member's name under another key: not taken, and the member is heard as before."""
    ether = formed(2)
    forger = LinkSecurity(name(1))
    forger.add(1, WRONG_KEY)
    forger.switch(1)
    header = encode_header(DATA, 1, 0x4F41, name(0), name(1), secured=True, ack_request=True)
    ether.inject(forger.protect(header, b"\x41" + bytes(40), 0xFFFFFF00), 0)
    station, root = ether.nodes[name(1)], ether.nodes[name(0)]
    station.send(root.address, b"still here", ether.now)
    ether.settle(station)
    ether.run(5)
    assert [event.payload for event in ether.told(0, DatagramReceived)] == [b"still here"]


@DRILLS.drill(forget(doorway, "_BEACON_PAUSE_S", 0.0))
def a_flood_of_beacon_requests_is_answered_every_two_seconds():
    ether = formed(2)
    request = encode_header(COMMAND, 1, 0xFFFF, BROADCAST, b"", secured=False, ack_request=False) + BEACON_REQUEST
    before = len(ether.log)
    for _ in range(1000):
        ether.inject(request, 0)
        ether.run(0.02)
    assert sum(psdu[0] & 7 == BEACON for _, _, psdu in ether.log[before:]) <= 11


@DRILLS.drill(forget(Allowance, "take", lambda _self, _now: True))
def a_flood_of_join_requests_is_handed_on_slowly():
    ether = formed(2)
    before = len(ether.told(0, JoinRefused))
    for number in range(200):
        ether.inject(join_frame(STRANGER, name(1), make_request(WRONG_KEY, STRANGER, bytes(8), 0), number), 1)
        ether.run(0.1)
    assert len(ether.told(0, JoinRefused)) - before <= 20
    assert ether.nodes[name(1)].queued <= ether.parameters.queue_max


@DRILLS.drill(forget(registrar.Registrar, "_floor", lambda _self, relayed: relayed.request.frame_counter))
def a_counter_that_was_set_back_is_put_ahead():
    """A restored memory would use numbers again: neighbours refuse them, and the root puts the counter ahead."""
    ether = Ether(parameters=replace(MeshParameters(), counter_reserve=8))
    ether.line(2)
    assert ether.run(300, ether.all_joined)
    station = ether.nodes[name(1)]
    for _ in range(30):
        station.send(ether.nodes[name(0)].address, b"x", ether.now)
        ether.settle(station)
        ether.run(1)
    used = station._link.counter.upcoming
    ether.kill(1)
    ether.stores[name(1)] = Store()
    again = ether.add(1)
    ether.start([1])
    assert ether.run(400, ether.all_joined)
    assert again._link.counter.upcoming > used


@pytest.mark.parametrize("attack", list(DRILLS))
def test_the_attack_fails(attack):
    DRILLS[attack].attack()


@pytest.mark.parametrize("attack", list(DRILLS))
def test_without_its_guard_it_succeeds(attack, monkeypatch):
    DRILLS.fall(attack, monkeypatch)
