"""Back office and head-end over mutual TLS on real sockets, a meter behind it, a push into it."""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from openami.backoffice.operations import HeadendClient
from openami.backoffice.operations.headend_client import HeadendUnreachable
from openami.headend import Headend, HeadendSettings
from openami.io.blocking import Executed
from openami.io.clock import SystemClock
from openami.io.keystore.tls import client_context, issue, make_authority, server_context
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.io.spool import FileSpool
from openami.model.errors import LinkError, SettingError
from openami.simulation.disk import FaultDisk

NOW = datetime.now(UTC)  # certificates are judged by the machine's clock
HEADEND, OFFICE = "headend.openami.localhost", "office.openami.localhost"


@pytest.fixture
def authority(tmp_path):
    return make_authority(tmp_path / "authority", NOW)


def headend_of(authority, folder, executor):
    own = issue(authority, folder, HEADEND, NOW, server=True)
    spool = FileSpool(Path("spool"), disk=FaultDisk(), random=random.Random(1).randbytes)
    settings = HeadendSettings(host="0.0.0.0", port=0, push_port=0, tls=server_context(own, clients=True))
    return Headend(settings, SystemClock(), spool, blocking=Executed(executor)), spool


def office_of(headend, tls):
    connect = partial(connect_tcp, "127.0.0.1", headend.port, timeout_s=10, tls=tls, server_name=HEADEND)
    return HeadendClient(connect, SystemClock())


async def test_a_circuit_and_the_spool_over_mutual_tls(authority, tmp_path):
    async def echo(link):
        while data := await link.receive():
            await link.send(data[::-1])

    meter = await serve_tcp(echo, "127.0.0.1", 0)
    with ThreadPoolExecutor(1) as executor:
        headend, _ = headend_of(authority, tmp_path / "headend", executor)
        await headend.start()
        own = issue(authority, tmp_path / "office", OFFICE, NOW, server=False)
        office = office_of(headend, client_context(authority.certificate, own))
        circuit = await office.open_circuit(f"tcp://127.0.0.1:{meter.port}", 5)
        await circuit.send(b"abc")
        assert await circuit.receive() == b"cba"
        await circuit.close()
        pusher = await connect_tcp("127.0.0.1", headend.push_port, timeout_s=5)
        await pusher.send(b"\x00\x01\x00\x01\x00\x67\x00\x02hi")
        await pusher.close()
        items = (await office.read_spool(0, 10)).items
        while not items:
            await asyncio.sleep(0.001)
            items = (await office.read_spool(0, 10)).items
        assert (await office.status()).pushes_taken == 1
        await headend.close()
        await meter.close()


async def test_who_shows_no_certificate_gets_nothing(authority, tmp_path):
    with ThreadPoolExecutor(1) as executor:
        headend, _ = headend_of(authority, tmp_path / "headend", executor)
        await headend.start()
        with pytest.raises((HeadendUnreachable, LinkError)):
            await office_of(headend, client_context(authority.certificate)).status()
        stranger = make_authority(tmp_path / "stranger", NOW)
        forged = issue(stranger, tmp_path / "forged", OFFICE, NOW, server=False)
        with pytest.raises((HeadendUnreachable, LinkError)):
            await office_of(headend, client_context(authority.certificate, forged)).status()
        await headend.close()


def test_a_server_that_asks_for_no_certificate_is_no_setting(authority, tmp_path):
    own = issue(authority, tmp_path / "headend", HEADEND, NOW, server=True)
    with pytest.raises(SettingError, match="mutual TLS"):
        HeadendSettings(tls=server_context(own))


async def test_a_connection_over_tls_holds_little_memory(authority, tmp_path):
    held = asyncio.Event()

    async def hold(_link):
        await held.wait()

    own = issue(authority, tmp_path / "headend", HEADEND, NOW, server=True)
    server = await serve_tcp(hold, "127.0.0.1", 0, tls=server_context(own))
    tls = client_context(authority.certificate)
    tracemalloc.start()
    try:
        links = [await connect_tcp("127.0.0.1", server.port, tls=tls, server_name=HEADEND) for _ in range(20)]
        both_sides, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert both_sides / len(links) < 2 * 48 * 1024
    held.set()
    for link in links:
        await link.close()
    await server.close()
