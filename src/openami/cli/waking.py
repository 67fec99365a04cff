"""A simulated meter that can be woken: where it calls in, where wake-ups arrive, who signs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openami.app.settings import address
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.calling import CallingMeter
from openami.field.meter.faces.service import MeterService
from openami.io.clock import Clock
from openami.io.links.wake_up import WakeUpPort, listen_for_wake_ups
from openami.model.errors import SettingError
from openami.protocols.zones.wake_up import WakeUpGuard


@dataclass(frozen=True, slots=True)
class Waking:
    """What the options say; an empty `call_in` means that the meter cannot be woken."""

    call_in: str
    listen: str
    key: str

    @asynccontextmanager
    async def of(self, device: ElectricityMeter, service: MeterService, clock: Clock) -> AsyncIterator[None]:
        """Wake-ups for the meter's serial number are listened for while the context is open."""
        if not self.call_in:
            yield
            return
        serial, counters = device.config.serial, device.counters
        caller, name = CallingMeter(service, self.call_in), f"wake-up/{serial}"
        guard = WakeUpGuard(serial, self._signer(), counters.load(name))
        port = WakeUpPort(guard, counters, name, clock, caller.woken)
        transport = await listen_for_wake_ups(port, *address(self.listen, "--wake-listen"))
        try:
            yield
        finally:
            transport.close()
            await caller.close()

    def _signer(self) -> Ed25519PublicKey:
        try:
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
        except ValueError as error:
            raise SettingError("--call-in needs --wake-key, an Ed25519 public key, 64 hex digits") from error
