"""The mesh: datagrams of ZEP, frames, compressed headers, RPL messages, and a whole station that hears anything."""

from __future__ import annotations

from typing import Final

from fuzz_targets import fuzz_target
from mesh_ether import Ether, name
from openami.io.links.zep import FRAME_MAX, decode_zep, encode_zep
from openami.protocols.mesh.beacon import decode_beacon, encode_beacon
from openami.protocols.mesh.frame import DATA, decode_frame
from openami.protocols.mesh.iphc import compress, decompress
from openami.protocols.mesh.ipv6 import decode_packet, encode_packet
from openami.protocols.mesh.join_messages import decode_relayed, decode_request, decode_sealed
from openami.protocols.mesh.parameters import PREFIX, MeshParameters
from openami.protocols.mesh.rpl_messages import decode_dao, decode_dao_ack, decode_dio, decode_dis
from openami.protocols.mesh.rpl_packet import decode_rpl_option, decode_source_route


def _talk() -> list[bytes]:
    """What a short conversation without keys puts on the air."""
    ether = Ether(secure=False, parameters=MeshParameters(psdu_max=127))
    ether.keep = True
    ether.line(3)
    ether.run(60)
    root, last = ether.nodes[name(0)], ether.nodes[name(2)]
    root.send(last.address, b"down" * 40, ether.now, confirmed=True)
    ether.settle(root)
    ether.run(10)
    return [psdu for _, _, psdu in ether.log]


FRAMES = _talk()
DATA_FRAMES = [psdu for psdu in FRAMES if psdu[0] & 7 == DATA]
PAYLOADS = [decode_frame(psdu).content for psdu in DATA_FRAMES if decode_frame(psdu).content[0] & 0xE0 == 0x60][:20]
PACKETS = [decompress(payload, name(1), name(2), PREFIX) for payload in PAYLOADS]
MESSAGES = sorted(
    {packet.upper[1:2] + packet.upper[4:] for packet in map(decode_packet, PACKETS) if packet.protocol == 58}
)


@fuzz_target("mesh-frame", seeds=FRAMES[:40])
def frame(octets: bytes) -> None:
    found = decode_frame(octets)
    assert found.header + found.content == octets


@fuzz_target("mesh-iphc", seeds=PAYLOADS)
def iphc(octets: bytes) -> None:
    """What decompresses compresses to what decompresses to the same."""
    packet = decompress(octets, name(1), name(2), PREFIX)
    decode_packet(packet)
    headers, used = compress(packet, name(1), name(2), PREFIX)
    assert decompress(headers + packet[used:], name(1), name(2), PREFIX) == packet


@fuzz_target("mesh-packet", seeds=PACKETS)
def packet(octets: bytes) -> None:
    found = decode_packet(octets)
    assert decode_packet(encode_packet(found)) == found
    if found.hop_by_hop:
        decode_rpl_option(found.hop_by_hop)
    if found.routing:
        decode_source_route(found.routing, found.destination)


@fuzz_target("mesh-rpl", seeds=MESSAGES)
def rpl(octets: bytes) -> None:
    code, body = octets[:1], octets[1:]
    decoders = {b"\x00": decode_dis, b"\x01": decode_dio, b"\x02": decode_dao, b"\x03": decode_dao_ack}
    if code in decoders:
        decoders[code](body)


@fuzz_target("mesh-join", seeds=[bytes((1,)) + bytes(28), bytes((2,)) + bytes(33), bytes((3,)) + bytes(60)])
def join(octets: bytes) -> None:
    kind = octets[:1]
    if kind == b"\x01":
        decode_request(octets)
    elif kind == b"\x02":
        decode_relayed(octets)
    else:
        decode_sealed(octets)


@fuzz_target("mesh-beacon", seeds=[encode_beacon(128)], inputs=20_000)
def beacon(octets: bytes) -> None:
    decode_beacon(octets)


CHECKED: Final = 7
"""Where a ZEP header says whether a check sequence follows the frame, or strength and a good-check bit."""


def _of_cc24xx(datagram: bytes) -> bytes:
    """The same frame as a radio tells it that has checked it itself."""
    return datagram[:CHECKED] + b"\x00" + datagram[CHECKED + 1 : -2] + b"\x40\x80"


DATAGRAMS = [encode_zep(psdu, number) for number, psdu in enumerate(FRAMES[:20])]


@fuzz_target("mesh-zep", seeds=DATAGRAMS + [_of_cc24xx(datagram) for datagram in DATAGRAMS])
def zep(octets: bytes) -> None:
    """The frame in a datagram is as long as it says, and goes the same way again."""
    psdu, level_dbm = decode_zep(octets)
    assert len(psdu) + 2 == octets[31] == len(octets) - 32
    assert -100 <= level_dbm <= -40
    if len(psdu) + 2 <= FRAME_MAX:
        assert decode_zep(encode_zep(psdu, 1)) == (psdu, -40)


class _Deafening:
    """A relay without keys that hears anything, forwards, and never raises."""

    def __init__(self) -> None:
        self.ether = Ether(secure=False)
        self.ether.line(3)
        self.ether.run(60)
        self.now = self.ether.now
        self.node = self.ether.nodes[name(1)]

    def hear(self, octets: bytes) -> None:
        node = self.node
        self.now += 0.1
        node.receive(octets, self.now, rssi_dbm=-60)
        while node.next_event() is not None:
            pass
        if node.next_transmission(self.now) is not None:
            node.transmitted(self.now, clear=True)
        node.handle_timeout(self.now)
        assert node.queued <= 48
        assert len(node.neighbours) <= 64


STATION = _Deafening()


@fuzz_target("mesh-station", seeds=FRAMES[:60], inputs=20_000)
def station(octets: bytes) -> None:
    STATION.hear(octets)
