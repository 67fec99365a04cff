"""Meters that call in: a listener that gives each connection to a client of its own."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

from openami.io.links.dlms import DlmsClient
from openami.io.links.link import Link
from openami.io.links.tcp import Server, serve_tcp
from openami.model.errors import OpenAmiError


async def serve_callers(
    make_client: Callable[[Link], DlmsClient],
    session: Callable[[DlmsClient], Awaitable[None]],
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    failed: Callable[[Link, OpenAmiError], None] | None = None,
) -> Server:
    """Listen for meters. Each one that calls gets a client, which `session` uses; its link is closed afterwards.

    The roles of client and server do not change with the direction of the call: the meter waits for AARQ. What it
    pushes first is in `DlmsClient.notifications`. An error ends its session alone, and is told to `failed`.
    """

    async def serve(link: Link) -> None:
        client = make_client(link)
        try:
            await session(client)
        except OpenAmiError as error:
            if failed is not None:
                failed(link, error)
        finally:
            await client.close()

    return await serve_tcp(serve, host, port, tls=tls)
