"""Watchers of a run: they never steer, and what they find is a fault of the system under test.

Those of frames and counters watch all the time; those of routes and buffers look now and then; those of energy and
readings compare the meters with the store after healing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from zlib import crc32

from openami.model.errors import DecodeError
from openami.protocols.mesh.frame import decode_frame

FINDINGS_MAX: Final = 100
LOOP_MAX_S: Final = 300.0
"""A routing loop must be gone after this: one repair."""
_RECENT: Final = 256


class Checker:
    """One rule: what was checked how often, and what broke it (the first `FINDINGS_MAX`)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checked = 0
        self.broken = 0
        self.findings: list[str] = []

    def find(self, text: str) -> None:
        """The rule was broken."""
        self.broken += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(text)

    @property
    def passed(self) -> bool:
        return not self.broken


class FrameCounters(Checker):
    """No station uses one frame counter of one key for two different frames, whatever happened to it in between."""

    def __init__(self) -> None:
        super().__init__("frame counters")
        self._highest: dict[tuple[bytes, bytes], int] = {}
        self._recent: dict[tuple[bytes, bytes], dict[int, int]] = {}

    def watch(self, now: float, psdu: bytes) -> None:
        """A frame of an honest station is on the air."""
        try:
            frame = decode_frame(psdu)
        except DecodeError:
            self.find(f"{now:.6f} s: a station sent what is no frame: {psdu.hex()}")
            return
        if not frame.secured or len(frame.content) < 5:
            return
        self.checked += 1
        control, counter = frame.content[0], int.from_bytes(frame.content[1:5], "little")
        identifier = frame.content[5 : 5 + (0, 1, 5, 9)[control >> 3 & 3]]
        self._judge(now, (frame.source, bytes((control >> 3 & 3,)) + identifier), counter, crc32(psdu))

    def _judge(self, now: float, who: tuple[bytes, bytes], counter: int, digest: int) -> None:
        recent = self._recent.setdefault(who, {})
        if counter > self._highest.get(who, -1):
            self._highest[who] = counter
            recent[counter] = digest
            if len(recent) > _RECENT:
                del recent[next(iter(recent))]
        elif recent.get(counter) != digest:
            self.find(f"{now:.6f} s: {who[0].hex()} used frame counter {counter} of key {who[1].hex()} again")


class InvocationCounters(Checker):
    """Nobody seals two different APDUs under one key with one invocation counter. `who` stands for sender and key."""

    def __init__(self) -> None:
        super().__init__("invocation counters")
        self._seen: dict[tuple[bytes, int], int] = {}

    def watch(self, now: float, who: bytes, counter: int, sealed: bytes) -> None:
        """A sealed APDU was seen; `sealed` is its ciphered content."""
        self.checked += 1
        digest = crc32(sealed)
        before = self._seen.setdefault((who, counter), digest)
        if before != digest:
            self.find(f"{now:.6f} s: {who.hex()} sealed two APDUs with invocation counter {counter}")


class RoutingLoops(Checker):
    """No routing loop lives longer than one repair."""

    def __init__(self) -> None:
        super().__init__("routing loops")
        self.seen = 0
        self._since: dict[tuple[int, ...], float] = {}

    def look(self, now: float, parents: Mapping[int, int | None]) -> None:
        """The parents that stations have now."""
        self.checked += 1
        loops = {loop: self._since.get(loop, now) for loop in loops_in(parents)}
        self.seen += sum(loop not in self._since for loop in loops)
        for loop, since in loops.items():
            if now - since > LOOP_MAX_S:
                self.find(f"{now:.0f} s: a routing loop of {len(loop)} stations since {since:.0f} s: {loop[:8]}")
        self._since = loops


def loops_in(parents: Mapping[int, int | None]) -> list[tuple[int, ...]]:
    """Every cycle of parents, each once, its smallest member first."""
    found: list[tuple[int, ...]] = []
    state: dict[int, int] = {}
    for start in parents:
        if start in state:
            continue
        path: list[int] = []
        at: int | None = start
        while at is not None and at in parents and at not in state:
            state[at] = start
            path.append(at)
            at = parents[at]
        if at is not None and state.get(at) == start and at in path:
            loop = path[path.index(at) :]
            turn = loop.index(min(loop))
            found.append(tuple(loop[turn:] + loop[:turn]))
    return found


class DutyCycle(Checker):
    """No station is on the air longer than its share of any hour; kept by the minute, apart from the medium's books."""

    def __init__(self, share_permille: int) -> None:
        super().__init__("duty cycle")
        self._limit_us = share_permille * 3_600_000
        self._minutes: dict[int, dict[int, int]] = {}
        self._used_us: dict[int, int] = {}

    def watch(self, now: float, station: int, airtime_us: int) -> None:
        """A station sends for so long."""
        self.checked += 1
        minutes = self._minutes.setdefault(station, {})
        minute = int(now // 60)
        if minute not in minutes:
            for old in [one for one in minutes if one <= minute - 60]:
                del minutes[old]
            minutes[minute] = 0
            self._used_us[station] = sum(minutes.values())
        minutes[minute] += airtime_us
        self._used_us[station] += airtime_us
        if (used := self._used_us[station]) > self._limit_us:
            self.find(f"{now:.0f} s: station {station} was on the air for {used / 1e6:.2f} s within an hour")


class Bounds(Checker):
    """Queues and buffers stay below what they promise."""

    def __init__(self) -> None:
        super().__init__("buffers bounded")
        self.most: dict[str, int] = {}

    def look(self, now: float, sizes: Iterable[tuple[str, int, int]]) -> None:
        """Kind, size and limit of each buffer."""
        for kind, size, limit in sizes:
            self.checked += 1
            if size > self.most.get(kind, 0):
                self.most[kind] = size
            if size > limit:
                self.find(f"{now:.0f} s: a {kind} holds {size}, its limit is {limit}")
