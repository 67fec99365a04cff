"""Whoever reaches the ports of a head-end that runs, and says there what nobody says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from openami.app.drills.drill import Fallen, Removal, drill, stands
from openami.app.drills.world import octets_of
from openami.backoffice.operations.headend_client import HeadendClient
from openami.field.meter.push_queue import random_of
from openami.headend.collector_session import CollectorName
from openami.headend.headend import Headend
from openami.headend.settings import HeadendSettings
from openami.io.clock import SystemClock
from openami.io.links.link import Link
from openami.io.links.memory import memory_pair
from openami.io.links.push_stream import PushStream
from openami.io.spool.file_spool import FileSpool
from openami.protocols.zones.message import decode_push
from openami.simulation.disk import FaultDisk

COLLECTOR: Final = "collector"
TIMES: Final = 100
PIECE: Final = 1 << 16
PIECES: Final = 64
GENUINE: Final = b"a genuine push"


async def _said(serve: Callable[[Link], Awaitable[None]], *said: bytes) -> None:
    """One connection that says this and ends. What a part of the head-end does not catch is a defect."""
    near, far = memory_pair()
    task = asyncio.ensure_future(serve(far))
    for octets in said:
        await near.send(octets)
    await near.close()
    try:
        await task
    except Exception as error:
        raise Fallen(f"{said[0][:16].hex()}: {type(error).__name__} is caught by nobody") from error


async def _play() -> None:
    spool = FileSpool(Path("spool"), disk=FaultDisk(), random=random_of(b"spool"))
    headend = Headend(HeadendSettings(), SystemClock(), spool, identify=lambda _link: CollectorName("c1", "hill"))
    for number in range(TIMES):
        octets = octets_of(f"nonsense {number}", 2 + number % 30)
        for start in (b"", b"\x00\x01", b"\x00\x00\x00\x10", b"\x16\x03\x01", b"\x7e\xa0"):
            for serve in (headend.serve_office, headend.serve_collector, headend.take_pushes):
                await _said(serve, start + octets)
    before = spool.waiting
    near, far = memory_pair()
    endless = asyncio.ensure_future(headend.take_pushes(far))
    for _ in range(PIECES):
        await near.send(bytes(PIECE))
    await _said(headend.take_pushes, GENUINE)
    kept = spool.read(0, before + 2 * PIECES, 1 << 24)
    stands(any(decode_push(item.content).content == GENUINE for item in kept), "a genuine push was lost")
    held = PIECES * PIECE - sum(len(item.content) for item in kept[before:])
    stands(held <= PIECE, f"{held} bytes of one connection are held in memory")
    await _answers(headend)
    await near.close()
    await endless


async def _answers(headend: Headend) -> None:
    """The back office asks, as if nothing had been."""
    served = list[asyncio.Future[None]]()

    async def connect() -> Link:
        near, far = memory_pair()
        served.append(asyncio.ensure_future(headend.serve_office(far)))
        return near

    await HeadendClient(connect, SystemClock()).status()
    await asyncio.gather(*served)


@drill("A042", COLLECTOR, Removal(PushStream, "_next_size", lambda _self: 0))
def nonsense_is_said_at_every_port() -> None:
    """Fifteen hundred connections that mean nothing, and one that never ends: the others notice nothing."""
    log = logging.getLogger("openami")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        asyncio.run(_play())
    finally:
        log.setLevel(level)
