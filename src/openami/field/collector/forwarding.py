"""Forwarding for a neighbour that lost its WAN: its bytes go to our head-end, and only there.

The neighbour speaks TLS with the head-end through us: we carry what we cannot read, forge or change.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from openami.io.links.link import Link
from openami.io.links.pipe import pipe
from openami.io.links.tcp import Server, serve_tcp
from openami.model.errors import LinkError

LOG = logging.getLogger(__name__)
NEIGHBOURS_MAX = 8
SILENCE_S = 180.0


async def serve_forwarding(
    host: str, port: int, headend: Callable[[], Awaitable[Link]], *, neighbours_max: int = NEIGHBOURS_MAX
) -> Server:
    """Carry each connection to the head-end that `headend` reaches (plain TCP: TLS is the neighbour's)."""

    async def forward(link: Link) -> None:
        try:
            up = await headend()
        except LinkError as error:
            LOG.info("%s is not forwarded: %s", link.peer, error)
            return
        LOG.info("%s is forwarded to the head-end", link.peer)
        await pipe(link, up, silence_s=SILENCE_S)

    return await serve_tcp(forward, host, port, connections_max=neighbours_max)
