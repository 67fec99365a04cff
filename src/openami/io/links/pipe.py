"""Bytes between two links, not looked at: a circuit, in the head-end and in a collector."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from openami.io.links.link import Link
from openami.model.errors import LinkError


async def pipe(left: Link, right: Link, *, silence_s: float) -> None:
    """Carry bytes both ways until either side ends, breaks, or nothing passes for `silence_s`; then close both.

    Sending waits for the slower side, so no more than what the links themselves hold is ever held.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(silence_s) as silence:

            def heard() -> None:
                silence.reschedule(loop.time() + silence_s)

            await _until_first_ends(left, right, heard)
    except TimeoutError:
        return
    finally:
        await left.close()
        await right.close()


async def _until_first_ends(left: Link, right: Link, heard: Callable[[], None]) -> None:
    ways = [asyncio.ensure_future(_carry(left, right, heard)), asyncio.ensure_future(_carry(right, left, heard))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(source: Link, sink: Link, heard: Callable[[], None]) -> None:
    try:
        while data := await source.receive():
            heard()
            await sink.send(data)
    except LinkError:
        return
