"""One run: a district lives, suffers its faults, heals, and is audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from openami.simulation.audit import audit
from openami.simulation.checkers import Checker
from openami.simulation.district import District
from openami.simulation.faults import schedule
from openami.simulation.loop import VirtualLoop
from openami.simulation.medium import Counts
from openami.simulation.world import World

HOUR_S = 3600.0
DAY_S = 86_400.0
FORMATION_S = 900.0
FORMED_SHARE = 0.99
HEALING_S = 7200.0
"""After the faults the district lives on so long without them; then nothing may be missing."""
LOOK_S = 10.0


@dataclass(frozen=True, slots=True)
class Hour:
    """How things stood at the end of an hour."""

    hour: int
    routed: int
    alive: int
    pushes: int
    arrived: int
    frames: int
    collided: int
    airtime_share: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a run showed. Latencies are seconds, sorted; `formed_s` is None if 99 % were never routed."""

    district: str
    seed: int
    days: float
    meters: int
    trace_hash: str
    events: int
    formed_s: float | None
    routed_at_15_min: int
    intervals: int
    intervals_stored: int
    pushes: int
    arrived: int
    repeated: int
    latencies_s: list[float]
    hops: dict[int, int]
    medium: Counts
    notes: list[tuple[str, int, int]]
    checkers: list[Checker]
    hours: list[Hour]
    routes: dict[int, int | None]
    delivered_share: list[float]

    @property
    def passed(self) -> bool:
        """Whether no checker found anything."""
        return all(checker.passed for checker in self.checkers)

    def latency_s(self, percent: float) -> float:
        """The latency that so many percent of all pushes stayed below; 0 without pushes."""
        if not self.latencies_s:
            return 0.0
        return self.latencies_s[min(len(self.latencies_s) - 1, int(len(self.latencies_s) * percent / 100))]


class Run:
    """`tell` hears of every virtual hour as it ends."""

    def __init__(self, district: District, seed: int, days: float, tell: Callable[[Hour], None]) -> None:
        self._loop = VirtualLoop()
        self._seed = seed
        self._days = days
        self._tell = tell
        self.world = World(district, seed, days + HEALING_S / DAY_S, self._loop)
        self._formed_s: float | None = None
        self._early = 0
        self._hours: list[Hour] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()
        self._loop.close()

    def live(self) -> Result:
        """Everything, to the end."""
        world, loop = self.world, self._loop
        schedule(world)
        world.begin()
        loop.call_later(LOOK_S, self._look)
        loop.call_later(HOUR_S, self._hour)
        end_s = self._days * DAY_S
        loop.call_later(end_s, self._heal)
        loop.call_later(end_s + HEALING_S, loop.stop)
        loop.run_forever()
        return self._result(world.start_s + end_s)

    def _look(self) -> None:
        now, world = self._loop.time(), self.world
        routed = len(world.routed())
        if now <= FORMATION_S:
            self._early = routed
        if routed >= FORMED_SHARE * len(world.meters):
            self._formed_s = now
        elif now < DAY_S:
            self._loop.call_later(LOOK_S, self._look)

    def _heal(self) -> None:
        """All that is still without supply gets it back, and no noise is left."""
        world = self.world
        world.interference_db = [0] * len(world.interference_db)
        world.set_noise()
        world.installation.heal()
        for station in world.stations:
            world.power_on(station.number)

    def _hour(self) -> None:
        self._loop.call_later(HOUR_S, self._hour)
        world = self.world
        alive = sum(station.powered for station in world.stations[world.roots :])
        counts = world.medium.counts
        hour = Hour(
            round(self._loop.time() / HOUR_S),
            len(world.routed()),
            alive,
            world.deliveries.left_pushes,
            world.deliveries.arrived,
            counts.frames,
            counts.collided,
            max(world.medium.duty_used_s(station) for station in range(len(world.names))) / HOUR_S,
        )
        self._hours.append(hour)
        self._tell(hour)

    def _result(self, until: float) -> Result:
        world = self.world
        checked = audit(world, until)
        world.installation.judge()
        deliveries = world.deliveries
        world.trace.note(self._loop.time(), "stored", checked.captured, checked.stored)
        return Result(
            world.district.name,
            self._seed,
            self._days,
            len(world.meters),
            world.trace.hash,
            world.trace.events,
            self._formed_s,
            self._early,
            checked.captured,
            checked.stored,
            deliveries.left_pushes,
            deliveries.arrived,
            deliveries.repeated,
            sorted(deliveries.latencies_s),
            dict(sorted(deliveries.hops.items())),
            world.medium.counts,
            world.notes,
            [*world.checkers, checked.energy, checked.readings],
            self._hours,
            world.parents(),
            [hour.arrived / hour.pushes if hour.pushes else 1.0 for hour in self._hours],
        )


def simulate(district: District, seed: int, days: float, tell: Callable[[Hour], None] = lambda _hour: None) -> Result:
    """Let a district live for `days`, and `HEALING_S` more without faults."""
    with Run(district, seed, days, tell) as run:
        return run.live()


def summary(result: Result) -> dict[str, Any]:
    """The last line of `openami simulate --json`."""
    return {
        "trace_hash": result.trace_hash,
        "events": result.events,
        "district": result.district,
        "seed": result.seed,
        "days": result.days,
        "meters": result.meters,
        "formed_s": result.formed_s,
        "routed_at_15_min": result.routed_at_15_min,
        "intervals": result.intervals,
        "intervals_stored": result.intervals_stored,
        "delivered": result.intervals_stored / max(1, result.intervals),
        "pushes": result.pushes,
        "arrived": result.arrived,
        "repeated": result.repeated,
        "latency_s": {str(percent): result.latency_s(percent) for percent in (50, 95, 99, 100)},
        "hops": {str(hops): count for hops, count in result.hops.items()},
        "frames": result.medium.frames,
        "collided": result.medium.collided,
        "notes": [{"what": what, "count": count, "of": of} for what, count, of in result.notes],
        "checkers": [
            {"name": one.name, "checked": one.checked, "broken": one.broken, "findings": one.findings[:5]}
            for one in result.checkers
        ],
        "passed": result.passed,
    }
