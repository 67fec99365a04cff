"""Adversaries on the medium: who listens and repeats, who floods, and the insider who lies about his place."""

from __future__ import annotations

import asyncio
from collections import deque

from openami.protocols.mesh.address import ALL_RPL_NODES
from openami.protocols.mesh.frame import DATA
from openami.protocols.mesh.ipv6 import Packet
from openami.protocols.mesh.link_layer import Heard
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.rpl_messages import RplCode
from openami.simulation.medium import Medium
from openami.simulation.streams import ByteStream

HEARD_MAX = 4096
JOINS_MAX = 512
NEAREST_RANK = 256
"""The lowest rank that neighbours believe of anybody but the root: that of its children."""
_TYPE, _SECURED = 0x07, 0x08


class Recorder:
    """Hears all that its place hears, and puts frames on the air as they came. It keeps no law of the band.

    `joins` are the messages by which stations joined: the only data frames that are not protected with the group key.
    """

    def __init__(self, number: int, medium: Medium, loop: asyncio.AbstractEventLoop) -> None:
        self.heard_frames: deque[bytes] = deque(maxlen=HEARD_MAX)
        self.joins: deque[bytes] = deque(maxlen=JOINS_MAX)
        self.sent_frames = 0
        self._number = number
        self._medium = medium
        self._loop = loop
        medium.attach(number, self)
        medium.lawless.add(number)

    def heard(self, psdu: bytes, level_dbm: int) -> None:  # noqa: ARG002 - whatever the level
        self.heard_frames.append(psdu)
        if psdu[0] & (_TYPE | _SECURED) == DATA:
            self.joins.append(psdu)

    def sent(self, *, clear: bool) -> None:
        self.sent_frames += clear

    def repeat(self, frames: list[bytes], every_s: float) -> None:
        """Send `frames`, one after the other."""
        for number, psdu in enumerate(frames):
            self._loop.call_later(number * every_s, self._medium.transmit, self._number, psdu)


class Flood(Recorder):
    """Frames of noise and of nonsense with right headers, as fast as `every_s` says."""

    def __init__(self, number: int, medium: Medium, loop: asyncio.AbstractEventLoop, random: ByteStream) -> None:
        super().__init__(number, medium, loop)
        self._random = random

    def begin(self, frames: int, every_s: float) -> None:
        """Send so many frames: random octets, or a frame that was heard with some of its octets changed."""
        self._loop.call_later(every_s, self._next, frames, every_s)

    def _next(self, frames: int, every_s: float) -> None:
        self._medium.transmit(self._number, self._made())
        if frames > 1:
            self._loop.call_later(every_s, self._next, frames - 1, every_s)

    def _made(self) -> bytes:
        choice = self._random.take(4)
        if choice[0] < 128 or not self.heard_frames:
            return b"\x41\x98" + self._random.take(8 + choice[1] % 100)
        frame = bytearray(self.heard_frames[choice[1] % len(self.heard_frames)])
        frame[choice[2] % len(frame)] ^= choice[3] or 1
        return bytes(frame)


class Liar(MeshNode):
    """A member with all keys that says it is next to the root, and swallows what it should hand on."""

    swallowed = 0

    def send_rpl(self, code: RplCode, body: bytes, neighbour: bytes | None, now: float) -> None:
        if code == RplCode.DIO:
            body = body[:2] + NEAREST_RANK.to_bytes(2, "big") + body[4:]
        super().send_rpl(code, body, neighbour, now)

    def packet_heard(self, packet: Packet, heard: Heard, now: float) -> None:
        if packet.destination in (*self._sender.own, ALL_RPL_NODES) and not packet.routing:
            super().packet_heard(packet, heard, now)
        else:
            self.swallowed += 1
