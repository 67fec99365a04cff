"""Read a meter with DlmsClient: an association with HLS 5, one register, the clock.

Usage: read_a_meter.py HOST PORT ENCRYPTION_KEY AUTHENTICATION_KEY
"""

import asyncio
import secrets
import sys

from openami.io.clock import SystemClock
from openami.io.links.dlms import DlmsClient
from openami.io.links.tcp import connect_tcp
from openami.model import ObisCode
from openami.protocols.dlms import Authentication, ClientSettings, MemoryCounters, SecurityKeys
from openami.protocols.dlms.cosem import Clock, Register
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.wrapper import WrapperFraming


async def read(host: str, port: int, keys: SecurityKeys) -> None:
    """Print the energy register and the clock."""
    settings = ClientSettings(
        client_sap=2,
        authentication=Authentication.HLS5,
        keys=keys,
        system_title=b"OAI" + secrets.token_bytes(5),  # fresh, so that no counter has to be remembered
    )
    link = await connect_tcp(host, port)
    client = DlmsClient(
        link,
        WrapperFraming(Role.CLIENT, settings.client_sap, settings.server_sap),
        settings,
        clock=SystemClock(),
        random=secrets.token_bytes,
        counters=MemoryCounters(),
    )
    async with client:
        energy = ObisCode.parse("1-0:1.8.0*255")
        value = await client.get(Register.value, energy)
        scaler_unit = await client.get(Register.scaler_unit, energy)
        print(energy, scaler_unit.quantity(value.value))
        print("clock", (await client.get(Clock.time, ObisCode.parse("0-0:1.0.0*255"))).to_utc())


if __name__ == "__main__":
    host, port, encryption_key, authentication_key = sys.argv[1:]
    asyncio.run(read(host, int(port), SecurityKeys(bytes.fromhex(encryption_key), bytes.fromhex(authentication_key))))
