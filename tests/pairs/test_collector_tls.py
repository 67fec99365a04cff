"""A collector as it is installed: enrolled, over TLS 1.3 on real sockets; woken, forwarded, called back."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.app.collector_part import run_collector
from openami.app.field_sections import Collector as Section
from openami.backoffice.operations.headend_client import HeadendClient
from openami.field.meter import ElectricityMeter, MeterConfig, MeterService, SteadyCurve, serve_meter_tcp
from openami.headend import Headend, HeadendSettings
from openami.io.clock import SystemClock
from openami.io.keystore import CounterFile
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.keystore.deny_list import DenyList
from openami.io.keystore.tls import issue, make_authority, server_context
from openami.io.links.dlms import DlmsClient
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.io.links.udp import connect_udp
from openami.io.spool import FileSpool
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.gateway import GatewayAddress, GatewayFraming
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming
from openami.protocols.zones.message import decode_push
from openami.protocols.zones.wake_up import WakeUp, encode_wake_up
from openami.simulation.disk import FaultDisk

NOW = datetime.now(UTC)  # certificates are judged by the machine's clock
HEADEND = "headend.openami.localhost"


class Site:
    """An authority of either side, a head-end, and collectors in folders of their own."""

    def __init__(self, folder):
        self.folder = folder
        zones = make_authority(folder / "zones", NOW)
        self.collectors = CertificateAuthority(folder / "collectors")
        self.collectors.make(NOW)
        own = issue(zones, folder / "headend", HEADEND, NOW, server=True)
        self.trusted = zones.certificate
        tls = server_context(replace(own, authority=self.collectors.certificate), clients=True)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self.denied = DenyList(self.collectors.deny_list, self.collectors.certificate)
        self.disk = FaultDisk()
        self.spool = FileSpool(Path("spool"), disk=self.disk, random=random.Random(1).randbytes)
        settings = HeadendSettings(port=0, push_port=None, collector_port=0, collector_tls=tls)
        journal = CounterFile(Path("uploads/journal"), disk=self.disk)
        self.headend = Headend(settings, SystemClock(), self.spool, uploads=journal, denied=self.denied.denied)

    def enrol(self, name, authority=None, neighbourhood="hill"):
        folder = self.folder / name
        file = folder / "tls" / "collector.pem"
        request = make_request(file, name)
        install_certificate(file, (authority or self.collectors).sign(request, name, neighbourhood, NOW))
        return folder

    def section(self, name, **changed):
        settings = {
            "name": name,
            "headend": f"127.0.0.1:{self.headend.collector_port}",
            "headend_authority": str(self.trusted),
            "push_listen": "127.0.0.1:0",
            "status_listen": "127.0.0.1:0",
            "spread_s": 0.0,
            **changed,
        }
        return Section(**settings)

    def sources(self):
        return [decode_push(item.content).source for item in self.spool.read(0, 100)]


@asynccontextmanager
async def site_of(folder):
    site = Site(folder)
    await site.headend.start()
    try:
        yield site
    finally:
        await site.headend.close()


async def look(condition):
    """Wait for what happens on real sockets; the test's time-out is the limit."""
    while not condition():
        await asyncio.sleep(0.002)


async def push(port, payload=b"sealed"):
    link = await connect_udp("127.0.0.1", port)
    await link.send(payload)
    await asyncio.sleep(0)
    await link.close()


async def test_our_meter_on_a_socket_is_read_through_collector_and_head_end(tmp_path):
    keys = SecurityKeys(bytes(range(16)), bytes(range(16, 32)))
    config = MeterConfig(serial="1", system_title=b"OAM\0\0\0\0\1", keys=keys)
    clock = SystemClock()
    device = ElectricityMeter(config, SteadyCurve(1000), clock.time() - 3600)
    meter = await serve_meter_tcp(MeterService(device, clock, random=random.Random(2).randbytes))
    async with site_of(tmp_path) as site:
        section = site.section("c1", meters=(f"m1=127.0.0.1:{meter.port}",))
        async with run_collector(site.enrol("c1"), section, clock):
            await look(lambda: "m1" in site.headend._collectors._sessions.get("c1", _NOBODY).meters)
            office = HeadendClient(lambda: connect_tcp("127.0.0.1", site.headend.port), clock)
            circuit = await office.open_circuit("collector://c1/m1", 5)
            settings = ClientSettings(
                client_sap=2, authentication=Authentication.HLS5, keys=keys, system_title=b"OACTESTS"
            )
            address = GatewayAddress(0, b"m1")
            framing = GatewayFraming(WrapperFraming(Role.CLIENT, 2, 1), Role.CLIENT, address)
            chance = random.Random(3).randbytes
            async with DlmsClient(
                circuit, framing, settings, clock=clock, random=chance, counters=MemoryCounters()
            ) as client:
                raw = await client.get_raw(CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2))
            assert int.from_bytes(raw[1:], "big") > 0
    await meter.close()


async def test_pushes_and_circuits_over_mutual_tls(tmp_path):
    async def echo(link):
        while data := await link.receive():
            await link.send(data[::-1])

    meter = await serve_tcp(echo, "127.0.0.1", 0)
    async with site_of(tmp_path) as site:
        section = site.section("c1", meters=(f"m1=127.0.0.1:{meter.port}",))
        async with run_collector(site.enrol("c1"), section, SystemClock()) as running:
            await look(lambda: "m1" in site.headend._collectors._sessions.get("c1", _NOBODY).meters)
            await push(running.push_port)
            await look(lambda: site.spool.waiting)
            assert site.sources() == ["collector://c1/m1"]
            status = await ask(running.status_port, f"127.0.0.1:{running.status_port}")
            assert json.loads(status.partition(b"\r\n\r\n")[2])["connected"] is True
            assert b"421" in await ask(running.status_port, "evil.example")
    await meter.close()


class _Nobody:
    meters = ()


_NOBODY = _Nobody()


async def ask(port, host):
    link = await connect_tcp("127.0.0.1", port)
    await link.send(f"GET /status HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = b""
    while data := await link.receive():
        answer += data
    await link.close()
    return answer


async def test_who_is_not_enrolled_gets_nothing_and_keeps_what_it_heard(tmp_path):
    async with site_of(tmp_path) as site:
        stranger = CertificateAuthority(tmp_path / "stranger")
        stranger.make(NOW)
        folder = site.enrol("c1", stranger)
        async with run_collector(folder, site.section("c1"), SystemClock()) as running:
            await push(running.push_port)
            await look(lambda: running.collector.uplink.last_error)
            await look(lambda: running.collector.uplink.status().waiting_alarms)
            assert site.headend._collectors._sessions == {}
            assert site.spool.waiting == 0


async def test_a_certificate_that_is_called_back_ends_the_connection_and_no_other_begins(tmp_path):
    async with site_of(tmp_path) as site:
        folder = site.enrol("c1")
        async with run_collector(folder, site.section("c1"), SystemClock()) as running:
            await look(lambda: running.collector.uplink.connected)
            site.collectors.deny((folder / "tls" / "collector.pem").read_bytes(), datetime.now(UTC))
            site.denied.refresh()
            await site.headend.shed_denied()
            await look(lambda: not running.collector.uplink.connected)
            running.collector.uplink.call_in()
            await asyncio.sleep(0.05)
            assert site.headend._collectors._sessions == {}


async def test_a_certificate_is_rolled_over_without_a_pause(tmp_path):
    async with site_of(tmp_path) as site:
        folder = site.enrol("c1")
        async with run_collector(folder, site.section("c1"), SystemClock()) as running:
            await look(lambda: running.collector.uplink.connected)
            old = site.headend._collectors._sessions["c1"]
            site.collectors.deny((folder / "tls" / "collector.pem").read_bytes(), datetime.now(UTC))
            site.enrol("c1")
            site.denied.refresh()
            await site.headend.shed_denied()
            await look(lambda: not running.collector.uplink.connected)
            running.collector.uplink.call_in()
            await look(lambda: running.collector.uplink.connected)
            assert site.headend._collectors._sessions["c1"].who.serial != old.who.serial


async def test_a_neighbour_forwards_when_the_own_wan_is_lost(tmp_path):
    async with site_of(tmp_path) as site:
        near = site.section("c1", forward_listen="127.0.0.1:0")
        async with run_collector(site.enrol("c1"), near, SystemClock()) as first:
            lost = site.section("c2", headend="127.0.0.1:1", neighbours=(f"127.0.0.1:{first.forward_port}",))
            async with run_collector(site.enrol("c2"), lost, SystemClock()) as second:
                await look(lambda: second.collector.uplink.connected)
                await push(second.push_port)
                await look(lambda: site.spool.waiting)
                assert site.sources() == ["collector://c2/127.0.0.1"]


async def test_a_wake_up_makes_a_collector_call_in_at_once(tmp_path, unused_udp_port):
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    async with site_of(tmp_path) as site:
        wake = f"127.0.0.1:{unused_udp_port}"
        section = site.section("c1", spread_s=86_400.0, wake_listen=wake, wake_key=raw.hex())
        async with run_collector(site.enrol("c1"), section, SystemClock()) as running:
            forged = encode_wake_up(WakeUp("c1", int(NOW.timestamp()), 600, 7), Ed25519PrivateKey.generate())
            await push(unused_udp_port, forged)
            await asyncio.sleep(0.05)
            assert not running.collector.uplink.connected
            await push(unused_udp_port, encode_wake_up(WakeUp("c1", int(NOW.timestamp()), 600, 7), key))
            await look(lambda: running.collector.uplink.connected)


@pytest.fixture
def unused_udp_port():
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_the_status_page_is_for_loopback_only(tmp_path):
    async with site_of(tmp_path) as site:
        with pytest.raises(SettingError, match="loopback"):
            async with run_collector(site.enrol("c1"), site.section("c1", status_listen="0.0.0.0:0"), SystemClock()):
                pass
