"""A meter that is connected directly: a signed wake-up makes it call in, a forged or replayed one does not."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.field.meter import ElectricityMeter, MeterConfig, MeterService, SteadyCurve
from openami.field.meter.faces.calling import CallingMeter
from openami.io.clock import SystemClock
from openami.io.keystore import CounterFile
from openami.io.links.dlms import DlmsClient
from openami.io.links.dlms_callers import serve_callers
from openami.io.links.udp import connect_udp
from openami.io.links.wake_up import WakeUpPort, listen_for_wake_ups
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming
from openami.protocols.zones.wake_up import WakeUp, WakeUpGuard, encode_wake_up
from openami.simulation.disk import FaultDisk

KEY, FORGER = (Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (1, 2))
KEYS = SecurityKeys(bytes(range(16)), bytes(range(16, 32)))


async def test_a_woken_meter_calls_in_and_is_read():
    clock, read = SystemClock(), asyncio.Queue()
    counters = MemoryCounters()

    def client(link):
        settings = ClientSettings(client_sap=2, authentication=Authentication.HLS5, keys=KEYS, system_title=b"OACTESTS")
        framing = WrapperFraming(Role.CLIENT, 2, 1)
        return DlmsClient(link, framing, settings, clock=clock, random=random.Random(3).randbytes, counters=counters)

    async def session(caller):
        await caller.associate()
        raw = await caller.get_raw(CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2))
        await caller.release()
        await read.put(int.from_bytes(raw[1:], "big"))

    headend = await serve_callers(client, session, "127.0.0.1", 0)
    config = MeterConfig(serial="1", system_title=b"OAM\0\0\0\0\1", keys=KEYS)
    device = ElectricityMeter(config, SteadyCurve(1000), clock.time() - 7200)
    service = MeterService(device, clock, random=random.Random(2).randbytes)
    meter = CallingMeter(service, f"127.0.0.1:{headend.port}")
    journal = CounterFile(Path("journal"), disk=FaultDisk())
    port = WakeUpPort(WakeUpGuard("M1", KEY.public_key(), 0), journal, "wake-up/M1", clock, meter.woken)
    transport = await listen_for_wake_ups(port, "127.0.0.1", 0)
    link = await connect_udp("127.0.0.1", transport.get_extra_info("sockname")[1])
    now = int(clock.time())
    wake = encode_wake_up(WakeUp("M1", now, 60, 1), KEY)
    for datagram in (encode_wake_up(WakeUp("M1", now, 60, 1), FORGER), wake, wake):
        await link.send(datagram)
    assert await read.get() > 0
    while port.refused < 2:
        await asyncio.sleep(0.001)
    assert read.empty()
    assert journal.load("wake-up/M1") == 1
    await link.close()
    transport.close()
    await meter.close()
    await headend.close()
