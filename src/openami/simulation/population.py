"""A district out of a seed: streets, transformers, phases, households, photovoltaic plants, heat pumps.

Houses stand on both sides of parallel streets. One transformer serves the houses of one stretch of two streets. The
loss by obstruction is then chosen so that a meter hears as many others as was asked, on average.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from openami.simulation.district import Collector, District, House
from openami.simulation.radio import Radio, levels, mean_neighbours
from openami.simulation.streams import Streams

PLOT_M = 22
STREET_M = 60
SET_BACK_M = 12
STREETS_PER_TRANSFORMER = 2
HOUSES_PER_TRANSFORMER = 96
START = "2026-03-10T00:00:00+00:00"
NAMES = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Cherry", "Chestnut", "Elder", "Elm", "Fir", "Hazel",
    "Hawthorn", "Holly", "Hornbeam", "Juniper", "Larch", "Lime", "Maple", "Oak", "Pine", "Poplar", "Rowan", "Willow",
)  # fmt: skip


def new_district(
    meters: int, seed: int, *, medium: str = "radio", neighbours: float = 10.0, collectors: int = 1
) -> District:
    """A district of `meters` households. On radio `collectors` stand in a row through its middle and share it as one
    neighbourhood; on power line each transformer has one of its own.
    """
    streams = Streams(seed)
    houses = list(_houses(meters, streams))
    radio = _calibrated(houses, neighbours)
    return District(
        name=f"district of {meters}, seed {seed}",
        seed=seed,
        start=START,
        medium="power-line" if medium == "power-line" else "radio",
        houses=houses,
        collectors=list(_collectors(houses, medium, collectors)),
        radio=radio,
    )


def station_key(name: str) -> int:
    """64 bits by which chance knows a station; they follow from its name alone."""
    return Streams(0).key(f"station/{name}")


def _houses(meters: int, streams: Streams) -> Iterator[House]:
    """Rows of plots, as many streets as make the district about square."""
    streets = max(1, round((meters * PLOT_M / 2 / STREET_M) ** 0.5))
    plots = -(-meters // streets)
    stretch = HOUSES_PER_TRANSFORMER // STREETS_PER_TRANSFORMER
    for number in range(meters):
        row, plot = divmod(number, plots)
        chance = streams.random(f"house/{number}")
        block = f"T{row // STREETS_PER_TRANSFORMER + 1}-{plot // stretch + 1}"
        yield _house(number, row, plot, block, chance)


def _house(number: int, row: int, plot: int, transformer: str, chance: Random) -> House:
    side = SET_BACK_M if plot % 2 else -SET_BACK_M
    return House(
        name=f"M{number + 1:05d}",
        x_m=plot // 2 * PLOT_M + chance.randint(-4, 4),
        y_m=row * STREET_M + side + chance.randint(-3, 3),
        street=f"{NAMES[row % len(NAMES)]} {'Street' if row < len(NAMES) else f'Street {row // len(NAMES) + 1}'}",
        transformer=transformer,
        phase=0 if chance.random() < 0.2 else chance.randint(1, 3),
        load=chance.choice(("uk-1", "uk-2")),
        weeks_back=chance.randint(0, 45),
        pv_w=chance.choice((3000, 4000, 6000)) if chance.random() < 0.15 else 0,
        heat_pump_w=chance.choice((1500, 2000, 3000)) if chance.random() < 0.1 else 0,
    )


def _collectors(houses: list[House], medium: str, count: int) -> Iterator[Collector]:
    if medium != "power-line":
        west, east = min(house.x_m for house in houses), max(house.x_m for house in houses)
        for number in range(count):
            x_m = west + (east - west) * (2 * number + 1) // (2 * count)
            yield Collector(name=f"C{number + 1}", x_m=x_m, y_m=_middle([house.y_m for house in houses]))
        return
    for number, transformer in enumerate(dict.fromkeys(house.transformer for house in houses), start=1):
        served = [house for house in houses if house.transformer == transformer]
        x_m, y_m = min(house.x_m for house in served), _middle([house.y_m for house in served])
        yield Collector(name=f"C{number}", x_m=x_m, y_m=y_m, transformer=transformer)


def _middle(values: list[int]) -> int:
    return (min(values) + max(values)) // 2


def _calibrated(houses: list[House], neighbours: float) -> Radio:
    """The obstruction, in whole dB, at which the mean number of neighbours is closest to the one asked."""
    places = [(house.x_m * 10, house.y_m * 10) for house in houses]
    keys = [station_key(house.name) for house in houses]
    level = levels(Radio(obstruction_db=0), places, keys)
    wanted = min(neighbours, len(houses) - 1.0)
    best = min(range(60), key=lambda loss: abs(mean_neighbours(Radio(), level - loss) - wanted))
    return Radio(obstruction_db=best)
