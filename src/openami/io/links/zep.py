"""ZEP version 2: IEEE 802.15.4 frames in UDP datagrams, the radio of a lab without radios.

Header (from Wireshark's dissector): "EX", version 2, type 1, channel, device (2), 1 if a frame check sequence
follows the frame, link quality, NTP time (8), sequence (4), 10 reserved octets, length. Frames of CC24xx radios bring
signal strength and a good-check bit in place of the check sequence. A frame has at most 127 octets here.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from urllib.parse import parse_qsl, urlsplit

from openami.io.links.inbox import Inbox
from openami.model.errors import (
    ConnectFailed,
    DecodeError,
    FrameCheckError,
    LinkLost,
    LocalProtocolError,
    SettingError,
)
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.wire.crc import crc16_kermit

LOG = logging.getLogger(__name__)
ZEP_PORT: Final = 17754
FRAME_MAX: Final = 127
_HEAD: Final = struct.Struct(">2sBBBHBBQI10sB")
_DATA, _VERSION = 1, 2
_GOOD_CHECK: Final = 0x80
_WEAKEST_DBM, _RANGE_DB = -100, 60


LAB: Final = MeshParameters(
    psdu_max=FRAME_MAX,
    bit_rate=250_000,
    phy_overhead=6,
    duty=1.0,
    backoff_s=0.00032,
    ack_wait_s=0.2,
    dio_interval_min_s=0.5,
    keepalive_s=20.0,
    parent_hold_s=5.0,
    dao_delay_s=0.1,
    dao_change_delay_s=0.5,
    dao_step_s=1.0,
    dao_ack_s=2.0,
    beacon_wait_s=0.3,
    join_wait_s=2.0,
    scan_interval_min_s=0.5,
    scan_interval_max_s=8.0,
    confirmed_wait_s=2.0,
    key_distribution_s=60.0,
)
"""A mesh on ZEP: O-QPSK's 127 octets and 250 kbit/s, and periods of seconds, since nobody else is on this air."""


class Radio(Protocol):
    """A half-duplex radio. PSDUs are without their frame check sequence."""

    async def transmit(self, psdu: bytes) -> bool:
        """Send a frame; true when its last symbol has left, false if the channel was busy. Raises `LinkError`."""
        ...

    async def receive(self) -> tuple[bytes, int]:
        """The next frame that was heard and how strong it was, in dBm. Raises `LinkError`."""
        ...


def encode_zep(psdu: bytes, sequence: int, *, channel: int = 26, device: int = 1) -> bytes:
    """A datagram with a frame and its check sequence."""
    frame = psdu + crc16_kermit(psdu).to_bytes(2, "little")
    if len(frame) > FRAME_MAX:
        raise LocalProtocolError(f"a frame of {len(frame)} octets; ZEP carries {FRAME_MAX}: set psdu_max to that")
    head = _HEAD.pack(b"EX", _VERSION, _DATA, channel, device, 1, 0xFF, 0, sequence & 0xFFFFFFFF, b"", len(frame))
    return head + frame


def decode_zep(datagram: bytes) -> tuple[bytes, int]:
    """The frame in a datagram without its check sequence, and its strength in dBm; raises `DecodeError`."""
    if len(datagram) < _HEAD.size:
        raise DecodeError(f"{_HEAD.size} octets of ZEP header expected, {len(datagram)} there", len(datagram))
    mark, version, kind, _, _, checked, quality, _, _, _, size = _HEAD.unpack_from(datagram)
    if (mark, version, kind) != (b"EX", _VERSION, _DATA):
        raise DecodeError(f"no ZEP 2 data: {datagram[:4].hex()}", 0)
    frame = datagram[_HEAD.size :]
    if len(frame) != size or size < 2:
        raise DecodeError(f"ZEP length {size}, but {len(frame)} octets follow", _HEAD.size - 1)
    psdu, check = frame[:-2], frame[-2:]
    good = check == crc16_kermit(psdu).to_bytes(2, "little") if checked else bool(check[1] & _GOOD_CHECK)
    if not good:
        raise FrameCheckError("the frame check sequence is wrong", len(datagram) - 2)
    return psdu, _WEAKEST_DBM + quality * _RANGE_DB // 0xFF


class ZepRadio(asyncio.DatagramProtocol):
    """Sends to all `peers` and hears whatever comes; make it with `open_zep`. `refused` counts what was no frame."""

    def __init__(self, peers: Sequence[tuple[str, int]], channel: int) -> None:
        self.port = 0
        self.refused = 0
        self._peers = peers
        self._channel = channel
        self._sequence = 0
        self._inbox = Inbox(datagrams=True)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self._inbox.full:
            self._inbox.put(data)

    def error_received(self, exc: Exception) -> None:
        LOG.info("ZEP port %d heard of an undelivered datagram: %s", self.port, exc)

    async def transmit(self, psdu: bytes) -> bool:
        if self._transport is None or self._transport.is_closing():
            raise LinkLost("the ZEP radio was closed")
        self._sequence += 1
        datagram = encode_zep(psdu, self._sequence, channel=self._channel)
        for peer in self._peers:
            self._transport.sendto(datagram, peer)
        return True

    async def receive(self) -> tuple[bytes, int]:
        while True:
            datagram = await self._inbox.take()
            if not datagram:
                raise LinkLost("the ZEP radio was closed")
            try:
                return decode_zep(datagram)
            except DecodeError:
                self.refused += 1

    async def close(self) -> None:
        """Be silent and deaf."""
        self._inbox.end()
        if self._transport is not None:
            self._transport.close()


@dataclass(frozen=True, slots=True)
class ZepAddress:
    """Where a radio listens, and whom its frames reach."""

    host: str
    port: int
    peers: tuple[tuple[str, int], ...]
    channel: int

    async def open(self) -> ZepRadio:
        """The radio; raises `ConnectFailed`."""
        return await open_zep(self.host, self.port, self.peers, channel=self.channel)


def zep_address(text: str, where: str) -> ZepAddress:
    """Read `zep://HOST:PORT?peer=HOST:PORT&channel=26` with any peers; raise `SettingError` naming `where`."""
    url = urlsplit(text)
    try:
        if url.scheme != "zep" or url.path or not url.hostname or url.port is None:
            raise ValueError(text)
        given = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
        peers = tuple(_peer(value) for key, value in given if key == "peer")
        channels = [int(value) for key, value in given if key == "channel"]
        if (
            len(channels) > 1
            or len(peers) + len(channels) != len(given)
            or not all(11 <= one <= 26 for one in channels)
        ):
            raise ValueError(text)
    except ValueError:
        raise SettingError(
            f"{where} is {text!r}; write zep://HOST:PORT?peer=HOST:PORT, a peer for each neighbour; channel 11 to 26"
        ) from None
    return ZepAddress(url.hostname, url.port, peers, channels[0] if channels else 26)


def _peer(text: str) -> tuple[str, int]:
    url = urlsplit(f"//{text}")
    if not url.hostname or not url.port or url.path or url.query:
        raise ValueError(text)
    return url.hostname, url.port


async def open_zep(host: str, port: int, peers: Sequence[tuple[str, int]], *, channel: int = 26) -> ZepRadio:
    """A radio on `host:port` (0: any free port) whose frames reach all `peers`; raises `ConnectFailed`.

    A dispatcher that repeats every frame to its clients is one peer; stations that hear each other directly are
    each other's peers.
    """
    loop = asyncio.get_running_loop()
    try:
        _, radio = await loop.create_datagram_endpoint(lambda: ZepRadio(peers, channel), local_addr=(host, port))
    except OSError as error:
        raise ConnectFailed(f"cannot listen on {host}:{port} (ZEP): {error.strerror or error}") from error
    return radio
