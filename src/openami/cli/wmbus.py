"""`openami wmbus`: hear wireless M-Bus meters with a radio stick, talk to them, or play one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from openami.cli.decode import octets_of
from openami.cli.explained import show_decoded
from openami.cli.format_file import FormatsOption, formats_in
from openami.cli.mbus import DAY_S, PlayedKind
from openami.cli.output import JsonOption, print_error, print_facts, print_json
from openami.cli.serving import served
from openami.cli.stick_options import AuthorityOption, CertificateOption, LinkArgument, StickName, StickOption
from openami.cli.wmbus_talk import ValveState, read, repeat, set, tls_context
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.wireless import OnAir, WirelessFace
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.field.meter.wireless_tls_meter import WirelessTlsMeter
from openami.io.clock import SystemClock
from openami.io.links.tls_session import TlsSession
from openami.io.links.wmbus import open_stick
from openami.model.errors import DecodeError, LinkLost, SettingError
from openami.protocols.mbus.wireless.opening import MODE_TLS
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.mbus.wireless.telegram import WirelessDecoder

__all__ = ("StickName", "ValveState", "listen", "play", "read", "repeat", "set")


def listen(
    link: LinkArgument,
    *,
    stick: StickOption = StickName.CUL,
    key: Annotated[
        list[str] | None, typer.Option("--key", "-k", help="A key in hexadecimal; all are tried for every meter.")
    ] = None,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many telegrams; 0: never.")] = 0,
    formats: FormatsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hear meters and explain each telegram as it comes. Nothing is ever sent."""
    with formats_in(formats) as known, suppress(KeyboardInterrupt):
        decoder = WirelessDecoder(octets_of("--key", key), formats=known)
        asyncio.run(_listen(link, stick, decoder, count, as_json=as_json))


async def _listen(address: str, stick: StickName, decoder: WirelessDecoder, count: int, *, as_json: bool) -> None:
    listener = await open_stick(STICKS[stick.value], address)
    heard = 0
    try:
        while not count or heard < count:
            frame = (await listener.next_heard()).frame
            heard += 1
            try:
                decoded = decoder.decode(frame)
            except DecodeError as error:
                print_error(f"{frame.hex()}: {error}")
                continue
            if as_json:
                print_json(decoded.plain())
            else:
                show_decoded(decoded)
    except LinkLost:
        return
    finally:
        await listener.close()


def play(
    *,
    kind: Annotated[PlayedKind, typer.Option(help="What flows.")] = PlayedKind.WATER,
    identification: Annotated[str, typer.Option(help="Identification number, eight digits.")] = "10000001",
    stick: StickOption = StickName.CUL,
    interval: Annotated[float, typer.Option(help="Nominal seconds between two telegrams.")] = 16.0,
    window: Annotated[float, typer.Option(help="Seconds that the meter listens behind each; 0: one-way.")] = 0.1,
    mode: Annotated[int, typer.Option(help="Security mode: 0, 5, 7, 10, or 13 (TLS).")] = 0,
    key: Annotated[str | None, typer.Option("--key", "-k", help="The key for modes 5, 7 and 10, 16 bytes.")] = None,
    certificate: CertificateOption = None,
    authority: AuthorityOption = None,
    listen: Annotated[
        str, typer.Option(help="TCP address to serve, host:port; without it a pseudo terminal is opened.")
    ] = "",
    days: Annotated[int, typer.Option(min=0, help="How many days the meter has been running.")] = 365,
    as_json: JsonOption = False,
) -> None:
    """Play a meter on the air, as a stick that hears it. Its values are synthetic. Runs until stopped.

    The message counter of mode 7 begins with the seconds of the clock, so that no run repeats another's.
    """
    clock = SystemClock()
    if mode != MODE_TLS and (certificate or authority):
        raise SettingError(f"--certificate and --authority are for --mode {MODE_TLS}")
    try:
        security = Security.PLAIN if mode == MODE_TLS else Security(mode)
    except ValueError as error:
        raise SettingError(f"--mode {mode}: must be 0, 5, 7, 10 or 13") from error
    octets = octets_of("--key", [key] if key else [])
    settings = WirelessSettings(interval, window, security, octets[0] if octets else b"")
    now = clock.time()
    device = PipeMeter(PipeMeterConfig(PipeKind[kind.name], identification), DailyFlow(int(now) - days * DAY_S))
    meter: OnAir = WirelessMeter(device, settings, now, counter=int(now))
    if mode == MODE_TLS:
        context = tls_context(certificate, authority, server=True)
        meter = WirelessTlsMeter(device, settings, lambda: TlsSession(context, server_side=True), now)
    with suppress(KeyboardInterrupt):
        asyncio.run(_play(device, WirelessFace(meter, STICKS[stick.value], clock), listen, as_json=as_json))


async def _play(device: PipeMeter, face: WirelessFace, listen: str, *, as_json: bool) -> None:
    async with served(face, listen or None) as link:
        facts = {"link": link, "meter": str(device.address), "values": device.flow.label}
        print_facts(facts, as_json=as_json)
        await asyncio.Event().wait()
