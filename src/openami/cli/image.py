"""`openami image`: bring firmware to one meter, or its blocks to all of a network at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from openami.app.settings import address
from openami.cli.hexadecimal import octets
from openami.cli.key_files import symmetric_key
from openami.cli.output import JsonOption, console, print_json
from openami.cli.session import SessionOptions, open_session
from openami.cli.session_options import reaching_a_meter
from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.image_broadcast import broadcast_image
from openami.io.links.multicast import open_multicast
from openami.io.links.procedure import perform
from openami.protocols.dlms.broadcast import BroadcastSender
from openami.protocols.dlms.counters import SendCounter
from openami.protocols.dlms.image_transfer import ImagePlan, ImageTransferred, transfer_image
from openami.protocols.dlms.security import SYSTEM_TITLE_SIZE, SecurityKeys, SecuritySuite

FileArgument = Annotated[Path, typer.Argument(help="File of the image, as its maker gives it.")]
IdentifierOption = Annotated[
    str, typer.Option(help="image_identifier that the meter is told; the file's name without its ending by default.")
]


@reaching_a_meter
def send(
    options: SessionOptions,
    file: FileArgument,
    *,
    identifier: IdentifierOption = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a transfer of the same image: bring what is missing.")
    ] = False,
    activate: Annotated[bool, typer.Option(help="Activate the image once the meter has verified it.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Transfer an image to a meter, let it verify and activate it.

    When the link breaks, run it again with `--resume`: nothing that had arrived is sent twice.
    """
    plan = ImagePlan((identifier or file.stem).encode(), file.read_bytes(), begun=resume, activate=activate)
    done = asyncio.run(_send(options, plan))
    facts = {"status": done.status.name.lower(), "blocks": done.blocks, "blocks_sent": done.blocks_sent}
    if as_json:
        print_json(facts)
    else:
        console.print(f"{file}: {facts['status']}, {done.blocks_sent} of {done.blocks} blocks sent", highlight=False)


async def _send(options: SessionOptions, plan: ImagePlan) -> ImageTransferred:
    async with open_session(options) as client:
        return await perform(client, transfer_image(plan), SystemClock())


def broadcast(
    group: Annotated[str, typer.Argument(help="Multicast group and port, for example 239.255.59.59:4059.")],
    file: FileArgument,
    *,
    interface: Annotated[str, typer.Option(help="Address of the interface that the network is on.")],
    broadcast_key: Annotated[
        str, typer.Option(envvar="OPENAMI_BROADCAST_KEY", help="Global broadcast encryption key (or @FILE).")
    ],
    authentication_key: Annotated[
        str, typer.Option(envvar="OPENAMI_AUTHENTICATION_KEY", help="Authentication key in hexadecimal (or @FILE).")
    ],
    system_title: Annotated[str, typer.Option(help="Our system title in hexadecimal, which the meters know.")],
    counters: Annotated[Path, typer.Option(help="Journal of invocation counters: no number is used twice.")],
    block_size: Annotated[int, typer.Option(min=1, max=1024, help="image_block_size of the meters.")] = 128,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two blocks.")] = 0.1,
    suite: Annotated[int, typer.Option(min=0, max=2, help="Security suite of the keys.")] = 0,
) -> None:
    """Send the blocks of an image to all meters of a network at once, under their broadcast key.

    Each meter must have been told of the image before; what it has missed `openami image send --resume` brings.
    """
    chosen = SecuritySuite(suite)
    key = symmetric_key("--broadcast-key", broadcast_key, chosen).reveal()
    authentication = symmetric_key("--authentication-key", authentication_key, chosen).reveal()
    keys = SecurityKeys(key, authentication, key, suite=chosen)
    title = octets("--system-title", system_title, SYSTEM_TITLE_SIZE)
    plan = ImagePlan(file.stem.encode(), file.read_bytes())
    sent = asyncio.run(_broadcast(group, interface, keys, title, plan, counters, block_size, pause))
    console.print(f"{file}: {sent} blocks to {group}", highlight=False)


async def _broadcast(
    group: str,
    interface: str,
    keys: SecurityKeys,
    title: bytes,
    plan: ImagePlan,
    journal: Path,
    block_size: int,
    pause_s: float,
) -> int:
    host, port = address(group, "the group")
    store = CounterFile(journal, disk=SystemDisk())
    name = f"dlms/{title.hex()}/broadcast"
    sender = BroadcastSender(keys, title, SendCounter(name, store.load(name)))
    link = await open_multicast(host, port, interface=interface)
    try:
        return await broadcast_image(link, sender, plan, block_size, SystemClock(), counters=store, pause_s=pause_s)
    finally:
        await link.close()
        store.close()
