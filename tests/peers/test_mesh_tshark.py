"""tshark dissects what our stations say: the same fields, nothing malformed, and protected frames with the key."""

from __future__ import annotations

import pytest

from mesh_ether import ROOT_KEY, Ether, name
from mesh_tshark import fields, need_tshark, write_pcap
from openami.protocols.mesh.join_messages import group_key
from openami.protocols.mesh.parameters import MeshParameters

pytestmark = [pytest.mark.peer, need_tshark]
GOOD_CHECKSUM = "1"
NAMES = [
    "_ws.malformed",
    "icmpv6.checksum.status",
    "udp.checksum.status",
    "icmpv6.code",
    "icmpv6.rpl.dio.rank",
    "icmpv6.rpl.dio.flag.mop",
    "icmpv6.rpl.dio.dagid",
    "icmpv6.rpl.opt.config.ocp",
    "icmpv6.rpl.opt.config.min_hop_rank_inc",
    "icmpv6.rpl.opt.prefix",
    "icmpv6.rpl.dao.flag.k",
    "icmpv6.rpl.opt.target.prefix",
    "icmpv6.rpl.opt.transit.parent",
    "icmpv6.rpl.opt.transit.pathlifetime",
    "icmpv6.rpl.daoack.status",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.opt.rpl.sender_rank",
    "ipv6.routing.type",
    "ipv6.routing.segleft",
    "ipv6.routing.rpl.full_address",
    "udp.dstport",
    "udp.length",
]


@pytest.fixture(scope="module", params=["plain", "protected"])
def talk(request, tmp_path_factory):
    """Four stations join, talk, and the last one leaves; with the options that tshark needs."""
    secure = request.param == "protected"
    ether = Ether(secure=secure, parameters=MeshParameters(psdu_max=127, dao_known_delay_s=5.0))
    ether.keep = True
    ether.line(4)
    assert ether.run(120, ether.all_joined)
    root, last = ether.nodes[name(0)], ether.nodes[name(3)]
    last.send(root.address, b"up", ether.now, confirmed=True)
    root.send(last.address, b"down" * 60, ether.now, port=4059)
    ether.settle(last)
    ether.settle(root)
    ether.run(20)
    last.stop(ether.now)
    ether.settle(last)
    ether.run(10)
    path = write_pcap(tmp_path_factory.mktemp("mesh") / "talk.pcap", [psdu for _, _, psdu in ether.log])
    key = f'uat:ieee802154_keys:"{group_key(ROOT_KEY, 1).hex()}","1","No hash"'
    options = ["udp.check_checksum:TRUE", *([key] if secure else [])]
    return [dict(zip(NAMES, values, strict=True)) for values in fields(path, NAMES, *options)]


def pick(talk, names):
    return [[packet[field] for field in names] for packet in talk]


def seen(talk, code, names):
    """The named fields of the RPL messages with `code`."""
    return pick([packet for packet in talk if packet["icmpv6.code"] == str(code)], names)


def test_nothing_is_malformed_and_all_checksums_are_right(talk):
    assert len(talk) > 60
    assert {packet["_ws.malformed"] for packet in talk} == {""}
    assert {packet["icmpv6.checksum.status"] for packet in talk} == {"", GOOD_CHECKSUM}
    assert {packet["udp.checksum.status"] for packet in talk} == {"", GOOD_CHECKSUM}


def test_a_damaged_frame_is_noticed(tmp_path):
    """The peer's judgement can fail: the twin of the test above."""
    ether = Ether(secure=False)
    ether.keep = True
    ether.line(2)
    ether.run(30)
    dio = next(psdu for _, _, psdu in ether.log if len(psdu) > 80)
    damaged = dio[:-1] + bytes((dio[-1] ^ 0x10,))
    [found] = fields(write_pcap(tmp_path / "bad.pcap", [damaged]), ["icmpv6.checksum.status"])
    assert found != [GOOD_CHECKSUM]


def test_dio(talk):
    found = seen(talk, 1, ["icmpv6.rpl.dio.rank", "icmpv6.rpl.dio.flag.mop", "icmpv6.rpl.dio.dagid", "ipv6.src"])
    assert ["128", "0x01", "fd00::4f:414d:4900:0", "fe80::4f:414d:4900:0"] in found
    assert {values[2] for values in found} == {"fd00::4f:414d:4900:0"}
    ranks = {values[3]: values[0] for values in found}
    assert ranks["fe80::4f:414d:4900:3"] == "65535", "who leaves poisons"
    assert 256 <= int(ranks["fe80::4f:414d:4900:1"]) < 512


def test_dio_options(talk):
    names = ["icmpv6.rpl.opt.config.ocp", "icmpv6.rpl.opt.config.min_hop_rank_inc", "icmpv6.rpl.opt.prefix"]
    assert {tuple(values) for values in seen(talk, 1, names)} == {("1", "128", "fd00::")}


def test_dao(talk):
    names = ["icmpv6.rpl.dao.flag.k", "icmpv6.rpl.opt.target.prefix", "icmpv6.rpl.opt.transit.parent"]
    found = seen(talk, 2, [*names, "icmpv6.rpl.opt.transit.pathlifetime", "ipv6.src"])
    for values in found:
        assert values[1] == values[4], "everybody announces himself only"
    parents = {(values[1][-1], values[2][-1]) for values in found}
    assert parents == {("1", "0"), ("2", "1"), ("3", "2")}
    assert {values[3] for values in found if values[1].endswith("3")} == {"96", "0"}, "announced, then taken back"


def test_dao_ack(talk):
    found = seen(talk, 3, ["icmpv6.rpl.daoack.status", "ipv6.dst", "ipv6.routing.rpl.full_address"])
    assert {values[0] for values in found} == {"0"}
    assert any(values[2] for values in found), "behind a source routing header"


def test_rpl_option_and_source_route(talk):
    found = pick(talk, ["ipv6.opt.rpl.sender_rank", "ipv6.routing.type", "ipv6.routing.segleft"])
    assert any(int(values[0] or "0", 0) >= 256 for values in found)
    down = [values for values in found if values[1]]
    assert {values[1] for values in down} == {"3"}
    assert {values[2] for values in down} >= {"0", "1", "2"}


def test_dis(talk):
    assert seen(talk, 0, ["ipv6.src"])


def test_fragments_are_put_together(talk):
    assert ["4059", "248"] in pick(talk, ["udp.dstport", "udp.length"])
