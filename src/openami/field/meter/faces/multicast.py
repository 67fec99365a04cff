"""Meters that hear what is said to all stations by UDP multicast, in the wrapper."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from openami.field.meter.broadcast import hear_broadcast
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Clock
from openami.io.links.multicast import MulticastListener, join_multicast
from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.broadcast import ALL_STATION
from openami.protocols.dlms.wrapper import decode_wrapper

LOG = logging.getLogger(__name__)


def hear_datagram(meter: ElectricityMeter, datagram: bytes, now: float) -> bool:
    """Whether the meter kept what a datagram brought; one that is for other stations, or heard without supply, is not.

    Raises `RemoteProtocolError` for what is refused; it has changed nothing.
    """
    received = decode_wrapper(datagram)
    if received.destination != ALL_STATION or not meter.powered:
        return False
    return hear_broadcast(meter, received.apdu, now)


async def serve_meters_multicast(
    meters: Sequence[ElectricityMeter], clock: Clock, group: str, port: int, *, interface: str
) -> MulticastListener:
    """Join `group:port`; all `meters` hear what comes. Nobody is answered. Raises `ConnectFailed`."""

    def hear(datagram: bytes) -> None:
        for meter in meters:
            try:
                hear_datagram(meter, datagram, clock.time())
            except RemoteProtocolError as error:
                LOG.info("meter %s: broadcast refused: %s", meter.config.serial, error)

    return await join_multicast(hear, group, port, interface=interface)
