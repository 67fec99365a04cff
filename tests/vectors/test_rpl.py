"""Published RPL frames: our reading of them, and a station that joins below a Contiki-NG border router."""

from __future__ import annotations

from mesh_ether import Store, name
from openami.protocols.mesh.frame import decode_frame
from openami.protocols.mesh.iphc import decompress
from openami.protocols.mesh.ipv6 import check_icmp, decode_packet
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import PREFIX, MeshParameters, NodeSettings
from openami.protocols.mesh.rpl_messages import decode_dao, decode_dio
from openami.protocols.mesh.rpl_options import (
    CONFIGURATION,
    TARGET,
    TRANSIT,
    DodagConfiguration,
    PrefixInformation,
    RplTarget,
    TransitInformation,
    require,
)
from openami.protocols.mesh.rpl_options import (
    PREFIX as PREFIX_OPTION,
)
from shared_vectors import NEEDED, vectors

# The frame of contiki-ng/contiki-ng examples/rpl-border-router (BSD-3-Clause), as a border router sent it.
CONTIKI_DIO = bytes.fromhex(
    "41d867cdabffff01010100017412007a3b3a1a9b0116fe00f0008008f00000fd000000000000000212740100010101"
    "040e00080c00040000800001001e003c081e4040ffffffffffffffff00000000fd000000000000000000000000000000"
)
BORDER_ROUTER = bytes.fromhex("0012740100010101")


def by_name(wanted: str) -> dict:
    return next(entry for entry in vectors("rpl", "rpl") if entry["name"] == wanted)


@NEEDED
def test_a_dao_of_another_hand():
    entry = by_name("rpl-dao")
    packet = decode_packet(bytes.fromhex(entry["hex"]))
    check_icmp(packet)
    dao = decode_dao(packet.upper[4:])
    expected = entry["expected"]
    assert (packet.upper[0], packet.upper[1], dao.head.sequence) == (155, 2, expected["sequence"])
    assert f"{dao.head.flags:02x}" == expected["k_and_d_flags"]
    assert dao.dodag_id == bytes.fromhex("fd" + "00" * 14 + "01")
    target, transit = require(dao.options, TARGET, RplTarget), require(dao.options, TRANSIT, TransitInformation)
    assert (target.address[-1], target.prefix_length) == (0x10, 128)
    assert (transit.parent[-1], transit.path_lifetime) == (5, expected["path_lifetime"])


@NEEDED
def test_the_frame_in_this_file_is_the_published_one():
    assert by_name("rpl-dio-contiki-ng-1")["hex"] == CONTIKI_DIO.hex()


def test_a_dio_of_contiki_ng():
    frame = decode_frame(CONTIKI_DIO)
    assert (frame.pan_id, frame.source, frame.destination) == (0xABCD, BORDER_ROUTER, b"\xff\xff")
    packet = decode_packet(decompress(frame.content, frame.source, frame.destination, PREFIX))
    check_icmp(packet)
    dio = decode_dio(packet.upper[4:])
    head = dio.head
    assert (head.instance, head.version, head.rank, head.mode) == (0, 240, 128, 1)
    assert head.dodag_id == bytes.fromhex("fd000000000000000212740100010101")
    configuration = require(dio.options, CONFIGURATION, DodagConfiguration)
    assert (configuration.objective_code_point, configuration.min_hop_rank_increase) == (1, 128)
    prefix = require(dio.options, PREFIX_OPTION, PrefixInformation)
    assert (prefix.prefix_length, prefix.prefix) == (64, PREFIX + bytes(8))


def test_a_station_takes_the_border_router_as_parent_and_announces_itself():
    """Without link-layer security, as the border router's example runs."""
    node = MeshNode(NodeSettings(name(1), parameters=MeshParameters(psdu_max=127)), bytes, Store())
    node.start(0.0)
    node.receive(CONTIKI_DIO, 1.0, rssi_dbm=-60)
    assert (node.parent, node.rank) == (BORDER_ROUTER, 256)
    assert node.root_address == bytes.fromhex("fd000000000000000212740100010101")
    sent = []
    now = 1.0
    while now < 4.0:
        if (psdu := node.next_transmission(now)) is not None:
            sent.append(decode_frame(psdu))
            node.transmitted(now, clear=True)
        now += 0.01
        node.handle_timeout(now)
    daos = [frame for frame in sent if frame.destination == BORDER_ROUTER]
    assert daos
    packet = decode_packet(decompress(daos[0].content, name(1), BORDER_ROUTER, PREFIX))
    assert (daos[0].pan_id, packet.destination, packet.upper[:2]) == (0xABCD, node.root_address, b"\x9b\x02")
