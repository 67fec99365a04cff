"""Run a meter in memory and read it: no port, no thread, and time passes when this program says so."""

import asyncio
import secrets

from openami.field.meter import ElectricityMeter, MemoryFace, MeterConfig, MeterService, SteadyCurve
from openami.io.clock import ScaledClock
from openami.io.links.dlms import DlmsClient
from openami.model import ObisCode
from openami.protocols.dlms import (
    Authentication,
    ClientSettings,
    EntryDescriptor,
    MemoryCounters,
    SecurityKeys,
    decode_profile,
)
from openami.protocols.dlms.cosem import ProfileGeneric
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.selective_access import access_of
from openami.protocols.dlms.wrapper import WrapperFraming

NEW_YEAR = 1_767_225_600  # 2026-01-01T00:00:00Z
DAY_S = 86_400
LOAD_PROFILE = ObisCode.parse("1-0:99.1.0*255")


async def main() -> None:
    """A day of 1 kW, then its last four quarter hours as columns."""
    keys = SecurityKeys(secrets.token_bytes(16), secrets.token_bytes(16))
    config = MeterConfig(serial="70000001", system_title=b"OAM\0\0\0\0\1", keys=keys)
    meter = ElectricityMeter(config, SteadyCurve(1000, 0), NEW_YEAR)
    clock = ScaledClock(NEW_YEAR, 1.0)
    face = MemoryFace(MeterService(meter, clock, random=secrets.token_bytes))

    clock.advance_to(NEW_YEAR + DAY_S)

    settings = ClientSettings(2, 1, Authentication.HLS5, keys=keys, system_title=b"OAI\0\0\0\0\1")
    client = DlmsClient(
        face.connect(),
        WrapperFraming(Role.CLIENT, 2, 1),
        settings,
        clock=clock,
        random=secrets.token_bytes,
        counters=MemoryCounters(),
    )
    async with client:
        buffer = CosemAttributeDescriptor(ProfileGeneric.class_id, LOAD_PROFILE, ProfileGeneric.buffer.attribute_id)
        raw = await client.get_raw(buffer, access_of(EntryDescriptor(93, 96)))
    await face.close()

    profile = decode_profile(raw)
    for stamp, energy_wh in zip(profile.stamps, profile.columns[2].values, strict=True):
        print(stamp, energy_wh)


asyncio.run(main())
