"""Play each device on a pseudo terminal and read it back: what the reader says is what the device counts."""

import asyncio

from openami.field.meter import ElectricityMeter, MeterConfig, SteadyCurve
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.local_ports import LocalFace, local_port
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.serial_line import serve_meter_pty
from openami.field.meter.faces.wireless import WirelessFace
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.clock import ScaledClock
from openami.io.links.address import open_link
from openami.io.links.local_port import LocalPort
from openami.io.links.mbus import MbusMaster
from openami.io.links.optical import FixedLine
from openami.io.links.wmbus import RadioListener
from openami.model import ObisCode, Quantity, Unit
from openami.model.measurement import Measurement
from openami.protocols.dlms import SecurityKeys
from openami.protocols.iec62056_21.measurements import measurements
from openami.protocols.iec62056_21.telegram import tell_p1
from openami.protocols.mbus.measurements import of_application
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.sml.telegram import tell_sml

NEW_YEAR = 1_767_225_600  # 2026-01-01T00:00:00Z
YEAR_S = 365 * 86_400
KEY = bytes(range(16))
IMPORT = ObisCode.parse("1-0:1.8.0*255")
LINE = "?baudrate=2400&parity=N"


def pipe(kind: PipeKind) -> PipeMeter:
    """A water, gas, heat or cooling meter or a heat cost allocator that has been there for a year."""
    return PipeMeter(PipeMeterConfig(kind, "12345678", 1), DailyFlow(NEW_YEAR - YEAR_S))


async def wired(kind: PipeKind, clock: ScaledClock) -> tuple[Measurement, ...]:
    """Read out over wired M-Bus."""
    face = await serve_meter_pty(MbusFace(pipe(kind), clock))
    master = MbusMaster(await open_link(f"serial://{face.path}{LINE}"), clock)
    telegrams = await master.read(1)
    await master.close()
    await face.close()
    return tuple(value for telegram in telegrams for value in of_application(telegram))


async def on_air(stick: str, security: Security, clock: ScaledClock) -> tuple[Measurement, ...]:
    """Heard by a stick and opened with the key."""
    settings = WirelessSettings(0.5, 0.0, security=security, key=b"" if security is Security.PLAIN else KEY)
    radio = WirelessMeter(pipe(PipeKind.WATER), settings, NEW_YEAR, counter=NEW_YEAR)
    face = await serve_meter_pty(WirelessFace(radio, STICKS[stick], clock))
    listener = RadioListener(await open_link(f"serial://{face.path}{LINE}"), STICKS[stick])
    heard = await listener.next_heard()
    await listener.close()
    await face.close()
    return WirelessReader(KeyStore([KEY])).read(heard.frame).values


async def consumer_port(port: LocalFace, meter: ElectricityMeter, clock: ScaledClock) -> tuple[Measurement, ...]:
    """The first whole message that the electricity meter pushes."""
    face = await serve_meter_pty(local_port(port, meter, clock, 1.0))
    link = await open_link(f"serial://{face.path}{LINE}")
    tell, end = (tell_p1, b"!") if port is LocalFace.P1 else (tell_sml, b"\x1b\x1b\x1b\x1b\x1a")
    said = b""
    while len(said) < 100 or end not in said[:-6]:
        said += await link.receive()
    await link.close()
    await face.close()
    return tell(said).values


async def optical(meter: ElectricityMeter, clock: ScaledClock) -> tuple[Measurement, ...]:
    """Signed on and read out by IEC 62056-21."""
    face = await serve_meter_pty(local_port(LocalFace.IEC62056_21, meter, clock, 1.0))
    port = LocalPort(FixedLine(await open_link(f"serial://{face.path}{LINE}")), clock)
    _, sets = await port.read_out()
    await port.close()
    await face.close()
    return tuple(measurements(sets))


def show(device: str, values: tuple[Measurement, ...], counted: Quantity, name: ObisCode | str = "") -> None:
    """One line: the register as it was read and as the device has it."""
    registers = [value for value in values if isinstance(value.value, Quantity) and value.value.unit is counted.unit]
    read = next(value for value in registers if not name or value.name == name)
    assert isinstance(read.value, Quantity)
    same = "as counted" if read.value.value == counted.value else f"counted {counted}"
    print(f"{device:28} {read.name!s:32} {read.value!s:>16}  {same}")


async def main() -> None:
    """Every device, one after the other, at noon of New Year's Day; an hour lasts as long as ever."""
    clock = ScaledClock(NEW_YEAR + 43_200, 1.0)
    config = MeterConfig(serial="70000001", system_title=b"OAM\0\0\0\0\1", keys=SecurityKeys(KEY, KEY))
    meter = ElectricityMeter(config, SteadyCurve(1000, 0), NEW_YEAR)
    for kind in PipeKind:
        show(f"M-Bus {kind.name.lower()}", await wired(kind, clock), pipe(kind).register(clock.time()))
    for stick, security in (("cul", Security.PLAIN), ("imst", Security.MODE_5), ("amber", Security.MODE_7)):
        values = await on_air(stick, security, clock)
        show(f"wM-Bus {security.name.lower()}, {stick}", values, pipe(PipeKind.WATER).register(clock.time()))
    for port in (LocalFace.P1, LocalFace.SML):
        meter.advance(clock.time())
        values = await consumer_port(port, meter, clock)
        show(f"electricity, {port}", values, Quantity(meter.energy.import_wh, 0, Unit.WATT_HOUR), IMPORT)
    meter.advance(clock.time())
    values = await optical(meter, clock)
    show("electricity, IEC 62056-21", values, Quantity(meter.energy.import_wh, 0, Unit.WATT_HOUR), IMPORT)


asyncio.run(main())
