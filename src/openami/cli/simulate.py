"""`openami simulate`: a district in virtual time."""

from __future__ import annotations

import gc
import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from openami.cli.output import JsonOption, console, print_json, print_note, print_table
from openami.simulation.district import load_district
from openami.simulation.pictures import draw
from openami.simulation.run import Hour, Result, summary
from openami.simulation.run import simulate as run_district

BROKEN = 1
"""Exit status of a run in which a checker found something."""


def simulate(
    district: Annotated[Path, typer.Argument(help="The file that `openami district new` made.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Chance of the run: radio, back-off, faults.")] = 1,
    days: Annotated[float, typer.Option(min=0.01, max=400, help="Virtual days, before two hours of healing.")] = 1.0,
    pictures: Annotated[Path | None, typer.Option(help="A folder for map, delivery, hops and latency as SVG.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Play a district in virtual time: its meters, their mesh, its faults; check everything; tell what happened.

    The same file, seed and days give the same trace hash on any machine. Exits 1 if a checker found something; the
    last line on standard error then is the command that plays the same run again.
    """
    loaded = load_district(district)
    begun = time.process_time()
    gc.freeze()
    result = run_district(loaded, seed, days, _tell_json if as_json else _tell)
    if pictures is not None:
        draw(loaded, result, pictures)
    cpu_s = round(time.process_time() - begun, 1)
    if as_json:
        print_json({**summary(result), "cpu_s": cpu_s})
    else:
        _report(result, cpu_s)
    if result.passed:
        return 0
    print_note(f"again: openami simulate {shlex.quote(str(district))} --seed {seed} --days {days:g}")
    return BROKEN


def _tell_json(hour: Hour) -> None:
    print_json(
        {
            "hour": hour.hour,
            "routed": hour.routed,
            "alive": hour.alive,
            "pushes": hour.pushes,
            "arrived": hour.arrived,
            "frames": hour.frames,
            "collided": hour.collided,
            "duty_most": round(hour.airtime_share, 5),
        }
    )


def _tell(hour: Hour) -> None:
    console.print(
        f"hour {hour.hour:4}  {hour.routed}/{hour.alive} routed  {hour.arrived}/{hour.pushes} pushes arrived  "
        f"{hour.frames} frames, {hour.collided} collided  busiest station {hour.airtime_share:.2%} on the air",
        highlight=False,
    )


def _report(result: Result, cpu_s: float) -> None:
    told = summary(result)
    formed = "never" if result.formed_s is None else f"after {result.formed_s:.0f} s"
    delivered = f"{told['intervals_stored']} of {told['intervals']} ({told['delivered']:.4%})"
    rows = [
        ("99 % of meters routed", formed),
        ("routed after 15 minutes", f"{result.routed_at_15_min} of {result.meters}"),
        ("intervals of both channels in the store", delivered),
        ("pushes sent, arrived, repeated", f"{result.pushes}, {result.arrived}, {result.repeated}"),
        ("latency 50, 95, 99, 100 %", ", ".join(f"{value:.1f} s" for value in told["latency_s"].values())),
        ("frames on the air, receptions spoiled by others", f"{result.medium.frames}, {result.medium.collided}"),
        *((what, f"{count} of {of}") for what, count, of in result.notes),
        *((one.name, f"{one.checked} checked, {one.broken or 'none'} broken") for one in result.checkers),
        ("processor time", f"{cpu_s} s"),
        ("trace hash", result.trace_hash),
    ]
    print_table(f"{result.district}, seed {result.seed}, {result.days:g} days", ("what", "result"), rows)
    for checker in result.checkers:
        for finding in checker.findings:
            print_note(f"{checker.name}: {finding}")
