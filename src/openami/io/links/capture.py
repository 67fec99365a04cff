"""What passes a link, kept: a link that copies, and a pcapng file that Wireshark and tshark open.

Payloads of TCP and UDP links get made-up IP headers around them (see `packets`); TLS links appear as the plain
TCP that runs inside. Serial lines are written as RTAC serial records (link type 250 of tcpdump.org's list).
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import BinaryIO, Protocol

from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.packets import End, TcpFlow, udp_packet

LINKTYPE_RAW_IP = 101
LINKTYPE_RTAC_SERIAL = 250
OWN_PORT = 49152
OWN_PORTS = 16384
"""Our ends' ports, one after another, so that links to one peer stay apart."""
_STAND_IN = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
"""Addresses for documentation, for ends whose address is not known: ours and the peer's."""
_OUTBOUND, _INBOUND = 2, 1


class Sink(Protocol):
    """Takes copies of what passes one link. `at` is UTC, seconds since 1970-01-01."""

    def sent(self, data: bytes, at: float) -> None:
        """Bytes went to the peer."""
        ...

    def received(self, data: bytes, at: float) -> None:
        """Bytes came from the peer."""
        ...

    def ended(self, at: float) -> None:
        """The link is closed."""
        ...


class CapturingLink:
    """`link`, with a copy of everything to `sink`."""

    def __init__(self, link: Link, sink: Sink, clock: Clock) -> None:
        self.peer = link.peer
        self.datagrams = link.datagrams
        self._link = link
        self._sink = sink
        self._clock = clock
        self._open = True

    async def receive(self) -> bytes:
        data = await self._link.receive()
        if data:
            self._sink.received(data, self._clock.time())
        return data

    async def send(self, data: bytes) -> None:
        self._sink.sent(data, self._clock.time())
        await self._link.send(data)

    async def close(self) -> None:
        await self._link.close()
        if self._open:
            self._open = False
            self._sink.ended(self._clock.time())


class PcapngWriter:
    """A pcapng file with an interface for IP and one for serial lines. Closing the file is its opener's."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._links = 0
        self._block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(4, b"OpenAMI") + _option(0, b""))
        for link_type in (LINKTYPE_RAW_IP, LINKTYPE_RTAC_SERIAL):
            self._block(1, struct.pack("<HHI", link_type, 0, 0))

    def packet(self, link_type: int, raw: bytes, at: float, *, outbound: bool) -> None:
        """One record; `at` is UTC in seconds and kept in microseconds."""
        stamp = round(at * 1_000_000)
        interface = (LINKTYPE_RAW_IP, LINKTYPE_RTAC_SERIAL).index(link_type)
        head = struct.pack("<IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(raw), len(raw))
        flags = _option(2, struct.pack("<I", _OUTBOUND if outbound else _INBOUND)) + _option(0, b"")
        self._block(6, head + _padded(raw) + flags)

    def link(self, peer: str, at: float, *, opened_by_us: bool = True) -> Sink:
        """A sink for the link to `peer`, as `Link.peer` names it: `tcp:…`, `tls:…`, `udp:…`, `serial:…`, `pty:…`."""
        kind, _, rest = peer.partition(":")
        port = OWN_PORT + self._links % OWN_PORTS
        self._links += 1
        if kind in {"tcp", "tls"}:
            return _TcpSink(self, *_ends(rest, port), at, client=opened_by_us)
        if kind == "udp":
            return _UdpSink(self, *_ends(rest, port))
        return _SerialSink(self)

    def _block(self, kind: int, body: bytes) -> None:
        total = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + total + body + total)


class _TcpSink:
    def __init__(self, writer: PcapngWriter, own: End, peer: End, at: float, *, client: bool) -> None:
        self._writer = writer
        self._client = client
        self._flow = TcpFlow(own, peer) if client else TcpFlow(peer, own)
        self._write(self._flow.opening(), at)

    def sent(self, data: bytes, at: float) -> None:
        by_client = self._client
        self._write([(by_client, raw) for raw in self._flow.data(data, by_client=by_client)], at)

    def received(self, data: bytes, at: float) -> None:
        by_client = not self._client
        self._write([(by_client, raw) for raw in self._flow.data(data, by_client=by_client)], at)

    def ended(self, at: float) -> None:
        self._write(self._flow.closing(by_client=self._client), at)

    def _write(self, packets: list[tuple[bool, bytes]], at: float) -> None:
        for by_client, raw in packets:
            self._writer.packet(LINKTYPE_RAW_IP, raw, at, outbound=by_client is self._client)


class _UdpSink:
    def __init__(self, writer: PcapngWriter, own: End, peer: End) -> None:
        self._writer = writer
        self._own = own
        self._peer = peer

    def sent(self, data: bytes, at: float) -> None:
        self._writer.packet(LINKTYPE_RAW_IP, udp_packet(self._own, self._peer, data), at, outbound=True)

    def received(self, data: bytes, at: float) -> None:
        self._writer.packet(LINKTYPE_RAW_IP, udp_packet(self._peer, self._own, data), at, outbound=False)

    def ended(self, at: float) -> None:
        """UDP ends without a word."""


class _SerialSink:
    """RTAC serial records: seconds, microseconds, event (1 sent, 2 received), control lines, two unused bytes."""

    def __init__(self, writer: PcapngWriter) -> None:
        self._writer = writer

    def sent(self, data: bytes, at: float) -> None:
        self._write(1, data, at)

    def received(self, data: bytes, at: float) -> None:
        self._write(2, data, at)

    def ended(self, at: float) -> None:
        """A line ends without a word."""

    def _write(self, event: int, data: bytes, at: float) -> None:
        seconds, microseconds = divmod(round(at * 1_000_000), 1_000_000)
        head = struct.pack(">IIBBH", seconds & 0xFFFFFFFF, microseconds, event, 0, 0)
        self._writer.packet(LINKTYPE_RTAC_SERIAL, head + data, at, outbound=event == 1)


def _ends(peer: str, own_port: int) -> tuple[End, End]:
    """Our end and the peer's, with stand-in addresses where `peer` names none."""
    host, _, port = peer.rpartition(":")
    try:
        theirs: IPv4Address | IPv6Address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        theirs = ip_address(_STAND_IN[4][1])
    number = int(port) if port.isascii() and port.isdigit() else 0
    ours = theirs if theirs.is_loopback else ip_address(_STAND_IN[theirs.version][0])
    return End(ours, own_port), End(theirs, number & 0xFFFF)


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)
