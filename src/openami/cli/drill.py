"""`openami drill`: the attacks of the catalogue, played against the real parts in memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from openami.cli.output import JsonOption, console, print_json, print_rows

if TYPE_CHECKING:
    from openami.app.drills.play import Result

COLUMNS = ("ID", "Position", "Drill", "Result", "Twin", "Seconds")


def drill(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Attacks of the catalogue, such as A057; none: all.")
    ] = None,
    *,
    position: Annotated[str, typer.Option(help="Only attacks from here, such as 'HES DMZ host'.")] = "",
    missing: Annotated[
        bool, typer.Option("--missing", help="List the attacks that have no drill yet, with the reason.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Play attacks of the catalogue, each with what its position has, and again with one guard removed.

    Wanted is a `green` result (the attack fails) and a `red` twin (without the guard it succeeds: the guard is
    needed). The exit status is 0 if all drills are so, and 1 if not.
    """
    from openami.app.drills.catalogue import without_drill
    from openami.app.drills.play import chosen, play

    if missing:
        print_rows("Attacks without a drill", ("ID", "Reason"), without_drill().items(), as_json=as_json)
        return 0
    results = []
    for one in play(chosen(ids or (), position), time.perf_counter):
        results.append(one)
        if as_json:
            print_json(
                {
                    "id": one.id,
                    "position": one.position,
                    "result": one.result,
                    "twin": one.twin,
                    "seconds": round(one.seconds, 3),
                }
            )
    if not as_json:
        _show(results)
    return 0 if all(one.wanted for one in results) else 1


def _show(results: list[Result]) -> None:
    rows = [(one.id, one.position, "; ".join(one.names), one.result, one.twin, f"{one.seconds:.2f}") for one in results]
    print_rows("Drills", COLUMNS, rows, as_json=False)
    for one in results:
        for text in one.fallen:
            console.print(f"[bold red]{one.id}[/] the adversary succeeded: {text}", highlight=False)
        for text in one.unmissed:
            console.print(f"[bold red]{one.id}[/] nobody misses the guard of: {text}", highlight=False)
    good = sum(one.wanted for one in results)
    console.print(f"{good} of {len(results)} attacks fail, and succeed without their guard", highlight=False)
