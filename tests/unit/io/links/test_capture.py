from __future__ import annotations

import io
import json
import shutil
import subprocess

import pytest

from openami.io.links.capture import CapturingLink, PcapngWriter
from openami.io.links.memory import memory_pair
from openami.io.links.packets import checksum

AT = 1_700_000_000.25
REQUEST, ANSWER = b"GET /meter", bytes(range(256)) * 300


class StandingClock:
    def time(self):
        return AT

    def monotonic(self):
        return 0.0

    async def sleep(self, seconds):
        raise NotImplementedError


def blocks(raw):
    """Block types of a pcapng file, whose lengths must agree at both ends of each block."""
    at = 0
    while at < len(raw):
        kind, length = (int.from_bytes(raw[at + step : at + step + 4], "little") for step in (0, 4))
        assert raw[at + length - 4 : at + length] == length.to_bytes(4, "little")
        assert length % 4 == 0
        yield kind, raw[at : at + length]
        at += length


def conversation(peer, *, by_us=True):
    file = io.BytesIO()
    sink = PcapngWriter(file).link(peer, AT, opened_by_us=by_us)
    sink.sent(REQUEST, AT + 0.5)
    sink.received(ANSWER, AT + 1)
    sink.ended(AT + 2)
    return file.getvalue()


def two_messages(peer):
    file = io.BytesIO()
    sink = PcapngWriter(file).link(peer, AT)
    sink.sent(REQUEST, AT)
    sink.received(ANSWER[:1000], AT)
    sink.ended(AT)
    return file.getvalue()


@pytest.mark.parametrize(("peer", "packets"), [("tcp:192.0.2.9:1", 8), ("udp:192.0.2.9:1", 2), ("pty:/dev/x", 2)])
def test_blocks_are_whole(peer, packets):
    kinds = [kind for kind, _ in blocks(two_messages(peer))]
    assert kinds == [0x0A0D0D0A, 1, 1] + [6] * packets


def test_the_checksum_of_rfc_1071():
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2
    assert checksum(b"\x01") == 0xFEFF


async def test_a_capturing_link_copies_and_changes_nothing():
    heard = []

    class Ear:
        def sent(self, data, at):
            heard.append(("sent", data, at))

        def received(self, data, at):
            heard.append(("received", data, at))

        def ended(self, at):
            heard.append(("ended", b"", at))

    left, right = memory_pair()
    link = CapturingLink(left, Ear(), StandingClock())
    assert (link.peer, link.datagrams) == (left.peer, False)
    await link.send(b"ask")
    assert await right.receive() == b"ask"
    await right.send(b"answer")
    assert await link.receive() == b"answer"
    await right.close()
    assert await link.receive() == b""
    await link.close()
    await link.close()
    assert heard == [("sent", b"ask", AT), ("received", b"answer", AT), ("ended", b"", AT)]


needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def tshark(raw, path, *options):
    path.write_bytes(raw)
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "json", *checks, *options], check=True, capture_output=True, timeout=60
    )
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


@pytest.mark.peer
@needs_tshark
@pytest.mark.parametrize(
    "peer", ["tcp:192.0.2.9:4059", "tls:[2001:db8::7]:8443", "tcp:meter.example:4059", "tcp:127.0.0.1:9"]
)
@pytest.mark.parametrize("by_us", [True, False])
def test_tshark_follows_the_tcp_stream(peer, by_us, tmp_path):
    packets = tshark(conversation(peer, by_us=by_us), tmp_path / "x.pcapng")
    payload = {True: b"", False: b""}
    for packet in packets:
        tcp = packet["tcp"]
        assert tcp["tcp.checksum.status"] == "1", "good"
        assert "ip" not in packet or packet["ip"]["ip.checksum.status"] == "1"
        assert "tcp.analysis.flags" not in json.dumps(tcp.get("tcp.analysis", {})), "no hole, no repetition"
        from_peer = tcp["tcp.srcport"] == peer.rpartition(":")[2]
        payload[from_peer] += bytes.fromhex(tcp.get("tcp.payload", "").replace(":", ""))
    assert payload == {False: REQUEST, True: ANSWER}
    assert [float(packet["frame"]["frame.time_relative"]) for packet in packets][-1] == 2.0
    assert "1700000000.25" in packets[0]["frame"]["frame.time_epoch"]


@pytest.mark.peer
@needs_tshark
@pytest.mark.parametrize("peer", ["udp:192.0.2.9:4059", "udp:[2001:db8::7]:4059"])
def test_tshark_reads_datagrams(peer, tmp_path):
    packets = tshark(two_messages(peer), tmp_path / "x.pcapng")
    assert [packet["udp"]["udp.checksum.status"] for packet in packets] == ["1", "1"]
    assert bytes.fromhex(packets[0]["udp"]["udp.payload"].replace(":", "")) == REQUEST


@pytest.mark.peer
@needs_tshark
def test_tshark_reads_a_serial_line(tmp_path):
    packets = tshark(two_messages("serial:/dev/ttyUSB0"), tmp_path / "x.pcapng")
    assert [packet["rtacser"]["rtacser.eventtype"] for packet in packets] == ["0x01", "0x02"]
    assert int(packets[0]["frame"]["frame.len"]) == 12 + len(REQUEST)
