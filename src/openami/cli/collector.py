"""`openami collector`: wake-ups and bundles of collectors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import serialization

from openami.app.settings import SETTINGS_FILE, address, load_settings
from openami.cli.key_files import ed25519_key
from openami.cli.output import console
from openami.io.disk import SystemDisk, write_whole
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.udp import connect_udp
from openami.model.errors import SettingError
from openami.protocols.zones.wake_up import WakeUp, encode_wake_up

SettingsOption = Annotated[Path, typer.Option("--settings", "-s", help="The configuration file of `openami init`.")]
KeyOption = Annotated[Path, typer.Option("--key", help="File of the Ed25519 key, PEM; made if it is not there.")]


def wake(
    name: Annotated[str, typer.Argument(help="Who shall call in.")],
    where: Annotated[str, typer.Argument(help="Its wake-up port, host:port.")],
    *,
    key: KeyOption = Path("wake-up.key"),
    counters: Annotated[Path, typer.Option(help="Journal of the wake-ups that were signed.")] = Path("wake-up.journal"),
    lifetime: Annotated[int, typer.Option(min=1, max=600, help="How long the wake-up is good for, seconds.")] = 60,
) -> None:
    """Sign a wake-up and send it. Who gets it calls in, and does nothing else."""
    host, port = address(where, "where")
    journal = CounterFile(counters, disk=SystemDisk())
    try:
        counter = journal.load(name) + 1
        journal.save(name, counter)
    finally:
        journal.close()
    datagram = encode_wake_up(WakeUp(name, int(datetime.now(UTC).timestamp()), lifetime, counter), ed25519_key(key))
    asyncio.run(_send(host, port, datagram))
    console.print(f"{name} was sent wake-up {counter}", highlight=False)


def bundle(
    files: Annotated[list[Path], typer.Argument(help="The files that go in, under their names.")],
    number: Annotated[int, typer.Option(min=1, help="Number of the bundle; larger than any before.")],
    out: Annotated[Path, typer.Option(help="Where the bundle is written.")],
    name: Annotated[str, typer.Option(help="Which collector it is for; * for all.")] = "*",
    *,
    key: KeyOption = Path("bundle.key"),
) -> None:
    """Sign configuration or firmware for collectors."""
    from openami.field.collector.bundle import make_bundle

    write_whole(
        SystemDisk(), out, make_bundle(name, number, {each.name: each.read_bytes() for each in files}, ed25519_key(key))
    )


def apply(
    file: Annotated[Path, typer.Argument(help="The bundle.")], *, settings: SettingsOption = Path(SETTINGS_FILE)
) -> None:
    """On the collector: verify a bundle and swap it in; start the collector again to use it."""
    from openami.app.collector_part import open_bundles

    bundles = open_bundles(settings.resolve().parent, load_settings(settings).collector)
    if bundles is None:
        raise SettingError("collector.bundle_key is empty: this collector takes no bundles")
    console.print(f"bundle {bundles.install(file.read_bytes())} is in use from the next start on", highlight=False)


def public(*, key: KeyOption) -> None:
    """Print the public half of a key as the settings `wake_key` and `bundle_key` want it."""
    raw = ed25519_key(key).public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    typer.echo(raw.hex())


async def _send(host: str, port: int, datagram: bytes) -> None:
    link = await connect_udp(host, port)
    await link.send(datagram)
    await asyncio.sleep(0)
    await link.close()
