"""The blocks of an image to all meters of a network at once; what each has missed is brought by `transfer_image`."""

from __future__ import annotations

from typing import Final

from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.protocols.dlms.broadcast import BroadcastSender
from openami.protocols.dlms.counters import Counters, apply
from openami.protocols.dlms.image_transfer import ImagePlan, broadcast_blocks

MANAGEMENT: Final = 1


async def broadcast_image(
    link: Link,
    sender: BroadcastSender,
    plan: ImagePlan,
    block_size: int,
    clock: Clock,
    *,
    counters: Counters,
    pause_s: float = 0.1,
    client_sap: int = MANAGEMENT,
) -> int:
    """Send every block once, `pause_s` apart, so that slow networks follow; how many were sent.

    The meters must have been told of the image (image_transfer_initiate) over associations of their own.
    """
    sent = 0
    for apdu in broadcast_blocks(plan, block_size):
        if not sender.available:
            sender.reserved(apply(counters, sender.reservation()))
        await link.send(sender.datagram(apdu, client_sap))
        sent += 1
        await clock.sleep(pause_s)
    return sent
