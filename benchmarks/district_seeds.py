"""A thousand meters, seed by seed: formation, relays that die, an hour of pushes. The numbers of the simulation's page.

    python benchmarks/district_seeds.py play 1000 101 120 seeds.jsonl
    python benchmarks/district_seeds.py draw seeds.jsonl docs/images
    python benchmarks/district_seeds.py day 1000 101 120 days.jsonl
    python benchmarks/district_seeds.py week 1000 101 101 weeks.jsonl

`play` appends one JSON line a seed: when 50, 90, 95, 99, 99.9 and 100 % were routed; who was reachable ten minutes
after 5 % of the meters lost their supply at 40 minutes; the hour's pushes that had arrived after two hours; frames,
hops, checkers, processor time. District and run have the same seed. `draw` makes the distributions as SVG.

`day` plays a whole day in which 5 % of the meters lose their supply for an hour at noon, `week` seven days without WAN
that begin six hours after the start. Both append the summary that `openami simulate --json` prints, which counts what
is in the store two hours later, with the processor time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from openami.simulation.district import Fault
from openami.simulation.faults import schedule
from openami.simulation.pictures import picture_of_steps
from openami.simulation.population import new_district
from openami.simulation.run import Hour, Run, simulate, summary

RELAYS_DIE_S, UNTIL_S, LOOK_S = 2400, 7200.0, 10.0
DEAD_PERCENT = 5
HOUR_S, DAY_S = 3600, 86_400
WHOLE: dict[str, tuple[Fault, float]] = {
    "day": (Fault(kind="relays-die", at_s=12 * HOUR_S, for_s=HOUR_S, amount=DEAD_PERCENT), 1.0),
    "week": (Fault(kind="wan-outage", at_s=6 * HOUR_S, for_s=7 * DAY_S, target="C1"), 7.25),
}
"""A fault, and the days until healing begins."""
SHARES = (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
PERCENTS = (50, 95, 99, 100)
PICTURES: dict[str, tuple[str, str, Callable[[dict[str, Any]], float]]] = {
    "seeds-formed": ("Seeds in which 99 % of the meters were routed", "seconds", lambda one: one["marks"]["0.99"]),
    "seeds-latency": ("Seeds whose pushes had 99 % arrived", "seconds", lambda one: one["lat"]["99"]),
}


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["play", meters, first, last, out]:
            for seed in range(int(first), int(last) + 1):
                with Path(out).open("a") as file:
                    file.write(json.dumps(play(int(meters), seed)) + "\n")
        case ["day" | "week" as span, meters, first, last, out]:
            fault, days = WHOLE[span]
            for seed in range(int(first), int(last) + 1):
                with Path(out).open("a") as file:
                    file.write(json.dumps(play_whole(int(meters), seed, fault, days)) + "\n")
        case ["draw", lines, folder]:
            draw([json.loads(line) for line in Path(lines).read_text().splitlines()], Path(folder))
        case _:
            raise SystemExit(__doc__)


def play(meters: int, seed: int) -> dict[str, Any]:
    """What one seed shows."""
    begun = time.process_time()
    fault = Fault(kind="relays-die", at_s=RELAYS_DIE_S, for_s=86_400, amount=DEAD_PERCENT)
    district = msgspec.structs.replace(new_district(meters, seed), faults=[fault])
    marks: dict[float, float] = {}
    with Run(district, seed, UNTIL_S / 86_400, lambda _hour: None) as run:
        world, loop = run.world, run.world.loop

        def look() -> None:
            loop.call_later(LOOK_S, look)
            routed = len(world.routed())
            for share in SHARES:
                if routed >= share * meters:
                    marks.setdefault(share, loop.time())

        schedule(world)
        world.begin()
        loop.call_later(LOOK_S, look)
        loop.call_later(UNTIL_S, loop.stop)
        loop.run_forever()
    deliveries, counts = world.deliveries, world.medium.counts
    return {
        "n": meters,
        "seed": seed,
        "cpu_s": round(time.process_time() - begun, 1),
        "marks": {str(share): at for share, at in marks.items()},
        "notes": world.notes,
        "left": deliveries.left_pushes,
        "arrived": deliveries.arrived,
        "repeated": deliveries.repeated,
        "lat": dict(_latencies(sorted(deliveries.latencies_s))),
        "hops": dict(sorted(deliveries.hops.items())),
        "frames": counts.frames,
        "collided": counts.collided,
        "loops": world.loops.seen,
        "broken": {one.name: (one.checked, one.broken, one.findings[:2]) for one in world.checkers},
        "trace": world.trace.hash,
    }


def play_whole(meters: int, seed: int, fault: Fault, days: float) -> dict[str, Any]:
    """What is in the store two hours after the last of `days`."""
    begun = time.process_time()
    result = simulate(msgspec.structs.replace(new_district(meters, seed), faults=[fault]), seed, days, _told)
    return summary(result) | {"cpu_s": round(time.process_time() - begun, 1)}


def _told(hour: Hour) -> None:
    print(f"hour {hour.hour}: {hour.routed} of {hour.alive} routed, {hour.arrived} of {hour.pushes} pushes", flush=True)


def draw(records: list[dict[str, Any]], folder: Path) -> None:
    """One step for each seed."""
    for name, (title, unit, value) in PICTURES.items():
        values = sorted(value(one) for one in records)
        (folder / f"{name}.svg").write_text(picture_of_steps(title, unit, values))


def _latencies(seconds: list[float]) -> Iterator[tuple[str, float]]:
    for percent in PERCENTS:
        if seconds:
            yield str(percent), round(seconds[min(len(seconds) - 1, len(seconds) * percent // 100)], 2)


if __name__ == "__main__":
    main(sys.argv[1:])
