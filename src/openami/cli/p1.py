"""`openami p1`: the values of a consumer port that speaks P1."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated

import typer

from openami.cli.consumer_values import Told, show_stream
from openami.cli.decode import KeyOption, octets_of
from openami.cli.output import JsonOption
from openami.io.links.address import open_line
from openami.model.errors import DecodeError, OpenAmiError
from openami.protocols.iec62056_21.equipment import equipment_of
from openami.protocols.iec62056_21.measurements import CENTRAL_EUROPE_S
from openami.protocols.iec62056_21.p1 import split_p1
from openami.protocols.iec62056_21.p1_stream import Garbage, P1Event, P1Parser, SealedReceived
from openami.protocols.iec62056_21.readout import Readouts
from openami.protocols.iec62056_21.telegram import open_with

LINE = "baudrate=115200"


def p1(
    link: Annotated[str, typer.Argument(help="The port: serial:///dev/ttyUSB0, or tcp://host:port.")],
    *,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many telegrams; 0: never.")] = 0,
    winter: Annotated[
        int, typer.Option(help="Seconds that winter time is ahead of UTC; 0 in Ireland.")
    ] = CENTRAL_EUROPE_S,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the values of each telegram of a P1 port; whichever national variant it speaks. Nothing is ever sent.

    Encrypted telegrams are opened with the meter's keys: --key twice, for encryption and authentication.
    """
    cutter = Cutter(winter, octets_of("--key", key))
    with suppress(KeyboardInterrupt):
        return asyncio.run(_run(link, count, cutter, as_json=as_json))
    return 0


async def _run(address: str, count: int, cutter: Cutter, *, as_json: bool) -> int:
    return await show_stream(await open_line(address, LINE), cutter.cut, count, as_json=as_json)


class Cutter:
    """Telegrams out of a stream that may begin anywhere."""

    def __init__(self, winter_s: int, keys: Sequence[bytes] = ()) -> None:
        self._parser = P1Parser()
        self._readouts = Readouts(winter_s=winter_s)
        self._keys = keys

    def cut(self, data: bytes) -> Iterator[Told | OpenAmiError]:
        """The telegrams that `data` completes; damaged ones as their error."""
        for event in self._parser.feed(data):
            try:
                yield self._told(event)
            except DecodeError as error:
                yield error

    def _told(self, event: P1Event) -> Told:
        if isinstance(event, Garbage):
            raise DecodeError(event.reason, 0, ("P1",))
        if not isinstance(event, SealedReceived):
            values = self._readouts.read_p1(event.raw)
            return equipment_of(values) or split_p1(event.raw).identification, values
        title = event.telegram.system_title.hex()
        opened = open_with(event.raw, self._keys)
        if opened is None:
            why = "no key opens it" if self._keys else "give its keys with --key"
            raise DecodeError(f"an encrypted telegram of {title}: {why}", 0, ("P1",))
        plain, problem = opened
        values = self._readouts.read_p1(plain)
        return title, [value._replace(remark=problem) for value in values] if problem else values
