"""`openami district`: make districts for the simulation."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from openami.cli.output import print_note
from openami.model.errors import SettingError
from openami.simulation.district import district_text
from openami.simulation.population import new_district

METERS_MAX = 20_000


class MediumKind(StrEnum):
    """What joins the stations."""

    RADIO = "radio"
    POWER_LINE = "power-line"


def new(
    *,
    meters: Annotated[int, typer.Option(min=1, max=METERS_MAX, help="How many households.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same district.")] = 1,
    medium: Annotated[MediumKind, typer.Option(help="Radio, or the power line.")] = MediumKind.RADIO,
    neighbours: Annotated[
        float, typer.Option(min=1, max=100, help="How many others a meter hears by radio, on average.")
    ] = 10.0,
    collectors: Annotated[
        int,
        typer.Option(min=1, max=50, help="How many collectors share the district by radio; one a transformer else."),
    ] = 1,
) -> None:
    """Make a district: streets, transformers, phases, households with their loads, plants and heat pumps.

    The file can be edited: where stations stand, what the radio can do, how meters push, and which faults happen.
    """
    if out.exists():
        raise SettingError(f"{out} is there already; remove it or choose another name")
    district = new_district(meters, seed, medium=medium.value, neighbours=neighbours, collectors=collectors)
    out.write_text(district_text(district))
    print_note(f"{out}: {meters} households, {len(district.collectors)} collector(s), {medium.value}")
