"""What a consumer port says, as values: one table, or one JSON object, for each message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from openami.cli.output import print_error, print_json, print_table
from openami.io.links.link import Link
from openami.model.errors import OpenAmiError
from openami.model.measurement import Measurement

FromOption = Annotated[
    str | None, typer.Option("--from", help="The load profile from here on, ISO 8601; left out: from its beginning.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="The load profile up to here, ISO 8601; left out: to its end.")
]
Told = tuple[str, list[Measurement]]
"""A title and the values."""
Cut = Callable[[bytes], Iterable[Told | OpenAmiError]]
"""Takes octets of a stream and gives what they complete; an error for what cannot be read."""


async def show_stream(link: Link, cut: Cut, count: int, *, as_json: bool) -> int:
    """Show `count` messages, or all until the link ends if it is 0; 1 if the link ended before, else 0."""
    shown = 0
    try:
        while data := await link.receive():
            for told in cut(data):
                if isinstance(told, OpenAmiError):
                    print_error(str(told))
                    continue
                show_values(*told, as_json=as_json)
                shown += 1
                if shown == count:
                    return 0
    finally:
        await link.close()
    return int(shown < count)


def show_values(title: str, values: list[Measurement], *, as_json: bool) -> None:
    """One message."""
    plain = [value.plain() for value in values]
    if as_json:
        print_json({"meter": title, "values": plain})
        return
    print_table(title, ("Name", "Value", "Unit", "Time", "Remark"), (_row(value) for value in plain))


def _row(value: dict[str, Any]) -> tuple[object, ...]:
    return tuple(value.get(key) for key in ("name", "value", "unit", "time", "remark"))
