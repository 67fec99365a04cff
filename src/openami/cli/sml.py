"""`openami sml`: the values of an optical or consumer port that speaks SML."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer

from openami.cli.consumer_values import Told, show_stream
from openami.cli.output import JsonOption
from openami.io.links.address import open_line
from openami.model.errors import DecodeError, OpenAmiError
from openami.protocols.sml.file import decode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.telegram import server_of
from openami.protocols.sml.transport import TransportedFile, TransportParser

LINE = "baudrate=9600"


def sml(
    link: Annotated[str, typer.Argument(help="The port: serial:///dev/ttyUSB0, or tcp://host:port.")],
    *,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many files; 0: never.")] = 0,
    as_json: JsonOption = False,
) -> int:
    """Show the values of each SML file that a meter pushes. Nothing is ever sent."""
    with suppress(KeyboardInterrupt):
        return asyncio.run(_run(link, count, as_json=as_json))
    return 0


async def _run(address: str, count: int, *, as_json: bool) -> int:
    parser = TransportParser()

    def cut(data: bytes) -> Iterator[Told | OpenAmiError]:
        for event in parser.feed(data):
            if not isinstance(event, TransportedFile):
                yield DecodeError(event.reason, 0, ("SML",))
                continue
            try:
                messages = decode_file(event.data)
                yield server_of(messages), measurements(messages)
            except DecodeError as error:
                yield error

    return await show_stream(await open_line(address, LINE), cut, count, as_json=as_json)
