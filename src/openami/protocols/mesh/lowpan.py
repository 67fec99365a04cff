"""Packets in frames and out of them again (RFC 4944, RFC 6282)."""

from __future__ import annotations

from typing import Final

from openami.protocols.mesh.fragment import Reassembly, fragments, is_fragment
from openami.protocols.mesh.frame import BROADCAST, MacFrame
from openami.protocols.mesh.iphc import compress, decompress
from openami.protocols.mesh.link_security import OVERHEAD
from openami.protocols.mesh.parameters import FCS_SIZE, MeshParameters

_UNICAST_HEADER: Final = 21
_BROADCAST_HEADER: Final = 15


class Lowpan:
    """Adaptation for one station. `prefix` is what context 0 stands for."""

    def __init__(self, eui64: bytes, parameters: MeshParameters) -> None:
        self._identity = eui64
        self._space = parameters.psdu_max - FCS_SIZE - OVERHEAD
        self._reassembly = Reassembly(parameters.reassembly_s)
        self._tag = 0
        self.prefix = parameters.prefix

    @property
    def due(self) -> float:
        return self._reassembly.due

    def act(self, now: float) -> int:
        """Give up packets that stay incomplete; how many."""
        return self._reassembly.act(now)

    def frames(self, packet: bytes, destination: bytes) -> list[bytes]:
        """The payloads of the frames that carry `packet` to a neighbour, or to all of them (`BROADCAST`)."""
        headers, used = compress(packet, self._identity, destination, self.prefix)
        self._tag = (self._tag + 1) & 0xFFFF
        header = _BROADCAST_HEADER if destination == BROADCAST else _UNICAST_HEADER
        return fragments(headers, used, packet, self._space - header, self._tag)

    def packet(self, frame: MacFrame, payload: bytes, now: float) -> bytes | None:
        """The packet that `payload` brings or completes; raises `DecodeError`."""
        if is_fragment(payload):
            return self._reassembly.add(
                frame.source,
                payload,
                now,
                lambda first, size: decompress(first, frame.source, frame.destination, self.prefix, size),
            )
        return decompress(payload, frame.source, frame.destination, self.prefix)
