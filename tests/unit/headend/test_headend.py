"""The head-end: carries what it is asked to carry, only where it may, and spools what is pushed."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path

import pytest

from openami.headend import DialWindow, Headend, HeadendSettings
from openami.headend.collectors import collector_target
from openami.headend.dialling import Cell, Dialling
from openami.headend.targets import AllowList, Refused, Target
from openami.io.clock import SystemClock
from openami.io.links.driver import Driver
from openami.io.links.memory import memory_pair
from openami.io.links.push_stream import PushStream
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.io.spool import FileSpool
from openami.model.errors import ConnectFailed, LinkLost, SettingError
from openami.protocols.zones import (
    AskStatus,
    CircuitOpened,
    CircuitRefused,
    HeadendStatus,
    OpenCircuit,
    ReadSpool,
    RefusalCause,
    ReleaseSpool,
    RequestRefused,
    Role,
    SpoolItems,
    SpoolReleased,
    ZoneConnection,
    decode_push,
)
from openami.simulation.disk import FaultDisk

METER = "tcp://127.0.0.1:4059"


def spool(**settings):
    return FileSpool(Path("spool"), disk=FaultDisk(), random=random.Random(1).randbytes, **settings)


async def until(condition):
    """Let the loop run until `condition` holds."""
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0.0005)
    raise AssertionError("it never came about")


class Rig:
    """A head-end with a back office and meters in memory."""

    def __init__(self, dial=None, held=None, **settings):
        self.dialled = []
        self.meters = {}
        self.spool = held or spool()
        self.headend = Headend(HeadendSettings(**settings), SystemClock(), self.spool, dial=dial or self.dial)
        self.tasks = []

    async def dial(self, host, port, timeout_s):
        self.dialled.append((host, port, timeout_s))
        near, far = memory_pair()
        self.meters[host, port] = far
        return near

    def office(self):
        near, far = memory_pair()
        self.tasks.append(asyncio.ensure_future(self.headend.serve_office(far)))
        core = ZoneConnection(Role.BACK_OFFICE)
        return core, Driver(core, near, SystemClock()), near

    async def ask(self, request):
        core, driver, near = self.office()
        core.send(request, 0.0)
        return await driver.next_event(), near

    async def push(self, *pieces):
        near, far = memory_pair()
        task = asyncio.ensure_future(self.headend.take_pushes(far))
        for piece in pieces:
            await near.send(piece)
            await asyncio.sleep(0)
        await near.close()
        await task

    def spooled(self):
        return [decode_push(item.content).content for item in self.spool.read(0, 1000)]

    async def end(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_circuit_carries_bytes_both_ways_and_ends_with_either_side():
    rig = Rig()
    answer, office = await rig.ask(OpenCircuit(METER, 7.0))
    assert answer == CircuitOpened()
    assert rig.dialled == [("127.0.0.1", 4059, 7.0)]
    meter = rig.meters["127.0.0.1", 4059]
    await office.send(b"to the meter")
    assert await meter.receive() == b"to the meter"
    await meter.send(b"\x00" * 100_000)
    got = b""
    while len(got) < 100_000:
        got += await office.receive()
    await office.close()
    assert await meter.receive() == b""
    await rig.tasks[0]


async def test_the_meter_hanging_up_reaches_the_back_office():
    rig = Rig()
    _, office = await rig.ask(OpenCircuit(METER, 7.0))
    await rig.meters["127.0.0.1", 4059].close()
    assert await office.receive() == b""


async def test_a_silent_circuit_is_closed():
    rig = Rig(circuit_silence_s=0.01)
    _, office = await rig.ask(OpenCircuit(METER, 7.0))
    assert await office.receive() == b""


@pytest.mark.parametrize(
    ("link", "cause"),
    [
        ("tcp://10.0.0.1:4059", RefusalCause.NOT_ALLOWED),
        ("tcp://[::1]:4059", RefusalCause.NOT_ALLOWED),
        ("tcp://[::ffff:10.0.0.1]:4059", RefusalCause.NOT_ALLOWED),
        ("http://127.0.0.1:80", RefusalCause.BAD_ADDRESS),
        ("tcp://127.0.0.1", RefusalCause.BAD_ADDRESS),
        ("tcp://127.0.0.1:99999", RefusalCause.BAD_ADDRESS),
        ("tcp://127.0.0.1:1/path", RefusalCause.BAD_ADDRESS),
        ("tcp://user@127.0.0.1:1", RefusalCause.BAD_ADDRESS),
        ("tcp://[::1:4059", RefusalCause.BAD_ADDRESS),
        ("", RefusalCause.BAD_ADDRESS),
        ("serial:///dev/ttyUSB0", RefusalCause.BAD_ADDRESS),
    ],
)
async def test_what_may_not_be_dialled_is_refused_and_the_next_request_answered(link, cause):
    rig = Rig()
    core, driver, _ = rig.office()
    core.send(OpenCircuit(link, 1.0), 0.0)
    answer = await driver.next_event()
    assert isinstance(answer, CircuitRefused)
    assert answer.cause is cause
    assert rig.dialled == []
    core.send(OpenCircuit(METER, 1.0), 0.0)
    assert await driver.next_event() == CircuitOpened()
    await rig.end()


async def test_an_ipv4_address_in_ipv6_clothes_is_what_it_is():
    assert await AllowList(["10.0.0.0/8"]).target("tcp://[::ffff:10.0.0.1]:1") == Target("::ffff:10.0.0.1", 1)


async def test_a_name_is_dialled_at_the_address_that_was_checked():
    answers = {"inside.example": ["192.0.2.1", "10.1.2.3"], "outside.example": ["192.0.2.1"]}

    async def resolve(host, port):
        if host not in answers:
            raise OSError(f"{host}:{port} unknown")
        return answers[host]

    allowed = AllowList(["10.0.0.0/8"], resolve)
    assert await allowed.target("tcp://inside.example:4059") == Target("10.1.2.3", 4059)
    with pytest.raises(Refused, match="lies in no network"):
        await allowed.target("tcp://outside.example:4059")
    with pytest.raises(Refused, match="has no address"):
        await allowed.target("tcp://nowhere.example:4059")


async def test_one_circuit_per_meter_and_no_more_than_the_limit():
    rig = Rig(circuits_max=2)
    answers = [(await rig.ask(OpenCircuit(f"tcp://127.0.0.{host}:1", 1.0)))[0] for host in (1, 1, 2, 3)]
    assert [getattr(answer, "cause", None) for answer in answers] == [
        None,
        RefusalCause.BUSY,
        None,
        RefusalCause.TOO_MANY,
    ]
    status, _ = await rig.ask(AskStatus())
    assert isinstance(status, HeadendStatus)
    assert (status.circuits_open, status.circuits_opened, status.circuits_refused) == (2, 2, 2)
    await rig.end()
    assert rig.headend._dialling.open == 0


def test_meters_rest_between_two_dials():
    dialling = Dialling((), 60.0, 10)
    target = Target("10.0.0.1", 1)
    with dialling.slot(target, 1000.0):
        pass
    with pytest.raises(Refused, match="less than 60 s ago"), dialling.slot(target, 1059.0):
        pass
    with dialling.slot(target, 1060.0):
        pass
    for number in range(100):
        with dialling.slot(Target("10.0.0.2", number), 2000.0 + 100 * number):
            pass
    assert len(dialling._dialled) == 1


def test_a_cell_bears_so_many_circuits_at_once():
    dialling = Dialling((), 0, 10, [Cell.parse("10.1.0.0/16=2")])
    near = [Target(f"10.1.0.{number}", 1) for number in range(1, 4)]
    with dialling.slot(near[0], 0.0):
        with dialling.slot(near[1], 0.0), dialling.slot(Target("10.2.0.1", 1), 0.0):
            with pytest.raises(Refused, match=r"2 circuits are open in cell 10\.1\.0\.0/16") as refused:
                dialling.slot(near[2], 0.0).__enter__()
            assert refused.value.cause is RefusalCause.TOO_MANY
        with dialling.slot(near[2], 0.0), dialling.slot(collector_target("collector://mill-lane/10.1.0.9"), 0.0):
            assert dialling.open == 3


@pytest.mark.parametrize("text", ["10.1.0.0/16", "10.1.0.0/16=0", "10.1.0.0/16=many", "10.1.0.1/16=2"])
def test_a_cell_is_a_network_and_a_number(text):
    with pytest.raises(SettingError, match=r"headend\.cells"):
        Cell.parse(text)


def test_windows_of_the_day():
    night = DialWindow(22 * 3600, 6 * 3600)
    assert [night.open_at(86_400 * 20_000 + hour * 3600) for hour in (21, 22, 0, 5, 6)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    day = DialWindow(8 * 3600, 86_400)
    assert [day.open_at(hour * 3600) for hour in (7, 8, 23)] == [False, True, True]
    with pytest.raises(Refused, match="no dial window"), Dialling((day,), 0, 1).slot(Target("10.0.0.1", 1), 0.0):
        pass
    with pytest.raises(SettingError):
        DialWindow(5, 5)


async def test_a_meter_that_does_not_answer_the_dial():
    async def never(host, port, timeout_s):
        await asyncio.get_running_loop().create_future()

    async def refused(host, port, timeout_s):
        raise ConnectFailed(f"no connection to {host}:{port}: refused")

    answer, _ = await Rig(never, dial_timeout_s=0.01).ask(OpenCircuit(METER, 60.0))
    assert answer.cause is RefusalCause.TIMEOUT
    answer, _ = await Rig(refused).ask(OpenCircuit(METER, 60.0))
    assert (answer.cause, answer.detail) == (RefusalCause.CONNECT_FAILED, "no connection to 127.0.0.1:4059: refused")


async def test_bad_bytes_end_the_connection_of_the_back_office():
    rig = Rig()
    near, far = memory_pair()
    task = asyncio.ensure_future(rig.headend.serve_office(far))
    await near.send(b"GET / HTTP/1.1\r\n\r\n")
    assert await near.receive() == b""
    await task


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"host": "0.0.0.0"}, "mutual TLS"),
        ({"host": "headend.example"}, "mutual TLS"),
        ({"circuits_max": 0}, "circuits_max is 0"),
        ({"dial_timeout_s": 0}, "dial_timeout_s is 0"),
    ],
)
def test_settings_that_cannot_be_meant(settings, text):
    with pytest.raises(SettingError, match=text):
        HeadendSettings(**settings)


def test_networks_are_checked_at_the_start():
    with pytest.raises(SettingError, match=r"headend\.networks"):
        Rig(networks=("10.0.0.1/8",))


# Pushes

FRAME = bytes.fromhex("0001000100100003") + b"abc"


@pytest.mark.parametrize("size", range(1, 12))
def test_a_wrapper_stream_is_cut_at_its_lengths_however_it_arrives(size):
    stream, data, items = PushStream(1000), FRAME * 3 + FRAME[:5], []
    for at in range(0, len(data), size):
        items += stream.feed(data[at : at + size])
    assert items == [FRAME] * 3
    assert stream.rest() == FRAME[:5]
    assert stream.rest() == b""


@pytest.mark.parametrize("data", [b"\x7e\xa0garbage" * 50, b"\x00\x01" + bytes([0, 1, 0, 1, 255, 255]) + b"x" * 300])
def test_other_streams_lose_nothing_and_stay_bounded(data):
    stream = PushStream(100)
    items = stream.feed(data)
    assert b"".join(items) + stream.rest() == data
    assert max(map(len, items)) <= 100


async def test_pushes_over_tcp_are_on_the_disk_when_the_connection_ends():
    rig = Rig()
    await rig.push(FRAME + FRAME[:4], FRAME[4:] + b"\x7etail")
    assert rig.spooled() == [FRAME, FRAME, b"\x7etail"]
    push = decode_push(rig.spool.read(0, 1)[0].content)
    assert push.transport == "tcp"
    assert push.source
    assert abs(push.received_at - SystemClock().time()) < 100


async def test_a_silence_ends_an_item_that_has_no_length():
    rig = Rig(push_silence_s=0.01)
    near, far = memory_pair()
    task = asyncio.ensure_future(rig.headend.take_pushes(far))
    await near.send(b"\x7eone")
    await until(rig.spooled)
    await near.send(b"\x7etwo")
    await near.close()
    await task
    assert rig.spooled() == [b"\x7eone", b"\x7etwo"]


async def test_what_a_broken_connection_brought_is_kept():
    class Broken:
        peer, datagrams = "meter", False

        def __init__(self):
            self.pieces = [b"\x7ehalf"]

        async def receive(self):
            if not self.pieces:
                raise LinkLost("broken")
            return self.pieces.pop()

        async def close(self):
            pass

    rig = Rig()
    await rig.headend.take_pushes(Broken())
    assert rig.spooled() == [b"\x7ehalf"]


async def test_many_pushes_share_a_sync():
    disk = FaultDisk()
    held = FileSpool(Path("spool"), disk=disk, random=random.Random(1).randbytes)
    rig = Rig(held=held)
    before = disk.steps
    await asyncio.gather(*(rig.push(FRAME) for _ in range(200)))
    assert rig.spooled() == [FRAME] * 200
    assert disk.steps - before < 40


async def test_a_full_spool_refuses_and_cuts_the_sender_off():
    rig = Rig(held=spool(limit_bytes=150))
    near, far = memory_pair()
    task = asyncio.ensure_future(rig.headend.take_pushes(far))
    await near.send(FRAME * 5)
    assert await near.receive() == b""
    await task
    taken = len(rig.spooled())
    status, _ = await rig.ask(AskStatus())
    assert (status.pushes_taken, status.pushes_refused) == (taken, 1)
    assert 1 <= taken < 5


async def test_the_back_office_reads_and_releases_the_spool():
    rig = Rig()
    await rig.push(FRAME * 3)
    core, driver, _ = rig.office()
    core.send(ReadSpool(0, 2), 0.0)
    items = await driver.next_event()
    assert isinstance(items, SpoolItems)
    assert [decode_push(item.content).content for item in items.items] == [FRAME, FRAME]
    core.send(ReleaseSpool("another", 2), 0.0)
    assert isinstance(await driver.next_event(), RequestRefused)
    core.send(ReleaseSpool(items.spool, 2), 0.0)
    assert await driver.next_event() == SpoolReleased()
    core.send(ReadSpool(0, 10), 0.0)
    assert [item.number for item in (await driver.next_event()).items] == [3]
    await rig.end()


async def test_a_spool_that_fails_is_an_answer_not_a_crash():
    rig = Rig()
    await rig.push(FRAME)
    rig.spool._disk.fails = set(range(1000))
    items, _ = await rig.ask(ReadSpool(0, 5))
    answer, _ = await rig.ask(ReleaseSpool(items.spool, 1))
    assert isinstance(answer, RequestRefused)
    assert "input/output error" in answer.detail


async def test_over_real_sockets():
    async def echo(link):
        while data := await link.receive():
            await link.send(data.upper())

    meter = await serve_tcp(echo, "127.0.0.1", 0)
    held = spool()
    headend = Headend(HeadendSettings(port=0, push_port=0), SystemClock(), held)
    await headend.start()
    link = await connect_tcp("127.0.0.1", headend.port, timeout_s=5)
    core = ZoneConnection(Role.BACK_OFFICE)
    driver = Driver(core, link, SystemClock())
    core.send(OpenCircuit(f"tcp://127.0.0.1:{meter.port}", 5.0), 0.0)
    assert await driver.next_event() == CircuitOpened()
    await link.send(b"hello")
    assert await link.receive() == b"HELLO"
    await link.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"gasp", ("127.0.0.1", headend.push_port))
    pusher = await connect_tcp("127.0.0.1", headend.push_port, timeout_s=5)
    await pusher.send(FRAME)
    await pusher.close()
    await until(lambda: held.waiting == 2)
    pushes = [decode_push(item.content) for item in held.read(0, 10)]
    assert {(push.transport, push.content) for push in pushes} == {("udp", b"gasp"), ("tcp", FRAME)}
    await headend.close()
    await meter.close()
    with pytest.raises(ConnectFailed):
        await connect_tcp("127.0.0.1", headend.port, timeout_s=5)
