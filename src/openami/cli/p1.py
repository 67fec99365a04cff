"""`openami p1`: the values of a consumer port that speaks P1."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer

from openami.cli.consumer_values import Told, open_port, show_stream
from openami.cli.output import JsonOption
from openami.model.errors import DecodeError, OpenAmiError
from openami.protocols.iec62056_21.measurements import CENTRAL_EUROPE_S
from openami.protocols.iec62056_21.p1 import split_p1
from openami.protocols.iec62056_21.p1_stream import P1Parser, Received
from openami.protocols.iec62056_21.readout import Readouts

LINE = "baudrate=115200"


def p1(
    link: Annotated[str, typer.Argument(help="The port: serial:///dev/ttyUSB0, or tcp://host:port.")],
    *,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many telegrams; 0: never.")] = 0,
    winter: Annotated[
        int, typer.Option(help="Seconds that winter time is ahead of UTC; 0 in Ireland.")
    ] = CENTRAL_EUROPE_S,
    as_json: JsonOption = False,
) -> int:
    """Show the values of each telegram of a P1 port; whichever national variant it speaks. Nothing is ever sent."""
    with suppress(KeyboardInterrupt):
        return asyncio.run(_run(link, count, Cutter(winter), as_json=as_json))
    return 0


async def _run(address: str, count: int, cutter: Cutter, *, as_json: bool) -> int:
    return await show_stream(await open_port(address, LINE), cutter.cut, count, as_json=as_json)


class Cutter:
    """Telegrams out of a stream that may begin anywhere."""

    def __init__(self, winter_s: int) -> None:
        self._parser = P1Parser()
        self._readouts = Readouts(winter_s=winter_s)

    def cut(self, data: bytes) -> Iterator[Told | OpenAmiError]:
        """The telegrams that `data` completes; damaged ones as their error."""
        for event in self._parser.feed(data):
            if not isinstance(event, Received):
                yield DecodeError(event.reason, 0, ("P1",))
                continue
            try:
                yield split_p1(event.raw).identification, self._readouts.read_p1(event.raw)
            except DecodeError as error:
                yield error
