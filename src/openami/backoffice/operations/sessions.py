"""Sessions with meters: a circuit through the head-end, a protected association, and requests on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from openami.backoffice.operations.headend_client import HeadendClient, HeadendRefused
from openami.backoffice.operations.settings import OperationsSettings
from openami.io.clock import Clock
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.dlms import DlmsClient
from openami.io.links.link import Link
from openami.model.errors import SettingError
from openami.model.point import Meter
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import CounterRanges, Counters
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.gateway import GatewayAddress, GatewayFraming
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from openami.protocols.dlms.wrapper import WrapperFraming
from openami.protocols.zones.message import RefusalCause

SERVER_SAP = 1
_BUSY_TRIES = 3
_BUSY_PAUSE_S = 1.0
FindKeys = Callable[[bytes], MeterKeys]


class Sessions:
    """Opens associations with HLS 5 and everything ciphered: the keys never leave the back office.

    Send counters are reserved in `counters` in ranges: most sessions wait for no disk.
    """

    def __init__(
        self,
        headend: HeadendClient,
        find_keys: FindKeys,
        counters: Counters,
        clock: Clock,
        random: Callable[[int], bytes],
        settings: OperationsSettings,
    ) -> None:
        self._headend = headend
        self._find_keys = find_keys
        self._counters = CounterRanges(counters, ending="/sent")
        self._clock = clock
        self._random = random
        self._settings = settings
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def client(self, meter: Meter, link: str, keys: MeterKeys | None = None) -> AsyncIterator[DlmsClient]:
        """A client that is not associated yet; its circuit ends with the block. `keys`: others than the keystore's."""
        settings, framing = self._client_settings(meter, keys), _framing(meter, link, self._settings.client_sap)
        circuit = await self._open(link)
        try:
            client = DlmsClient(
                circuit, framing, settings, clock=self._clock, random=self._random, counters=self._counters
            )
            try:
                yield client
            finally:
                await client.close()
        finally:
            await circuit.close()

    @asynccontextmanager
    async def circuit(self, link: str) -> AsyncIterator[Link]:
        """A way to a bus that several meters share: one conversation at a time, the others wait for it."""
        turn = self._turns.setdefault(link, asyncio.Lock())
        async with turn:
            circuit = await self._open(link)
            try:
                yield circuit
            finally:
                await circuit.close()

    async def _open(self, link: str) -> Link:
        """A circuit. A meter is busy for a moment after a conversation, until the head-end has seen its end."""
        for _ in range(_BUSY_TRIES):
            try:
                return await self._headend.open_circuit(link, self._settings.dial_timeout_s)
            except HeadendRefused as error:
                if error.refusal is not RefusalCause.BUSY:
                    raise
            await self._clock.sleep(_BUSY_PAUSE_S)
        return await self._headend.open_circuit(link, self._settings.dial_timeout_s)

    def _client_settings(self, meter: Meter, keys: MeterKeys | None) -> ClientSettings:
        return ClientSettings(
            client_sap=self._settings.client_sap,
            server_sap=SERVER_SAP,
            authentication=Authentication.HLS5,
            keys=security_keys(keys or self._find_keys(meter.system_title)),
            system_title=self._settings.system_title,
            server_system_title=meter.system_title,
            response_timeout_s=self._settings.response_timeout_s,
        )


def security_keys(keys: MeterKeys) -> SecurityKeys:
    """The keystore's record as the protocol wants it."""
    suite = SecuritySuite.SUITE_0 if len(keys.global_unicast_encryption_key) == 16 else SecuritySuite.SUITE_2
    return SecurityKeys(
        keys.global_unicast_encryption_key,
        keys.authentication_key,
        keys.global_broadcast_encryption_key,
        suite=suite,
        master_key=keys.master_key,
    )


def _framing(meter: Meter, link: str, client_sap: int) -> Framing:
    """`gateway`: the wrapper, each APDU with the prefix that the collector takes off; the address ends the link."""
    if meter.framing == "wrapper":
        return WrapperFraming(Role.CLIENT, client_sap, SERVER_SAP)
    if meter.framing == "hdlc":
        return HdlcFraming(Role.CLIENT, client_sap, HdlcAddress(SERVER_SAP))
    if meter.framing == "gateway":
        address = GatewayAddress(0, link.removeprefix("collector://").partition("/")[2].encode())
        return GatewayFraming(WrapperFraming(Role.CLIENT, client_sap, SERVER_SAP), Role.CLIENT, address)
    raise SettingError(f"meter {meter.serial}: framing is {meter.framing!r}; it must be wrapper, hdlc or gateway")
