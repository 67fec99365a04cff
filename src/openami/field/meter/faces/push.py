"""A meter's pushes on their way: over TCP in the wrapper, each on a connection of its own."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from openami.field.meter.access import SERVER_SAP
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Clock
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, SettingError
from openami.protocols.dlms.wrapper import encode_wrapper

LOG = logging.getLogger(__name__)
PUSH_CLIENT = 103
"""The client SAP that our pushes are addressed to."""

Deliver = Callable[[bytes], Awaitable[None]]


def push_over_tcp(destination: str, *, timeout_s: float = 10.0) -> Deliver:
    """How to deliver an APDU to `host:port`; delivering raises `ConnectFailed` or `LinkLost`."""
    host, _, port = destination.rpartition(":")
    if not host or not port.isdigit():
        raise SettingError(f"push destination {destination!r} must be host:port")

    async def deliver(apdu: bytes) -> None:
        link = await connect_tcp(host.strip("[]"), int(port), timeout_s=timeout_s)
        try:
            await link.send(encode_wrapper(apdu, SERVER_SAP, PUSH_CLIENT))
        finally:
            await link.close()

    return deliver


async def live(meter: ElectricityMeter, clock: Clock, deliver: Deliver, *, every_s: float = 1.0) -> None:
    """Let the meter live by `clock` and deliver its pushes, for ever.

    A push that nobody takes is logged, and repeated as its push setup says.
    """
    while True:
        meter.advance(clock.time())
        while (apdu := meter.next_push()) is not None:
            try:
                await deliver(apdu)
                meter.pushes.delivered(apdu)
            except LinkError as error:
                meter.pushes.failed(apdu, clock.time())
                LOG.warning("meter %s: push of %d bytes not delivered: %s", meter.config.serial, len(apdu), error)
        await clock.sleep(every_s)
