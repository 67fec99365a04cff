"""A simulated meter runs: at an address, on a mesh, at a local port; and what it tells of itself."""

from __future__ import annotations

import secrets

from openami.cli.mesh_meter import MeshPlace
from openami.cli.output import console, print_facts, print_json
from openami.cli.serving import framing_of, served
from openami.cli.session import FramingName
from openami.cli.sub_meters import attending
from openami.cli.waking import Waking
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.local_ports import PushingPort, ReadoutPort
from openami.field.meter.faces.push import Deliver, live, push_over_tcp
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.io.clock import Clock, ScaledClock, SystemClock
from openami.io.keystore.counter_file import CounterFile
from openami.model.errors import SettingError
from openami.protocols.dlms.server_settings import ServerSettings


async def run_served(
    device: ElectricityMeter,
    clock: Clock,
    waking: Waking,
    mbus: str,
    settings: ServerSettings | None,
    *,
    listen: str | None,
    framing: FramingName,
    as_json: bool,
) -> None:
    """Serve the meter on TCP, UDP or a pseudo terminal (`listen` is None), and let it live until it is stopped."""
    kind = FramingKind(framing_of(listen, framing).value)
    service = MeterService(device, clock, random=secrets.token_bytes, framing=kind, settings=settings)
    async with (
        served(service, listen, optical=True) as link,
        waking.of(device, service, clock),
        attending(device, mbus, clock),
    ):
        destination = device.config.push_destination
        deliver = push_over_tcp(destination) if destination else _shown(as_json=as_json)
        _introduce(device, link, kind, as_json=as_json)
        await live(device, clock, deliver)


async def run_on_mesh(
    device: ElectricityMeter, place: MeshPlace, counters: CounterFile | None, speed: float, *, as_json: bool
) -> None:
    """Let the meter join a mesh and live there. Raises `SettingError` without a journal for its frame counters."""
    if counters is None:
        raise SettingError("a mesh refuses numbers that it has seen: --counters must name a journal of frame counters")
    _introduce(device, f"mesh:{place.eui64.hex()}", FramingKind.WRAPPER, as_json=as_json)
    await place.run(device, ScaledClock(SystemClock().time(), speed), counters)


async def run_local_port(
    port: PushingPort | ReadoutPort, device: ElectricityMeter, clock: Clock, *, listen: str | None, as_json: bool
) -> None:
    """Serve one of the meter's local ports, and let it live until it is stopped."""
    async with served(port, listen) as link:
        facts = {"link": link, "serial": device.config.serial, "values": device.label}
        print_facts(facts, as_json=as_json)
        await live(device, clock, _shown(as_json=as_json))


def _shown(*, as_json: bool) -> Deliver:
    """Pushes of a meter that has nowhere to push to."""

    async def show(apdu: bytes, _client_sap: int) -> None:
        if as_json:
            print_json({"push": apdu.hex()})
        else:
            console.print(f"push, to nobody (see --push): {apdu.hex()}", highlight=False, soft_wrap=True)

    return show


def _introduce(device: ElectricityMeter, link: str, kind: FramingKind, *, as_json: bool) -> None:
    keys = device.config.keys
    facts = {
        "link": link,
        "framing": kind.value,
        "serial": device.config.serial,
        "system_title": device.config.system_title.hex(),
        "encryption_key": keys.global_unicast_encryption_key.hex(),
        "authentication_key": keys.authentication_key.hex(),
        "values": device.label,
    }
    print_facts(facts, as_json=as_json)
    if as_json:
        return
    console.print("\nRead it from another shell (stop the meter with Ctrl-C):", highlight=False)
    for line in (
        f"export OPENAMI_ENCRYPTION_KEY={facts['encryption_key']}",
        f"export OPENAMI_AUTHENTICATION_KEY={facts['authentication_key']}",
        f"openami read {link} --framing {kind.value} --client 2 --authentication hls5",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
