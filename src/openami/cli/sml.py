"""`openami sml`: the values of an optical or consumer port that speaks SML."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer

from openami.cli.consumer_values import FromOption, Told, ToOption, show_stream, show_values
from openami.cli.output import JsonOption
from openami.cli.written import time_of
from openami.io.links.address import open_line
from openami.io.links.sml_port import ask
from openami.model.errors import DecodeError, OpenAmiError
from openami.protocols.sml.conversation import list_requests, profile_requests
from openami.protocols.sml.file import decode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.telegram import server_of
from openami.protocols.sml.transport import TransportedFile, TransportParser

LINE = "baudrate=9600"
CLIENT = b"openami"
Period = tuple[int | None, int | None]


def sml(
    link: Annotated[str, typer.Argument(help="The port: serial:///dev/ttyUSB0, or tcp://host:port.")],
    *,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many files; 0: never.")] = 0,
    asked: Annotated[bool, typer.Option("--ask", help="Ask for the values of now, on a port of two ways.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Ask for the load profile of quarter hours.")] = False,
    start: FromOption = None,
    end: ToOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the values of each SML file that a meter pushes, or ask for them. Nothing is sent unless asked for."""
    with suppress(KeyboardInterrupt):
        if asked or profile:
            period = (_second("--from", start), _second("--to", end)) if profile else None
            asyncio.run(_ask(link, period, as_json=as_json))
            return 0
        return asyncio.run(_run(link, count, as_json=as_json))
    return 0


async def _ask(address: str, period: Period | None, *, as_json: bool) -> None:
    """Show what the meter answers: the values of now, or its load profile."""
    transaction = secrets.token_bytes(4)
    requests = list_requests(CLIENT, transaction) if period is None else profile_requests(CLIENT, transaction, period)
    link = await open_line(address, LINE)
    try:
        file = await ask(link, requests, transaction)
    finally:
        await link.close()
    show_values(server_of(file), measurements(file), as_json=as_json)


def _second(option: str, text: str | None) -> int | None:
    """A time as seconds since 1970, UTC."""
    moment = time_of(option, text)
    return None if moment is None else int(moment.timestamp())


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
