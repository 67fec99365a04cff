"""The awaiting client against a served meter, over links in memory, both framings, whole and in pieces."""

from __future__ import annotations

import asyncio
import random

import pytest

from dlms_pair import (
    ENERGY,
    ENERGY_OCTETS,
    NOTE,
    PROFILE,
    PROFILE_OCTETS,
    PUBLIC,
    SERVER_TITLE,
    Store,
    client_settings,
    note,
    password_settings,
    plain_settings,
    server_settings,
)
from openami.io.clock import SystemClock
from openami.io.links.dlms import DlmsClient, serve_dlms
from openami.io.links.memory import memory_pair
from openami.model.errors import LinkLost, LinkTimeout, SecurityError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, Conformance
from openami.protocols.dlms.cosem.data import Data as DataObject
from openami.protocols.dlms.cosem.register import Register
from openami.protocols.dlms.counters import CounterRanges, CountersExhausted, MemoryCounters
from openami.protocols.dlms.data import double_long_unsigned, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.errors import ActionError, AssociationRejected, DataAccessError
from openami.protocols.dlms.events import ClientAssociated, ClientLeft, Closed
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.resynchronisation import CounterQuarantined
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.wrapper import WrapperFraming

CLOCK = SystemClock()
WAYS = {"public": plain_settings, "password": password_settings, "hls5": client_settings}


class Bench:
    """A served meter and the way to it."""

    def __init__(self, framing: str = "wrapper", *, piece_size=None, tamper=None, **server) -> None:
        self.device = Store()
        self.counters = MemoryCounters()
        self.told: list = []
        self.framing = framing
        self.ours, theirs = memory_pair(piece_size=piece_size, tamper=tamper)
        settings = server_settings(self.device, **server)
        state = ServerState(SERVER_TITLE, MemoryCounters())
        choice = random.Random(5)
        self.random = choice.randbytes

        def make() -> ServerConnection:
            return ServerConnection(
                self.framed(Role.SERVER, PUBLIC), settings, state, random=choice.randbytes, now=CLOCK.monotonic()
            )

        self.meter = asyncio.get_running_loop().create_task(
            serve_dlms(theirs, make, CLOCK, counters=MemoryCounters(), observe=self.told.append)
        )

    def framed(self, role: Role, client_sap: int):
        if self.framing == "wrapper":
            return WrapperFraming(role, client_sap, 1)
        return HdlcFraming(role, client_sap, HdlcAddress(1))

    def client(self, settings) -> DlmsClient:
        framing = self.framed(Role.CLIENT, settings.client_sap)
        return DlmsClient(self.ours, framing, settings, clock=CLOCK, random=self.random, counters=self.counters)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framing", ["wrapper", "hdlc"])
@pytest.mark.parametrize("pieces", [False, True])
async def test_a_session_of_all_services(way, framing, pieces):
    choice = random.Random(9)
    bench = Bench(framing, piece_size=(lambda: choice.randint(1, 40)) if pieces else None)
    async with bench.client(WAYS[way]()) as client:
        assert await client.get(Register.value, ENERGY.instance_id) == double_long_unsigned(123456)
        assert await client.get_raw(PROFILE) == PROFILE_OCTETS
        await client.set(DataObject.value, NOTE.instance_id, octet_string(b"hello"))
        assert await client.get(DataObject.value, NOTE.instance_id) == octet_string(b"hello")
        assert await client.get_list([ENERGY, NOTE]) == [ENERGY_OCTETS, note(b"hello")]
        assert await client.action(Register.reset, ENERGY.instance_id, 0) is not None
        written = [(NOTE, note(b"list")), (ENERGY, ENERGY_OCTETS)]
        assert await client.set_list(written) == [DataAccessResult.SUCCESS, DataAccessResult.READ_WRITE_DENIED]
        reset = CosemMethodDescriptor(3, ENERGY.instance_id, 1)
        assert await client.action_list([(reset, note(b"x")), (reset, None)]) == [
            (ActionResult.SUCCESS, note(b"x")),
            (ActionResult.SUCCESS, None),
        ]
        assert client.received[0][0] == (0xCF if way == "hls5" else 0xC7)
    await bench.meter
    assert isinstance(bench.told[0], ClientAssociated)
    assert isinstance(bench.told[-2], ClientLeft)
    assert isinstance(bench.told[-1], Closed)
    assert client.state is ClientState.CLOSED


async def test_refusals_are_errors_that_name_what_was_asked():
    bench = Bench()
    without_blocks = CLIENT_CONFORMANCE & ~Conformance.BLOCK_TRANSFER_WITH_ACTION
    async with bench.client(password_settings(conformance=without_blocks)) as client:
        with pytest.raises(DataAccessError, match=r"0-0:96\.1\.0\*255 attribute 2 of class 1: object-undefined \(4\)"):
            await client.get(DataObject.value, NOTE.instance_id)
        with pytest.raises(DataAccessError) as denied:
            await client.set(Register.value, ENERGY.instance_id, double_long_unsigned(1))
        assert denied.value.result is DataAccessResult.READ_WRITE_DENIED
        missing = CosemAttributeDescriptor(1, ObisCode(0, 0, 1, 0, 0), 9)
        assert await client.get_list([missing, ENERGY]) == [DataAccessResult.OBJECT_UNDEFINED, ENERGY_OCTETS]
        bench.device.action = lambda *_args: (ActionResult.HARDWARE_FAULT, None)
        with pytest.raises(ActionError, match=r"1-0:1\.8\.0\*255 method 1 of class 3: hardware-fault \(1\)"):
            await client.action(Register.reset, ENERGY.instance_id, 0)
        bench.device.action = lambda *_args: (ActionResult.SUCCESS, None)
        assert await client.action(Register.reset, ENERGY.instance_id, 0) is None
        bench.device.action = lambda *_args: (ActionResult.SUCCESS, bytes([9, 0x82, 255, 255]) + bytes(65535))
        with pytest.raises(DataAccessError, match="returned: other-reason"):
            await client.action(Register.reset, ENERGY.instance_id, 0)


async def test_a_refused_association_closes_the_link():
    bench = Bench()
    with pytest.raises(AssociationRejected, match="no-reason-given"):
        async with bench.client(plain_settings(client_sap=42)):
            raise AssertionError("associated")
    await bench.meter
    assert isinstance(bench.told[-1], Closed)


async def test_a_meter_that_is_silent_is_a_time_out():
    ours, _theirs = memory_pair()
    settings = client_settings(response_timeout_s=0.01)
    client = DlmsClient(
        ours,
        WrapperFraming(Role.CLIENT, 1, 1),
        settings,
        clock=CLOCK,
        random=random.Random(1).randbytes,
        counters=MemoryCounters(),
    )
    with pytest.raises(LinkTimeout, match="no answer from server SAP 1"):
        await client.associate()
    await client.close()


async def test_a_meter_that_hangs_up_is_a_lost_link():
    bench = Bench(tamper=lambda data: [data])
    client = bench.client(client_settings())
    await client.associate()
    bench.meter.cancel()
    with pytest.raises(LinkLost):
        await client.get_raw(ENERGY)
    await client.close()


async def test_a_wrong_key_is_told_as_the_refusal_and_not_as_silence():
    """The meter's answers are altered on the way: what was refused is the cause, soon."""

    def alter(data: bytes) -> list[bytes]:
        return [data[:-1] + bytes((data[-1] ^ 1,))] if data[8] == 0xCC else [data]

    bench = Bench(tamper=alter)
    async with bench.client(client_settings(refusal_grace_s=0.01)) as client:
        with pytest.raises(SecurityError, match="tag does not match"):
            await client.get_raw(ENERGY)
        assert len(client.refused) == 1


async def test_a_session_after_the_last_counter():
    bench = Bench()
    settings = client_settings()
    bench.counters.save(settings.send_counter_name, 1 << 32)
    client = bench.client(settings)
    with pytest.raises(CountersExhausted, match="change the encryption key"):
        await client.associate()
    await client.close()


async def test_counters_go_on_from_session_to_session():
    class Counting(MemoryCounters):
        syncs = 0

        def save(self, name, value):
            self.syncs += 1
            super().save(name, value)

    store = Counting()
    ranges, firsts = CounterRanges(store), []
    for _ in range(5):
        bench = Bench()
        bench.counters = ranges
        async with bench.client(client_settings()) as client:
            await client.get_raw(ENERGY)
        firsts.append(store.load(client_settings().send_counter_name))
    assert store.syncs == 1
    assert len(set(firsts)) == 1


async def test_an_outdated_counter_is_caught_up_with():
    bench = Bench()
    async with bench.client(client_settings()) as client:
        client._core._protection.channel.sending._next = 0
        client._core._protection.channel.sending._end = 5
        assert await client.get_raw(ENERGY) == ENERGY_OCTETS
    await bench.meter


async def test_an_outdated_counter_is_told_by_the_meter():
    bench = Bench()
    async with bench.client(client_settings(counter_jump_max=0)) as client:
        client._core._protection.channel.sending._next = 0
        client._core._protection.channel.sending._end = 5
        with pytest.raises(CounterQuarantined) as failed:
            await client.get_raw(ENERGY)
        assert failed.value.expected == 3
        assert client.state is ClientState.CLOSED
    await bench.meter
    with pytest.raises(CounterQuarantined):
        await bench.client(client_settings()).associate()
    assert isinstance(bench.told[-1], Closed)


async def test_an_idle_connection_is_ended_by_the_meter():
    bench = Bench(inactivity_timeout_s=0.01)
    await bench.meter
    assert isinstance(bench.told[-1], Closed)
    assert "nothing received for 0.01 s" in bench.told[-1].reason
    assert await bench.ours.receive() == b""


async def test_the_line_is_free_for_the_next_client():
    bench = Bench("hdlc", close_when_idle=False)
    for settings in (plain_settings(), client_settings(), password_settings()):
        client = bench.client(settings)
        await client.associate()
        assert await client.get_raw(ENERGY) == ENERGY_OCTETS
        await client.release()
        await client.associate()
        await client.release()
        await client._disconnect()
    bench.meter.cancel()
    assert [type(event) for event in bench.told] == [ClientAssociated, ClientLeft] * 6
