"""A meter's pushes on their way: over TCP in the wrapper, each on a connection of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from openami.field.meter.access import PUBLIC, SERVER_SAP
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, LinkLost, RemoteProtocolError, SettingError
from openami.protocols.dlms.framing import ApduReceived, Role
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

LOG = logging.getLogger(__name__)

Deliver = Callable[[bytes, int], Awaitable[Link | None]]
"""Sends an APDU to a client SAP; the link that brings an answer in the wrapper, or None if none can come."""


def push_over_tcp(destination: str, *, timeout_s: float = 10.0) -> Deliver:
    """How to deliver an APDU to `host:port`; delivering raises `ConnectFailed` or `LinkLost`."""
    host, _, port = destination.rpartition(":")
    if not host or not port.isdigit():
        raise SettingError(f"push destination {destination!r} must be host:port")

    async def deliver(apdu: bytes, client_sap: int) -> Link:
        link = await connect_tcp(host.strip("[]"), int(port), timeout_s=timeout_s)
        try:
            await link.send(encode_wrapper(apdu, SERVER_SAP, client_sap))
        except BaseException:
            await link.close()
            raise
        return link

    return deliver


async def live(meter: ElectricityMeter, clock: Clock, deliver: Deliver, *, every_s: float = 1.0) -> None:
    """Let the meter live by `clock` and deliver its pushes, for ever.

    A push that nobody takes is logged, and repeated as its push setup says. Where one is to be confirmed, its
    connection stays open for as long as the meter waits for that; the meter and other pushes go on meanwhile.
    """
    async with asyncio.TaskGroup() as waiting:
        while True:
            meter.advance(clock.time())
            while (apdu := meter.next_push()) is not None:
                client_sap, wait_s = meter.pushes.addressed(apdu)
                try:
                    link = await deliver(apdu, client_sap)
                    meter.pushes.delivered(apdu)
                except LinkError as error:
                    _failed(meter, clock, apdu, error)
                    continue
                if link is not None and wait_s:
                    waiting.create_task(_confirmed(meter, clock, apdu, link, wait_s))
                elif link is not None:
                    await link.close()
            await clock.sleep(every_s)


def _failed(meter: ElectricityMeter, clock: Clock, apdu: bytes, error: LinkError) -> None:
    meter.pushes.failed(apdu, clock.time())
    LOG.warning("meter %s: push of %d bytes not delivered: %s", meter.config.serial, len(apdu), error)


async def _confirmed(meter: ElectricityMeter, clock: Clock, apdu: bytes, link: Link, wait_s: float) -> None:
    """Wait until a push is confirmed or `wait_s` are over; one whose connection ends before was not delivered."""
    try:
        async with asyncio.timeout(wait_s):
            await _heard(meter, link)
    except TimeoutError:
        return
    except LinkError as error:
        _failed(meter, clock, apdu, error)
    finally:
        await link.close()


async def _heard(meter: ElectricityMeter, link: Link) -> None:
    """Return when an answer on `link` has confirmed a push; raise `LinkError` if the link ends before."""
    framing = WrapperFraming(Role.SERVER, PUBLIC, SERVER_SAP)
    while data := await link.receive():
        framing.receive(data, 0.0)
        while (event := framing.next_event()) is not None:
            if isinstance(event, ApduReceived) and _confirms(meter, event.apdu):
                return
    raise LinkLost("the listener ended the connection and has not confirmed")


def _confirms(meter: ElectricityMeter, apdu: bytes) -> bool:
    try:
        return meter.pushes.answered(apdu)
    except RemoteProtocolError as error:
        LOG.warning("meter %s: no confirmation of a push: %s", meter.config.serial, error)
        return False
