"""A shared medium: who hears a frame, at which level, and what collides with it.

Radio and power line differ in their links (`radio`, `power_line`); airtime, carrier sense, collisions, capture, noise
and the duty-cycle limit are the same here. Every decision is made on integers: levels in whole dBm, chances in
2^-20 parts that follow from the names of sender and receiver and the number of the frame.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Final, Protocol

from openami.simulation.streams import mixed
from openami.simulation.trace import Trace

PARTS: Final = 1 << 20
CAPTURE_DB: Final = 10
"""A frame is received in spite of another one that is so much weaker."""
MARGIN_MIN: Final = -10
"""Below the sensitivity by more than this, a frame does not even disturb."""
MARGIN_HEARD: Final = -3
"""Below the sensitivity by more than this, not even the shortest frame comes through."""
_MARGIN_MAX: Final = 30
_SIZE_STEP: Final = 16
_ACKNOWLEDGEMENT: Final = 2
_ACK_WANTED, _LONG_ADDRESS = 0x20, 0x0C
_DESTINATION: Final = slice(5, 13)
"""Where the second octet of a frame has the bits `_LONG_ADDRESS`: the receiver's EUI-64, backwards."""
_NOTHING, _EVERYTHING = -1, -2
_FCS_OCTETS: Final = 2
DUTY_WINDOW_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Phy:
    """`overhead_octets` are preamble, delimiter and header before each PSDU.

    PSDUs here are without their frame check sequence, which is on the air all the same.
    """

    rate_bps: int
    overhead_octets: int
    sensitivity_dbm: int
    carrier_sense_dbm: int
    duty_permille: int

    def airtime_us(self, psdu: bytes) -> int:
        """How long a frame is on the air, in whole microseconds."""
        return (self.overhead_octets + len(psdu) + _FCS_OCTETS) * 8_000_000 // self.rate_bps


@dataclass(frozen=True, slots=True)
class Neighbour:
    """`receiver` hears at `level_dbm`; of what it could hear `loss` of 2^20 frames are lost all the same."""

    receiver: int
    level_dbm: int
    loss: int


class Port(Protocol):
    """A station as the medium sees it."""

    def heard(self, psdu: bytes, level_dbm: int) -> None:
        """A frame came through."""
        ...

    def sent(self, *, clear: bool) -> None:
        """The frame is off the air; or it never was, because the channel was busy or the duty cycle spent."""
        ...


@dataclass(slots=True, eq=False)
class Transmission:
    """A frame on the air."""

    sender: int
    psdu: bytes
    number: int
    levels: dict[int, int]
    receivers: Sequence[Neighbour]
    spoiled: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Counts:
    """What the medium did. `received`, `lost` and `collided` count those whom a frame is for."""

    frames: int = 0
    octets: int = 0
    received: int = 0
    lost: int = 0
    collided: int = 0
    busy: int = 0
    duty_refused: int = 0


class Medium:
    """`links[n]` are the neighbours of station n, `keys[n]` 64 bits that belong to its name."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        phy: Phy,
        links: Sequence[Sequence[Neighbour]],
        keys: Sequence[int],
        trace: Trace,
    ) -> None:
        self.phy = phy
        self.links = links
        self.counts = Counts()
        self.noise_db = [0] * len(links)
        """How much more noise than usual each station has now."""
        self.airtime_us = [0] * len(links)
        self.watchers: list[Callable[[float, int, bytes], None]] = []
        """Told of each frame that goes on the air: time, sender, PSDU."""
        self.lawless: set[int] = set()
        """Stations that ask neither the channel nor the duty cycle."""
        self._loop = loop
        self._keys = keys
        self._trace = trace
        self._ports: list[Port | None] = [None] * len(links)
        self._levels = [{one.receiver: one.level_dbm for one in neighbours} for neighbours in links]
        floor = phy.sensitivity_dbm + MARGIN_HEARD
        self._hearers = [[one for one in neighbours if one.level_dbm >= floor] for neighbours in links]
        self._near = [{one.receiver: one for one in hearers} for hearers in self._hearers]
        self._eavesdroppers: list[int] = []
        self._stations: dict[bytes, int] = {}
        self._awaits = [_EVERYTHING] * len(links)
        self._sent = [0] * len(links)
        self._spent: list[deque[tuple[float, int]]] = [deque() for _ in links]
        self._in_window = [0] * len(links)
        self._on_air: list[Transmission] = []

    def attach(self, station: int, port: Port, eui64: bytes = b"") -> None:
        """From now on `port` hears what `station` hears.

        With `eui64` its radio filters, as radios do: it hands over frames for that address or for everybody, and
        the acknowledgement of the frame that it has sent last. Without, everything is heard.
        """
        self._ports[station] = port
        if eui64:
            self._stations[eui64[::-1]] = station
            self._awaits[station] = _NOTHING
        else:
            self._eavesdroppers.append(station)

    def transmit(self, sender: int, psdu: bytes) -> None:
        """Put a frame on the air if the channel is free; acknowledgements do not ask."""
        now = self._loop.time()
        asks = psdu[0] & 7 != _ACKNOWLEDGEMENT and sender not in self.lawless
        busy = asks and self._busy(sender)
        airtime_us = self.phy.airtime_us(psdu)
        if busy or not self._may_send(sender, now, airtime_us):
            self.counts.busy += busy
            self.counts.duty_refused += not busy
            self._loop.call_at(now, self._refuse, sender)
            return
        self._sent[sender] += 1
        frame = Transmission(sender, psdu, self._sent[sender], self._levels[sender], self._receivers(sender, psdu))
        if self._awaits[sender] != _EVERYTHING and psdu[0] & 7 != _ACKNOWLEDGEMENT:
            self._awaits[sender] = psdu[2] if psdu[0] & _ACK_WANTED else _NOTHING
        self._collide(frame)
        self._on_air.append(frame)
        self._note(now, frame)
        self._loop.call_at(now + airtime_us / 1e6, self._end, frame)

    def cut(self, station: int) -> None:
        """The station loses its supply: what it was sending is no frame any more."""
        for frame in self._on_air:
            if frame.sender == station:
                frame.spoiled.update(frame.levels)

    def duty_used_s(self, station: int) -> float:
        """Seconds on the air within the last hour."""
        self._forget(station, self._loop.time())
        return self._in_window[station] / 1e6

    def _busy(self, station: int) -> bool:
        threshold = self.phy.carrier_sense_dbm
        return any(frame.levels.get(station, -999) >= threshold for frame in self._on_air)

    def _may_send(self, station: int, now: float, airtime_us: int) -> bool:
        self._forget(station, now)
        if (
            station not in self.lawless
            and self._in_window[station] + airtime_us > self.phy.duty_permille * DUTY_WINDOW_S * 1000
        ):
            return False
        self._in_window[station] += airtime_us
        self.airtime_us[station] += airtime_us
        self._spent[station].append((now, airtime_us))
        return True

    def _forget(self, station: int, now: float) -> None:
        spent = self._spent[station]
        while spent and spent[0][0] <= now - DUTY_WINDOW_S:
            self._in_window[station] -= spent.popleft()[1]

    def _refuse(self, sender: int) -> None:
        port = self._ports[sender]
        if port is not None:
            port.sent(clear=False)

    def _receivers(self, sender: int, psdu: bytes) -> Sequence[Neighbour]:
        """Those near `sender` whose radios would hand the frame over."""
        near = self._near[sender]
        if psdu[0] & 7 == _ACKNOWLEDGEMENT:
            wanted, awaits = (psdu[2], _EVERYTHING), self._awaits
            return [one for one in self._hearers[sender] if awaits[one.receiver] in wanted]
        if len(psdu) < _DESTINATION.stop or psdu[1] & _LONG_ADDRESS != _LONG_ADDRESS:
            return self._hearers[sender]
        stations = (self._stations.get(psdu[_DESTINATION]), *self._eavesdroppers)
        return [near[station] for station in stations if station in near]

    def _collide(self, frame: Transmission) -> None:
        for other in self._on_air:
            frame.spoiled.add(other.sender)
            other.spoiled.add(frame.sender)
            _spoil(frame, other)
            _spoil(other, frame)

    def _note(self, now: float, frame: Transmission) -> None:
        self.counts.frames += 1
        self.counts.octets += len(frame.psdu)
        self._trace.note(now, "frame", frame.sender, frame.psdu.hex())
        for watch in self.watchers:
            watch(now, frame.sender, frame.psdu)

    def _end(self, frame: Transmission) -> None:
        self._on_air.remove(frame)
        sender, counts, ports = frame.sender, self.counts, self._ports
        port = ports[sender]
        if port is not None:
            port.sent(clear=True)
        table = _success(min(len(frame.psdu) // _SIZE_STEP, len(SUCCESS) - 1))
        chance = mixed(self._keys[sender] + frame.number)
        floor = self.phy.sensitivity_dbm
        for one in frame.receivers:
            receiver = one.receiver
            margin = one.level_dbm - floor - self.noise_db[receiver]
            if receiver in frame.spoiled:
                counts.collided += 1
                continue
            drawn = mixed(chance ^ self._keys[receiver]) >> 44
            got = table[min(margin, _MARGIN_MAX) - MARGIN_MIN] if margin >= MARGIN_HEARD else 0
            hearing = ports[receiver]
            if drawn >= got * (PARTS - one.loss) >> 20:
                counts.lost += 1
            elif hearing is not None:
                counts.received += 1
                hearing.heard(frame.psdu, one.level_dbm)


def _spoil(frame: Transmission, other: Transmission) -> None:
    """Note who does not receive `frame` because of `other`."""
    against = other.levels
    for one in frame.receivers:
        if one.level_dbm - against.get(one.receiver, -999) < CAPTURE_DB:
            frame.spoiled.add(one.receiver)


def _received(margin_db: int, octets: int) -> int:
    """How many of 2^20 frames a receiver gets at a margin over its sensitivity, where it loses 10 % of 250 octets."""
    at_sensitivity = 2 * log(0.5 / (1 - 0.9 ** (1 / 2000)))
    wrong_bit = 0.5 * exp(-at_sensitivity * 10 ** (margin_db / 10) / 2)
    return round((1 - wrong_bit) ** (8 * octets) * PARTS)


SUCCESS: Final = tuple(
    tuple(_received(margin, size * _SIZE_STEP + _SIZE_STEP) for margin in range(MARGIN_MIN, _MARGIN_MAX + 1))
    for size in range(129)
)
"""By size (in steps of 16 octets) and margin (from `MARGIN_MIN` dB): parts of 2^20."""


def _success(size: int) -> tuple[int, ...]:
    return SUCCESS[size]
