"""`openami wmbus`: hear wireless M-Bus meters with a radio stick, or play one."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from openami.cli.decode import octets_of
from openami.cli.explained import show_decoded
from openami.cli.format_file import FormatsOption, formats_in
from openami.cli.mbus import DAY_S, PlayedKind
from openami.cli.output import JsonOption, console, print_error, print_json
from openami.cli.serving import served
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.repeater import RepeaterFace
from openami.field.meter.faces.wireless import WirelessFace
from openami.field.meter.pipe_meter import VALVE_VIF, PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.clock import SystemClock
from openami.io.links.wmbus import open_stick
from openami.model.errors import DecodeError, LinkLost, LinkTimeout, LocalProtocolError, SettingError
from openami.protocols.mbus.dif import DataField, DataInformation
from openami.protocols.mbus.encode import date_time_record, number_record
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.commanding import MeterCommand, Outcome
from openami.protocols.mbus.wireless.repeater import OneHopRepeater
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.mbus.wireless.telegram import WirelessDecoder


class StickName(StrEnum):
    """Whose stream it is."""

    IMST = "imst"
    AMBER = "amber"
    CUL = "cul"
    RTL = "rtl"
    HEX = "hex"


StickOption = Annotated[
    StickName, typer.Option(help="The stick: imst, amber (Würth), cul, rtl (lines of rtl-wmbus) or hex (lines).")
]


def listen(
    link: Annotated[str, typer.Argument(help="Where the stick is: serial:///dev/ttyUSB0, or tcp://host:port.")],
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


class ValveState(StrEnum):
    """How a valve shall stand."""

    OPEN = "open"
    CLOSED = "closed"


def set(  # noqa: A001  the command's name
    link: Annotated[str, typer.Argument(help="Where the stick is: serial:///dev/ttyUSB0, or tcp://host:port.")],
    meter: Annotated[str, typer.Argument(help="The meter, as `listen` shows it: OAM.10000001.01.07.")],
    *,
    stick: StickOption = StickName.IMST,
    valve: Annotated[ValveState | None, typer.Option(help="How its valve shall stand.")] = None,
    clock: Annotated[bool, typer.Option("--clock", help="Set its clock to UTC.")] = False,
    mode: Annotated[int, typer.Option(help="Security mode of the command; meters of ours obey 7 alone.")] = 7,
    key: Annotated[str | None, typer.Option("--key", "-k", help="The meter's key for mode 5 or 7, 16 bytes.")] = None,
    gateway: Annotated[str, typer.Option(help="The address that we speak under.")] = "OAM.00000001.01.31",
    timeout: Annotated[float, typer.Option(help="Seconds until the meter must have answered.")] = 120.0,
    as_json: JsonOption = False,
) -> int:
    """Set a meter on the air (SND-UD): said in the moment in which it is heard, since it listens only then.

    What the meter answers is asked for at once; the exit status is 1 if it refused. The stick sends at its own pace:
    windows of 2 or 3 ms (modes T and S) are met only by sticks that answer by themselves.
    """
    if valve is None and not clock:
        raise SettingError("nothing to set: give --valve or --clock")
    now = SystemClock().time()
    records = b""
    if valve is not None:
        records += number_record(VALVE_VIF, int(valve is ValveState.OPEN), DataInformation(DataField.INTEGER_8))
    if clock:
        records += date_time_record(datetime.fromtimestamp(now, UTC))
    octets = octets_of("--key", [key] if key else [])
    ours, theirs = _meter_address(gateway), _meter_address(meter)
    command = MeterCommand(ours, theirs, records, mode=mode, key=octets[0] if octets else b"", counter=int(now))
    outcome = asyncio.run(_command(link, stick, command, timeout))
    facts = {"meter": meter, "refused": outcome.refused, "verified": outcome.verified}
    if as_json:
        print_json(facts)
    else:
        proof = "proved by its MAC" if outcome.verified else "not proved: its answer has no MAC"
        console.print(f"{meter} {f'refused: {outcome.refused}' if outcome.refused else 'obeyed'}; {proof}")
    return 1 if outcome.refused else 0


def _meter_address(text: str) -> MeterAddress:
    try:
        return MeterAddress.parse(text)
    except (ValueError, LocalProtocolError) as error:
        raise SettingError(f"write addresses as OAM.10000001.01.07: {error}") from error


async def _command(link: str, stick: StickName, command: MeterCommand, timeout_s: float) -> Outcome:
    listener = await open_stick(STICKS[stick.value], link)
    try:
        async with asyncio.timeout(timeout_s):
            while command.outcome is None:
                said = command.receive((await listener.next_heard()).frame)
                if said is not None:
                    await listener.send(said)
    except TimeoutError as error:
        raise LinkTimeout(f"{command.step.value} for {timeout_s:g} s in vain") from error
    finally:
        await listener.close()
    return command.outcome


def repeat(
    link: Annotated[str, typer.Argument(help="Where the stick is: serial:///dev/ttyUSB0, or tcp://host:port.")],
    *,
    stick: StickOption = StickName.IMST,
    address: Annotated[str, typer.Option(help="The repeater's own address.")] = "OAM.00000001.01.32",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Repeat this meter; none: all that are heard.")
    ] = None,
) -> None:
    """Repeat what meters say (one hop), with a stick that can send. No key is needed. Runs until stopped."""
    meters = frozenset(_meter_address(each) for each in only or ())
    repeater = OneHopRepeater(_meter_address(address), secrets.token_bytes, only=meters)
    with suppress(KeyboardInterrupt):
        asyncio.run(_repeat(link, stick, repeater))


async def _repeat(link: str, stick: StickName, repeater: OneHopRepeater) -> None:
    face = RepeaterFace(repeater, await open_stick(STICKS[stick.value], link), SystemClock())
    try:
        await face.serve()
    finally:
        told = f"{repeater.repeated} repeated, {repeater.dropped} dropped, {face.damaged} damaged"
        console.print(told, highlight=False)


def play(
    *,
    kind: Annotated[PlayedKind, typer.Option(help="What flows.")] = PlayedKind.WATER,
    identification: Annotated[str, typer.Option(help="Identification number, eight digits.")] = "10000001",
    stick: StickOption = StickName.CUL,
    interval: Annotated[float, typer.Option(help="Nominal seconds between two telegrams.")] = 16.0,
    window: Annotated[float, typer.Option(help="Seconds that the meter listens behind each; 0: one-way.")] = 0.1,
    mode: Annotated[int, typer.Option(help="Security mode: 0, 5 or 7.")] = 0,
    key: Annotated[str | None, typer.Option("--key", "-k", help="The key for mode 5 or 7, 16 bytes.")] = None,
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
    try:
        security = Security(mode)
    except ValueError as error:
        raise SettingError(f"--mode {mode}: must be 0, 5 or 7") from error
    octets = octets_of("--key", [key] if key else [])
    settings = WirelessSettings(interval, window, security, octets[0] if octets else b"")
    now = clock.time()
    device = PipeMeter(PipeMeterConfig(PipeKind[kind.name], identification), DailyFlow(int(now) - days * DAY_S))
    meter = WirelessMeter(device, settings, now, counter=int(now))
    with suppress(KeyboardInterrupt):
        asyncio.run(_play(device, WirelessFace(meter, STICKS[stick.value], clock), listen, as_json=as_json))


async def _play(device: PipeMeter, face: WirelessFace, listen: str, *, as_json: bool) -> None:
    async with served(face, listen or None) as link:
        facts = {"link": link, "meter": str(device.address), "values": device.flow.label}
        if as_json:
            print_json(facts)
        else:
            for name, value in facts.items():
                console.print(f"[bold]{name:10}[/]{value}", highlight=False, soft_wrap=True)
        await asyncio.Event().wait()
