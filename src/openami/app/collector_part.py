"""The collector of an installation, as a process of its own: it loads nothing that a small box would feel."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openami import __version__
from openami.app.collector_keys import open_keyed_meters
from openami.app.collector_mesh import open_mesh
from openami.app.collector_ways import ways
from openami.app.field_sections import Collector as Section
from openami.app.settings import address
from openami.field.collector.bundle import Bundles
from openami.field.collector.collector import Collector
from openami.field.collector.direct import DirectMeters
from openami.field.collector.forwarding import serve_forwarding
from openami.field.collector.keyed_meters import KeyedMeters
from openami.field.collector.settings import CollectorSettings
from openami.field.collector.status_page import serve_status
from openami.io.blocking import Executed
from openami.io.clock import Clock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.address import parse_address
from openami.io.links.consumer_port import PortNeighbourhood, open_port, port_address
from openami.io.links.lasting import LastingListener
from openami.io.links.neighbourhood import Neighbourhood
from openami.io.links.tcp import connect_tcp
from openami.io.links.wake_up import WakeUpPort, listen_for_wake_ups
from openami.io.links.wmbus import WirelessNeighbourhood, open_stick, stick_address
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import SettingError, StoreError
from openami.protocols.mbus.wireless.sticks.heard import Heard
from openami.protocols.zones.wake_up import WakeUpGuard

_SEGMENTS = 16
_ALARM_SHARE = 8


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """A collector whose ports are open. Ports are 0 where nothing listens."""

    collector: Collector
    push_port: int
    status_port: int
    forward_port: int


@dataclass(frozen=True, slots=True)
class _Stick:
    """A radio stick and the meters around it."""

    listener: LastingListener[Heard]
    neighbourhood: WirelessNeighbourhood

    def status(self) -> dict[str, object]:
        """How it hears, for the status page."""
        around = self.neighbourhood
        return {
            "stick": self.listener.name,
            "connected": self.listener.connected,
            "losses": self.listener.losses,
            "heard": around.heard,
            "held_back": around.held_back,
            "damaged": around.damaged,
        }


@dataclass(frozen=True, slots=True)
class _Port:
    """A consumer port and the meter behind it."""

    listener: LastingListener[bytes]
    neighbourhood: PortNeighbourhood

    def status(self) -> dict[str, object]:
        """How it hears, for the status page."""
        return {
            "port": self.listener.name,
            "connected": self.listener.connected,
            "losses": self.listener.losses,
            "heard": self.neighbourhood.heard,
            "held_back": self.neighbourhood.held_back,
        }


@asynccontextmanager
async def run_collector(
    folder: Path, section: Section, clock: Clock, networks: Sequence[Neighbourhood] = ()
) -> AsyncIterator[RunningCollector]:
    """The collector that `section` describes, paths relative to `folder`; it works while the context is open.

    `networks` are neighbourhoods beside the meters on TCP.
    """
    bundles = _started(folder, section)
    meters = DirectMeters(dict(_meter(entry) for entry in section.meters))
    async with AsyncExitStack() as stack:
        sticks = [_stick(stack, entry, section.stick_every_s, clock) for entry in section.sticks]
        ports = [_port(stack, entry, number, section, clock) for number, entry in enumerate(section.ports, start=1)]
        around: list[Neighbourhood] = [stick.neighbourhood for stick in sticks]
        around += [port.neighbourhood for port in ports]
        keyed = None
        if section.keyed_meters:
            keyed = open_keyed_meters(stack, folder / section.keyed_meters, section.keyed_every_s, clock)
            around.append(keyed)
        if section.mesh:
            around.append(await open_mesh(stack, folder / section.mesh_folder, section.mesh, clock))
        collector = _collector(stack, folder, section, clock, [meters, *around, *networks])
        await meters.listen(*address(section.push_listen, "collector.push_listen"))
        stack.push_async_callback(meters.close)
        status = await _serve_status(stack, section, lambda: _status(section, collector, bundles, sticks, ports, keyed))
        forward = await _serve_neighbours(stack, section)
        if section.wake_listen:
            await _listen_for_wake_ups(stack, folder, section, clock, collector)
        stack.push_async_callback(_ended, asyncio.create_task(collector.run()))
        if bundles is not None:
            stack.push_async_callback(_ended, asyncio.create_task(_confirm(bundles, collector, clock)))
        yield RunningCollector(collector, meters.push_port, status, forward)


def _collector(
    stack: AsyncExitStack, folder: Path, section: Section, clock: Clock, networks: Sequence[Neighbourhood]
) -> Collector:
    executor = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="spool"))
    alarms, bulk = (_spool(folder / section.spool, name, section.spool_bytes) for name in ("alarms", "bulk"))
    stack.callback(alarms.close)
    stack.callback(bulk.close)
    settings = CollectorSettings(
        software=f"openami {__version__}", alarm_bytes=section.alarm_bytes, spread_s=section.spread_s
    )
    return Collector(
        networks,
        ways(folder, section),
        alarms,
        bulk,
        clock,
        secrets.token_bytes,
        blocking=Executed(executor),
        settings=settings,
    )


async def _serve_status(stack: AsyncExitStack, section: Section, status: Callable[[], dict[str, object]]) -> int:
    if not section.status_listen:
        return 0
    host, port = address(section.status_listen, "collector.status_listen")
    page = await serve_status(host, port, section.name, status)
    stack.push_async_callback(page.close)
    return page.port


async def _serve_neighbours(stack: AsyncExitStack, section: Section) -> int:
    if not section.forward_listen:
        return 0
    host, port = address(section.forward_listen, "collector.forward_listen")
    headend = address(section.headend, "collector.headend")
    server = await serve_forwarding(host, port, lambda: connect_tcp(*headend))
    stack.push_async_callback(server.close)
    return server.port


def public_key(text: str, setting: str) -> Ed25519PublicKey:
    """An Ed25519 key written in hexadecimal; raises `SettingError` that names the setting."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError as error:
        raise SettingError(f"{setting} must be an Ed25519 public key, 64 hex digits") from error


def _spool(folder: Path, name: str, limit_bytes: int) -> FileSpool:
    """Alarms have their own share, so that no bulk takes it."""
    limit = limit_bytes // _ALARM_SHARE if name == "alarms" else limit_bytes - limit_bytes // _ALARM_SHARE
    return FileSpool(
        folder / name,
        disk=SystemDisk(),
        random=secrets.token_bytes,
        limit_bytes=limit,
        segment_bytes=max(1 << 16, min(1 << 23, limit // _SEGMENTS)),
    )


def _meter(entry: str) -> tuple[str, tuple[str, int]]:
    name, equals, where = entry.partition("=")
    if not equals or not name or "/" in name:
        raise SettingError(f"collector.meters holds {entry!r}; write ADDRESS=host:port")
    return name, address(where, "collector.meters")


def _stick(stack: AsyncExitStack, entry: str, every_s: int, clock: Clock) -> _Stick:
    kind, link = stick_address(entry, "collector.sticks")
    parse_address(link)
    listener = LastingListener(entry, lambda: open_stick(kind, link), clock)
    stack.push_async_callback(listener.close)
    return _Stick(listener, WirelessNeighbourhood(listener, clock, every_s=every_s))


def _port(stack: AsyncExitStack, entry: str, number: int, section: Section, clock: Clock) -> _Port:
    kind, link = port_address(entry, "collector.ports")
    parse_address(link)
    listener = LastingListener(entry, lambda: open_port(kind, link), clock)
    stack.push_async_callback(listener.close)
    return _Port(listener, PortNeighbourhood(f"{kind}-{number}", listener, clock, every_s=section.port_every_s))


def open_bundles(folder: Path, section: Section) -> Bundles | None:
    """The collector's bundles, if it takes any."""
    if not section.bundle_key:
        return None
    return Bundles(folder / section.bundles, section.name, public_key(section.bundle_key, "collector.bundle_key"))


def _started(folder: Path, section: Section) -> Bundles | None:
    """Count this start; a bundle that never reached the head-end is rolled back, and the next start uses the other."""
    bundles = open_bundles(folder, section)
    if bundles is not None and (before := bundles.current) != bundles.started():
        raise StoreError(f"bundle {before} never reached the head-end: rolled back to {bundles.current}; start again")
    return bundles


async def _confirm(bundles: Bundles, collector: Collector, clock: Clock) -> None:
    """A bundle that reaches the head-end is good."""
    while not collector.uplink.connected:
        await clock.sleep(1)
    bundles.confirm()


async def _listen_for_wake_ups(
    stack: AsyncExitStack, folder: Path, section: Section, clock: Clock, collector: Collector
) -> None:
    signer = public_key(section.wake_key, "collector.wake_key")
    journal = CounterFile(folder / section.counters, disk=SystemDisk())
    stack.callback(journal.close)
    name = f"wake-up/{section.name}"
    guard = WakeUpGuard(section.name, signer, journal.load(name))
    port = WakeUpPort(guard, journal, name, clock, collector.uplink.call_in)
    transport = await listen_for_wake_ups(port, *address(section.wake_listen, "collector.wake_listen"))
    stack.callback(transport.close)


def _status(
    section: Section,
    collector: Collector,
    bundles: Bundles | None,
    sticks: Sequence[_Stick],
    ports: Sequence[_Port],
    keyed: KeyedMeters | None,
) -> dict[str, object]:
    status = collector.uplink.status()
    shown: dict[str, object] = {name: getattr(status, name) for name in status.__struct_fields__}
    return {
        "name": section.name,
        "software": __version__,
        "bundle": 0 if bundles is None else bundles.current,
        "connected": collector.uplink.connected,
        "last_error": collector.uplink.last_error,
        "clock_offset_s": collector.uplink.offset_s,
        "sticks": [stick.status() for stick in sticks],
        "ports": [port.status() for port in ports],
        "read_with_own_keys": 0 if keyed is None else len(keyed),
        **shown,
    }


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
