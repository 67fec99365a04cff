"""New keys for a meter of the two-seal class: asked, approved, sealed, carried, proven by a read under the new keys."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import seal_keys as keys
import two_seals
from meter_bench import CONFIG, BenchClock, seeded
from openami.app.field_work import LocalPort
from openami.backoffice.guard.guard import Envelope
from openami.backoffice.operations.key_line import KeyLine
from openami.backoffice.operations.key_roll_over import RolledOver, RollOver
from openami.backoffice.operations.sealed_delivery import deliver_sealed
from openami.backoffice.operations.sessions import Sessions
from openami.backoffice.operations.settings import OperationsSettings
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.service import MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.sealed_meter import SealedMeter
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.meter_keys import MeterKeys
from openami.model.errors import SecurityError, ServiceError
from openami.model.point import Meter
from openami.model.quality import GuaranteeClass
from openami.protocols.dlms.cosem.disconnect_control import ControlMode
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.errors import DataAccessError
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.seal.roles import Role
from openami.simulation.disk import FaultDisk
from sealed_bench import START

TITLE = two_seals.title(0)
FIRST = MeterKeys(bytes(range(1, 17)), bytes(range(17, 33)), master_key=bytes(range(33, 49)))


class Site:
    """The meter, the back office's keystores, a way between them, and people with an authority and a guard."""

    def __init__(self, role=Role.KEY_CUSTODIAN):
        first = SecurityKeys(FIRST.global_unicast_encryption_key, FIRST.authentication_key, master_key=FIRST.master_key)
        config = replace(CONFIG, system_title=TITLE, keys=first, control_mode=ControlMode.MODE_1)
        meter = ElectricityMeter(config, SteadyCurve(1000), START, MemoryCounters(), seeded())
        self.device = SealedMeter(meter, replace(keys.trusting(role), system_title=TITLE), seeded(2))
        self.disk, self.clock = FaultDisk(), BenchClock(START)
        self.current, self.pending = (
            FileKeystore(Path(name), "passphrase", disk=self.disk, random=seeded(4), scrypt_log2_n=4)
            for name in ("current", "pending")
        )
        self.current.put(TITLE, FIRST)
        self.office = two_seals.Office(self.disk, role=role)
        self.sessions = Sessions(
            LocalPort(self.clock),
            self.current.meter_keys,
            MemoryCounters(),
            self.clock,
            seeded(5),
            OperationsSettings(),
        )

    @asynccontextmanager
    async def served(self):
        settings = self.device.server_settings()
        server = await serve_meter_tcp(MeterService(self.device.meter, self.clock, random=seeded(3), settings=settings))
        try:
            yield self.rolling(f"tcp://127.0.0.1:{server.port}")
        finally:
            await server.close()

    def rolling(self, link):
        self.meter = Meter(1, "M1", TITLE, GuaranteeClass.TWO_SEALS, link)
        line = KeyLine(self.sessions, lambda _title: (self.meter, link), self.clock)
        return RollOver(self.current, self.pending, line, seeded(6))

    def verdict(self, apdu):
        approved = self.office.approved(two_seals.intent(0, apdu))
        (verdict,) = self.office.guard.submit(approved.record, approved.signed)
        return verdict

    async def deliver(self, envelope):
        async with self.sessions.client(self.meter, self.meter.link) as client:
            await client.associate()
            return await deliver_sealed(client, envelope)

    async def opens(self, held):
        async with self.sessions.client(self.meter, self.meter.link, held) as client:
            await client.associate()


async def test_keys_change_by_an_envelope_and_are_proven_by_a_read():
    site = Site()
    async with site.served() as rolling:
        rolling.begin([TITLE])
        assert await rolling.go_on() == {TITLE: RolledOver.ORDER}, "over an association alone it takes none"
        verdict = site.verdict(rolling.order(TITLE))
        assert isinstance(verdict, Envelope)
        await site.deliver(verdict.octets)
        site.clock.at += 2
        assert await rolling.go_on() == {TITLE: RolledOver.DONE}
        assert site.current.meter_keys(TITLE) != FIRST
        assert site.current.meter_keys(TITLE).master_key == FIRST.master_key
        assert rolling.pending() == []
        with pytest.raises(ServiceError):
            await site.opens(FIRST)


async def test_an_envelope_that_is_delivered_again_changes_nothing():
    site = Site()
    async with site.served() as rolling:
        rolling.begin([TITLE])
        verdict = site.verdict(rolling.order(TITLE))
        await site.deliver(verdict.octets)
        site.clock.at += 2
        await rolling.go_on()
        held = site.current.meter_keys(TITLE)
        with pytest.raises(DataAccessError):
            await site.deliver(verdict.octets)
        await site.opens(held)


async def test_who_may_switch_may_not_change_keys():
    site = Site(Role.NETWORK_OPERATOR)
    async with site.served() as rolling:
        rolling.begin([TITLE])
        with pytest.raises(SecurityError, match="may not"):
            site.verdict(rolling.order(TITLE))
