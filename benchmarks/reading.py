"""One reading session as our client does it: connect, associate with HLS 5, read a day's profile, release."""

from __future__ import annotations

import os

from benchmarks.meter_process import (
    AUTHENTICATION_KEY,
    DAY_S,
    ENCRYPTION_KEY,
    READING_SAP,
    SERVER_SAP,
    START,
    SYSTEM_TITLE,
)
from openami.io.clock import SystemClock
from openami.io.links.dlms import DlmsClient
from openami.io.links.tcp import connect_tcp
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Counters
from openami.protocols.dlms.data import octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.selective_access import CaptureObjectDefinition, RangeDescriptor, access_of
from openami.protocols.dlms.wrapper import WrapperFraming

ROWS = 96
FIRST = START + DAY_S
LAST = FIRST + DAY_S - 900
CLOCK = SystemClock()
LOAD_PROFILE = CosemAttributeDescriptor(7, ObisCode(1, 0, 99, 1, 0), 2)
DAY = access_of(
    RangeDescriptor(
        CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2),
        octet_string(bytes(CosemDateTime.from_utc(FIRST))),
        octet_string(bytes(CosemDateTime.from_utc(LAST))),
        (),
    )
)


def settings(
    system_title: bytes, *, meter: bytes | None = SYSTEM_TITLE, response_timeout_s: float = 10.0
) -> ClientSettings:
    """A reading client's settings for the benchmark's meter; `None` takes any meter that proves to have the keys."""
    return ClientSettings(
        client_sap=READING_SAP,
        server_sap=SERVER_SAP,
        authentication=Authentication.HLS5,
        keys=SecurityKeys(ENCRYPTION_KEY, AUTHENTICATION_KEY),
        system_title=system_title,
        server_system_title=meter,
        response_timeout_s=response_timeout_s,
    )


async def connect(
    port: int, settings: ClientSettings, counters: Counters, connect_timeout_s: float = 10.0
) -> DlmsClient:
    """A connected client, to be entered: it associates then."""
    link = await connect_tcp("127.0.0.1", port, timeout_s=connect_timeout_s)
    framing = WrapperFraming(Role.CLIENT, READING_SAP, SERVER_SAP)
    return DlmsClient(link, framing, settings, clock=CLOCK, random=os.urandom, counters=counters)


async def read_day(port: int, settings: ClientSettings, counters: Counters, connect_timeout_s: float = 10.0) -> None:
    """The whole session; raises unless 96 rows with the right stamps came."""
    async with await connect(port, settings, counters, connect_timeout_s) as client:
        profile = decode_profile(await client.get_raw(LOAD_PROFILE, DAY))
    assert len(profile) == ROWS
    assert profile.stamps[0] == FIRST
    assert profile.stamps[-1] == LAST
