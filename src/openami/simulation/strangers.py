"""Those who are on the medium and belong to nobody: made for the faults of a district, in their order."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.mesh.events import DatagramReceived, Joined, KeyChanged, Persist, StationKnown
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings
from openami.simulation.adversary import Flood, Liar, Recorder
from openami.simulation.checkers import Checker
from openami.simulation.district import ON_THE_MEDIUM, District, Fault
from openami.simulation.medium import Medium
from openami.simulation.station import Station
from openami.simulation.streams import ByteStream, Streams
from openami.simulation.trace import Trace

_LET_IN = (Joined, KeyChanged, DatagramReceived)
"""What a station is told that was let in."""
_FOUND = (StationKnown, DatagramReceived)
"""What a root is told whom others took for theirs."""


def on_the_medium(district: District) -> list[tuple[int, Fault]]:
    """The faults whose adversary has a place on the medium, by their numbers."""
    return [(number, fault) for number, fault in enumerate(district.faults) if fault.kind in ON_THE_MEDIUM]


class Strangers:
    """On the medium strangers come after the houses. `kept_out` finds whom the mesh let in."""

    def __init__(
        self,
        district: District,
        parameters: MeshParameters,
        streams: Streams,
        medium: Medium,
        loop: asyncio.AbstractEventLoop,
        trace: Trace,
    ) -> None:
        self.kept_out = Checker("strangers kept out")
        self.insiders: dict[bytes, bytes] = {}
        """The keys of those who are members and lie, by EUI-64."""
        self._parameters = parameters
        self._streams = streams
        self._medium = medium
        self._loop = loop
        self._trace = trace
        first = len(district.stations)
        self._made = {
            fault: self._make(fault, kind.kind, first + place)
            for place, (fault, kind) in enumerate(on_the_medium(district))
        }

    def recorder(self, fault: int) -> Recorder:
        """The adversary of the fault with this number."""
        stranger = self._made[fault]
        assert isinstance(stranger, Recorder)
        return stranger

    def flood(self, fault: int) -> Flood:
        """The same, who floods."""
        stranger = self._made[fault]
        assert isinstance(stranger, Flood)
        return stranger

    def station(self, fault: int) -> Station:
        """The same, who runs a mesh station with keys of his own."""
        stranger = self._made[fault]
        assert isinstance(stranger, Station)
        return stranger

    def _make(self, fault: int, kind: str, number: int) -> Recorder | Station:
        if kind == "flood":
            return Flood(number, self._medium, self._loop, ByteStream(f"{self._streams.seed}/flood/{fault}"))
        if kind in {"replayed-frames", "replayed-join"}:
            return Recorder(number, self._medium, self._loop)
        random = self._streams.bytes(f"stranger/{fault}")
        settings = NodeSettings(
            eui64=b"\x02EVE" + fault.to_bytes(4, "big"),
            root=kind == "forged-relay",
            device_key=random(16),
            keys_of=(lambda _eui: bytes(16)) if kind == "forged-relay" else None,
            parameters=self._parameters,
        )
        counters = MemoryCounters()
        if kind == "lying-rank":
            self.insiders[settings.eui64] = settings.device_key or b""
        core = (Liar if kind == "lying-rank" else MeshNode)(settings, random, counters)
        return Station(
            number,
            kind,
            core,
            self._medium,
            self._loop,
            partial(self._heard, counters, settings),
            settings.eui64,
        )

    def _heard(self, counters: MemoryCounters, settings: NodeSettings, station: Station, event: Any) -> None:
        now = self._loop.time()
        if isinstance(event, Persist):
            counters.save(event.name, event.value)
            station.core.persisted(event, now)
        if settings.eui64 in self.insiders:
            return
        self._trace.note(now, "stranger", station.number, type(event).__name__)
        self.kept_out.checked += 1
        if isinstance(event, _FOUND if settings.root else _LET_IN):
            self.kept_out.find(f"{now:.0f} s: the {station.name} got {type(event).__name__}")
