"""A meter asked in SML on a link of two ways; what it pushes between is left aside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from openami.io.links.link import Link
from openami.model.errors import LinkLost, LinkTimeout, ServiceError
from openami.protocols.sml.conversation import is_answer, refusals
from openami.protocols.sml.file import Message, decode_file, encode_file
from openami.protocols.sml.transport import TransportedFile, TransportParser, encode_transport

TRIES = 3


class SmlRefused(ServiceError):
    """The meter understood and answered no."""


async def ask(link: Link, requests: Sequence[Message], transaction: bytes, *, answer_s: float = 5.0) -> list[Message]:
    """Send `requests`, whose transactions begin with `transaction`, and give the file that answers them.

    Raises `LinkTimeout` if nothing usable comes three times, `SmlRefused` if the meter says why it does not do it.
    """
    parser = TransportParser()
    for _ in range(TRIES):
        await link.send(encode_transport(encode_file(requests)))
        try:
            async with asyncio.timeout(answer_s):
                file = await _answer(link, parser, transaction)
        except TimeoutError:
            continue
        if told := refusals(file):
            raise SmlRefused(f"{link.peer}: the meter answers: {'; '.join(told)}")
        return file
    raise LinkTimeout(f"{link.peer}: no answer within {answer_s:g} s, asked {TRIES} times; many meters only push")


async def _answer(link: Link, parser: TransportParser, transaction: bytes) -> list[Message]:
    while True:
        data = await link.receive()
        if not data:
            raise LinkLost(f"{link.peer} has ended")
        for event in parser.feed(data):
            if isinstance(event, TransportedFile):
                file = decode_file(event.data)
                if is_answer(file, transaction):
                    return file
