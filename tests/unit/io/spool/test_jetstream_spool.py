"""The spool in JetStream, against a real server: what is promised of any spool, and what is lost is noticed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from nats_server import nats_server, program
from openami.app.installation import install
from openami.app.parts import headend_client, run_headend
from openami.app.settings import Settings
from openami.io.clock import SystemClock
from openami.io.spool.chain import RecordChain
from openami.io.spool.file_spool import FileSpool
from openami.io.spool.jetstream_spool import BATCH_MAX, JetStreamSpool
from openami.io.spool.open_spool import open_spool
from openami.io.spool.spool import SpoolFull
from openami.model.errors import SettingError, StoreError
from openami.simulation.disk import FaultDisk

pytestmark = pytest.mark.skipif(program() is None, reason="nats-server is not installed")
CLOCK = SystemClock()
PUSH = bytes.fromhex("0001 0001 0067 0005 0f00000001")
"""A DataNotification that says nothing, in the TCP wrapper."""
SEEDED = random.Random(1).randbytes


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with nats_server(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def make(address, request):
    """Spools of this test's own stream; closed at its end."""
    made = []

    def one(**settings):
        stream = request.node.name[:60]
        made.append(JetStreamSpool(f"{address}/{stream}", random=SEEDED, replicas=1, **settings))
        return made[-1]

    yield one
    for spool in made:
        spool.close()


def test_items_come_back_in_order_with_their_numbers(make):
    spool = make()
    assert spool.append(b"one") == 1
    assert spool.append_many([b"", b"three"]) == [2, 3]
    again = make()
    assert again.read(0, 10) == [(1, b"one"), (2, b""), (3, b"three")]
    assert again.read(1, 1) == [(2, b"")]
    assert again.read(3, 10) == []
    assert again.identity == spool.identity
    assert (again.waiting, again.size > 0) == (3, True)


def test_reading_is_bounded_by_count_and_bytes_but_never_stuck(make):
    spool = make()
    assert spool.read(0, 10) == []
    spool.append_many([b"x" * 100] * 5)
    assert [number for number, _ in spool.read(0, 3)] == [1, 2, 3]
    assert [number for number, _ in spool.read(0, 10, 250)] == [1, 2]
    assert [number for number, _ in spool.read(2, 10, 1)] == [3]


def test_released_items_never_come_again_and_numbers_go_on(make):
    spool = make()
    spool.append_many([b"a"] * 4)
    spool.release(3)
    spool.release(2)
    assert spool.read(0, 10) == [(4, b"a")]
    spool.release(99)
    assert (spool.read(0, 10), spool.waiting) == ([], 0)
    assert make().append(b"b") == 5


def test_what_does_not_fit_is_refused_whole(make):
    spool = make(limit_bytes=4096)
    spool.append(b"kept")
    with pytest.raises(SpoolFull):
        spool.append_many([b"x" * 1000] * 5)
    with pytest.raises(SpoolFull):
        spool.append(b"x" * (1 << 20))
    with pytest.raises(SpoolFull):
        spool.append_many([b""] * (BATCH_MAX + 1))
    assert [item.content for item in spool.read(0, 10)] == [b"kept"]


def test_a_stream_that_was_made_anew_is_another_spool(make):
    spool = make()
    spool.append(b"lost")
    before = spool.identity
    spool._request(f"STREAM.DELETE.{spool._stream}", {})
    assert make().identity != before


def test_a_log_can_be_kept_in_it(make):
    chain = RecordChain(make())
    assert list(chain.replay()) == []
    chain.add([b"first", b"second"])
    again = RecordChain(make())
    assert list(again.replay()) == [b"first", b"second"]
    assert again.head == chain.head


def test_a_killed_server_has_all_that_it_acknowledged_and_its_absence_is_an_error(tmp_path):
    with nats_server(tmp_path / "nats") as address:
        spool = JetStreamSpool(f"{address}/pushes", random=SEEDED, replicas=1)
        numbers = [spool.append(str(number).encode()) for number in range(50)]
        identity = spool.identity
    spool.close()
    with pytest.raises(StoreError):
        JetStreamSpool("nats://127.0.0.1:1/pushes", random=SEEDED, connect_s=0.2)
    with nats_server(tmp_path / "nats") as address:
        again = JetStreamSpool(f"{address}/pushes", random=SEEDED, replicas=1)
        assert again.identity == identity
        assert [number for number, _ in again.read(0, 100)] == numbers
        again.close()


def test_the_setting_chooses(address):
    made = open_spool(f"{address}/chosen", Path(), disk=FaultDisk(), random=SEEDED, limit_bytes=1 << 20, replicas=1)
    assert isinstance(made, JetStreamSpool)
    made.close()
    file = open_spool("spool", Path(), disk=FaultDisk(), random=SEEDED, limit_bytes=1 << 20, replicas=3)
    assert isinstance(file, FileSpool)
    for wrong in ("nats://127.0.0.1", "nats:///x", "nats://127.0.0.1/a.b"):
        with pytest.raises(SettingError, match="nats://host"):
            open_spool(wrong, Path(), disk=FaultDisk(), random=SEEDED, limit_bytes=1, replicas=1)


async def test_a_head_end_keeps_what_meters_push_in_nats(address, tmp_path):
    made, _ = install(tmp_path / "plant", Settings())
    listens = {"listen": "127.0.0.1:0", "push_listen": "127.0.0.1:0"}
    headend = msgspec.structs.replace(
        made.settings.headend, **listens, spool=f"{address}/from-meters", spool_replicas=1
    )
    made = replace(made, settings=msgspec.structs.replace(made.settings, headend=headend))
    for number in (1, 2):
        async with run_headend(made, CLOCK) as relay:
            _, meter = await asyncio.open_connection("127.0.0.1", relay.push_port)
            meter.write(PUSH)
            await meter.drain()
            client = headend_client(made, f"127.0.0.1:{relay.port}", CLOCK)
            async with asyncio.timeout(20):
                items = []
                while len(items) < number:
                    items = (await client.read_spool(0, 10)).items
            meter.close()
            await meter.wait_closed()
    assert [item.number for item in items] == [1, 2]
