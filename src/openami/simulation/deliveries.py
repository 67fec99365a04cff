"""What was pushed and what arrived, as anybody outside can see it: sealed bytes, times and hops."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from openami.field.meter.electricity import ElectricityMeter
from openami.model.errors import DecodeError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.security import read_header
from openami.protocols.dlms.wrapper import decode_wrapper
from openami.simulation.checkers import InvocationCounters


class WatchedMeter(ElectricityMeter):
    """The meter itself; `deliveries` is told when a push leaves it. The slot is set before the first push."""

    deliveries: Deliveries

    def next_push(self) -> bytes | None:
        apdu = super().next_push()
        if apdu is not None:
            self.deliveries.left(self.config.system_title, self.now)
        return apdu


@dataclass(slots=True)
class Deliveries:
    """Times are UTC seconds. `latencies_s` count from the first time a meter tried to send until something came."""

    counters: InvocationCounters
    left_pushes: int = 0
    arrived: int = 0
    repeated: int = 0
    foreign: int = 0
    latencies_s: list[float] = field(default_factory=list)
    hops: Counter[int] = field(default_factory=Counter)
    _last: dict[bytes, float] = field(default_factory=dict)
    _waiting: dict[bytes, float] = field(default_factory=dict)
    _seen: set[tuple[bytes, int]] = field(default_factory=set)

    def left(self, system_title: bytes, now: float) -> None:
        """A meter handed a push to its network."""
        self.left_pushes += 1
        self._waiting.setdefault(system_title, now)

    def came(self, payload: bytes, hops: int, now: float) -> None:
        """A collector received a datagram that should be a sealed push in the wrapper."""
        try:
            apdu = decode_wrapper(payload).apdu
            outer = decode_apdu(apdu)
            if not isinstance(outer, GeneralGloCiphering):
                raise DecodeError("no sealed push", 0)
            who = outer.system_title, read_header(outer.content).invocation_counter
        except DecodeError:
            self.foreign += 1
            return
        self.counters.watch(now, *who, outer.content)
        if who in self._seen:
            self.repeated += 1
            return
        self._seen.add(who)
        self.arrived += 1
        self.hops[hops] += 1
        self._last[who[0]] = now
        since = self._waiting.pop(who[0], None)
        if since is not None:
            self.latencies_s.append(now - since)

    def last(self, system_title: bytes) -> float:
        """When the last push of a meter came; 0 if never."""
        return self._last.get(system_title, 0.0)
