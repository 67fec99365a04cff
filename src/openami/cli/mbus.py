"""`openami mbus`: find, read and set the meters of a wired M-Bus, or play one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer

from openami.cli.mbus_bus import NewSettings, read_meter, scan_bus, set_meter
from openami.cli.output import JsonOption, console, print_facts, print_json, print_rows
from openami.cli.serving import served
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.io.clock import SystemClock
from openami.model.errors import SettingError
from openami.protocols.mbus.application import BAUD_RATES, Application
from openami.protocols.mbus.selected_application import SelectedApplication
from openami.protocols.mbus.telegram import application_fields
from openami.protocols.mbus.wired.frame import PRIMARY_MAX
from openami.protocols.mbus.wired.primary import WiredTiming
from openami.protocols.mbus.wired.procedures import (
    Found,
)
from openami.protocols.mbus.wired.selection import Selection

DAY_S = 86_400

LinkArgument = Annotated[
    str, typer.Argument(help="The bus: tcp://host:port of a gateway, or serial:///dev/…, 2400 baud 8E1 if not said.")
]
TimeoutOption = Annotated[float, typer.Option(min=0.05, help="Seconds until a meter begins to answer.")]
RetriesOption = Annotated[int, typer.Option(min=0, help="How often a request is repeated.")]


class PlayedKind(StrEnum):
    """What `play` can be."""

    WATER = "water"
    WARM_WATER = "warm-water"
    HEAT = "heat"
    GAS = "gas"
    COOLING = "cooling"
    HEAT_COST_ALLOCATOR = "heat-cost-allocator"


def scan(
    link: LinkArgument,
    *,
    primary: Annotated[
        bool, typer.Option("--primary", help="Try all primary addresses instead of searching by selection.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Search on behind every answer: for meters that answer in step.")
    ] = False,
    below: Annotated[str, typer.Option(help="Search only below this selection; F stands for any digit.")] = "FFFFFFFF",
    timeout: TimeoutOption = 0.5,
    retries: RetriesOption = 1,
    as_json: JsonOption = False,
) -> int:
    """Find the meters of a bus.

    Meters are searched by their secondary address, with selections that hold wildcards; letters in identification
    numbers are found too. Meters that cannot be told apart by their numbers are named, and the exit status is 1.
    """
    timing = WiredTiming(timeout, repeats=retries)
    found, unresolved = asyncio.run(scan_bus(link, timing, _selection(below), primary=primary, thorough=thorough))
    columns = ("Address", "Meter", "Device", "Access number")
    print_rows("Meters", columns, [_found_row(one) for one in found], as_json=as_json)
    for selection in unresolved:
        message = "several meters answer to this selection; read them by manufacturer, version or type"
        print_rows("Unresolved", ("Selection", "Problem"), [(selection, message)], as_json=as_json)
    return 1 if unresolved else 0


def read(
    link: LinkArgument,
    meter: Annotated[
        str,
        typer.Argument(help="Primary address (0 to 250), or the number: 12345678 or 12345678.KAM.1B.16."),
    ],
    *,
    application: Annotated[
        int | None,
        typer.Option(min=0, max=15, help="Which of its data: 0 all, 1 user data, 2 simple billing, 5 instantaneous …"),
    ] = None,
    alarms: Annotated[bool, typer.Option("--alarms", help="Ask for alarms instead of data.")] = False,
    timeout: TimeoutOption = 0.5,
    retries: RetriesOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Read all telegrams of one meter: names, values, units, OBIS codes where they are known.

    A meter that was told to tell another application's data goes on so until it is told otherwise.
    """
    timing = WiredTiming(timeout, repeats=retries)
    wanted = None if application is None else SelectedApplication(application)
    applications = asyncio.run(read_meter(link, timing, _meter(meter), wanted, alarms=alarms))
    if alarms and not as_json:
        console.print(", ".join(each.meaning for each in applications) or "no alarm", highlight=False)
        return
    if as_json:
        for told in applications:
            print_json({"content": told.content.value, **application_fields(told)})
        return
    rows = [row for told in applications for row in _value_rows(told)]
    print_rows(_title(applications), ("Name", "Value", "Unit", "OBIS"), rows, as_json=False)


def set(
    link: LinkArgument,
    meter: Annotated[
        str, typer.Argument(help="Primary address (0 to 250), or the number: 12345678 or 12345678.KAM.1B.16.")
    ],
    *,
    address: Annotated[int | None, typer.Option(help="The meter's new primary address, 0 to 250.")] = None,
    identification: Annotated[str | None, typer.Option(help="Its new identification number, eight digits.")] = None,
    speed: Annotated[
        int | None, typer.Option(help="The speed it shall speak at, 300 to 38400 baud; the line follows.")
    ] = None,
    clock: Annotated[bool, typer.Option("--clock", help="Set its clock to the time of now, UTC.")] = False,
    timeout: TimeoutOption = 0.5,
    retries: RetriesOption = 2,
) -> None:
    """Give a meter another primary address, identification number or speed, or set its clock.

    A meter that acknowledges has taken the frame; some refuse the setting all the same, and say so in their next
    answer, which is looked at. Some say nothing: read it to be sure.
    """
    if address is None and identification is None and speed is None and not clock:
        raise SettingError("nothing to set: give --address, --identification, --clock or --speed")
    if speed is not None and speed not in BAUD_RATES.values():
        raise SettingError(f"--speed is {speed}: must be one of {', '.join(map(str, BAUD_RATES.values()))}")
    if identification is not None and not (len(identification) == 8 and identification.isdecimal()):
        raise SettingError(f"--identification is {identification!r}: must be eight digits")
    if address is not None and not 0 <= address <= PRIMARY_MAX:
        raise SettingError(f"--address is {address}: must be 0 to {PRIMARY_MAX}")
    timing = WiredTiming(timeout, repeats=retries)
    settings = NewSettings(address, identification, speed, clock=clock)
    asyncio.run(set_meter(link, timing, _meter(meter), settings))


def play(
    *,
    kind: Annotated[PlayedKind, typer.Option(help="What flows.")] = PlayedKind.WATER,
    identification: Annotated[str, typer.Option(help="Identification number, eight digits.")] = "10000001",
    address: Annotated[int, typer.Option(min=0, max=PRIMARY_MAX, help="Primary address.")] = 1,
    listen: Annotated[
        str, typer.Option(help="TCP address to serve, host:port; without it a pseudo terminal is opened.")
    ] = "",
    days: Annotated[int, typer.Option(min=0, help="How many days the meter has been running.")] = 365,
    alarms: Annotated[int, typer.Option(min=0, max=255, help="Alarm bits that it reports, as a number.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Play a meter or a heat-cost allocator on a wired M-Bus. Its values are synthetic. Runs until stopped."""
    clock = SystemClock()
    config = PipeMeterConfig(PipeKind[kind.name], identification, address)
    device = PipeMeter(config, DailyFlow(int(clock.time()) - days * DAY_S))
    device.alarms = alarms
    with suppress(KeyboardInterrupt):
        asyncio.run(_play(device, clock, listen, as_json=as_json))


async def _play(device: PipeMeter, clock: SystemClock, listen: str, *, as_json: bool) -> None:
    async with served(MbusFace(device, clock), listen or None) as link:
        facts = {
            "link": link,
            "address": device.config.address,
            "meter": str(device.address),
            "values": device.flow.label,
        }
        print_facts(facts, as_json=as_json)
        await asyncio.Event().wait()


def _meter(text: str) -> int | Selection:
    """Up to three digits are a primary address, anything else a secondary one."""
    if text.isdecimal() and len(text) <= 3:
        if int(text) > PRIMARY_MAX:
            raise SettingError(f"primary address {text}: must be 0 to {PRIMARY_MAX}")
        return int(text)
    return _selection(text)


def _selection(text: str) -> Selection:
    try:
        return Selection.parse(text)
    except ValueError as error:
        raise SettingError(str(error)) from error


def _found_row(found: Found) -> tuple[object, ...]:
    if found.meter is None:
        return found.address, "several at once, or not readable", None, None
    access_number = None if found.application is None else found.application.access_number
    return found.address, str(found.meter), found.meter.device, access_number


def _value_rows(application: Application) -> Iterator[tuple[object, ...]]:
    for value in application_fields(application).get("values", ()):
        shown = value["value"] if value["value"] is not None else value.get("error") or value.get("raw", "")
        yield value["name"], shown, value["unit"], value.get("obis")


def _title(applications: list[Application]) -> str:
    address = next((each.address for each in applications if each.address is not None), None)
    return "Values" if address is None else f"{address}, {address.device}"
