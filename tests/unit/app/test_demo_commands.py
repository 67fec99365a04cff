"""The demonstration's critical command: two people, both seals, a meter; and what one person or the head-end gets."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from openami.app.demo import District, open_district
from openami.app.passkey_file import PasskeyFile
from openami.backoffice.audit.entry import decode_entry
from openami.field.meter.access import MANAGEMENT
from openami.field.meter.codes import DISCONNECT_CONTROL
from openami.field.meter.faces.service import MeterService
from openami.io.clock import ScaledClock
from openami.io.links.dlms import DlmsClient
from openami.io.links.memory import memory_pair
from openami.model.errors import OpenAmiError, SecurityError
from openami.model.quality import GuaranteeClass
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.cosem.disconnect_control import DisconnectControl
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.wrapper import WrapperFraming
from openami.protocols.seal.verbs import CriticalVerb

LATER_S = 700
"""More than the meter's longest random delay."""


@pytest.fixture
async def district(tmp_path):
    async with open_district(tmp_path / "place", 4, ScaledClock(1_767_225_600.0, 600.0), 1, speed=600.0) as made:
        yield made


def passkey(district: District, name: str) -> PasskeyFile:
    return PasskeyFile(district.people.passkeys[name])


async def asked(district: District, meter: int = 0) -> bytes:
    console = district.seals.console
    commands = await console.draft(district.meters[meter].id, CriticalVerb.DISCONNECT)
    await console.ask(commands, passkey(district, "operator").consent(commands.request_challenge()), "operator")
    return commands.request


async def approve(district: District, request: bytes, name: str) -> None:
    challenge = district.seals.authority.commands(request).approval_challenge()
    await district.seals.console.approve(request, passkey(district, name).consent(challenge), name)


def contact(district: District, house: int = 0) -> bool:
    meter = district.houses[house].meter
    meter.advance(district.clock.time())
    return meter.disconnector.connected


def refusals(district: District) -> list[str]:
    log = district.seals.audit.log
    return [one.what for one in map(decode_entry, log.records(0, 1000)) if one.what.startswith("refused")]


async def test_what_two_people_want_a_meter_does(district):
    assert district.meters[0].guarantee is GuaranteeClass.TWO_SEALS
    request = await asked(district)
    await approve(district, request, "olga")
    order = await district.seals.console.order(request)
    assert order.state == "sent"
    assert order.lines[0].outcome.startswith("scheduled")
    await district.clock.sleep(LATER_S)
    assert not contact(district)
    await district.seals.console.check(request)
    assert (await district.seals.console.order(request)).lines[0].outcome == "done; the contact is disconnected"
    found = await district.seals.console.overview(100)
    assert all(one.proven for one in found.logged)
    assert {head.log.rpartition("/")[2] for head in found.heads} == {"authority", "guard", "operations"}


async def test_one_person_is_refused_and_that_is_in_the_log(district):
    request = await asked(district)
    with pytest.raises(SecurityError, match="another person"):
        await approve(district, request, "operator")
    await district.clock.sleep(LATER_S)
    assert contact(district)
    assert any("another person" in text for text in refusals(district))


async def test_a_second_household_of_the_transformer_is_held_back_until_it_may_go(district):
    places = {house.transformer for house in district.houses[:2]}
    first, second = await asked(district, 0), await asked(district, 1)
    await approve(district, first, "olga")
    await approve(district, second, "olga")
    held = await district.seals.console.held()
    if len(places) == 1:
        assert "transformer" in held[0].reason
    for name in ("oskar", "otto"):
        for one in held:
            await district.seals.console.judge(
                one.digest, passkey(district, name).consent(one.delete_challenge), name, release=False
            )
    assert await district.seals.console.held() == []


@pytest.mark.parametrize("keys", ["made up", "stolen"])
async def test_the_head_end_alone_switches_nothing(district, keys):
    """It speaks to the meter itself; even with the meter's session keys it has no seal."""
    house = district.houses[0]
    own = house.meter.config.keys
    stolen = own if keys == "stolen" else SecurityKeys(secrets.token_bytes(16), secrets.token_bytes(16))
    settings = ClientSettings(
        client_sap=MANAGEMENT,
        authentication=Authentication.HLS5,
        keys=stolen,
        system_title=b"HESEVIL1",
        server_system_title=house.meter.config.system_title,
    )
    assert house.sealed is not None
    service = MeterService(
        house.meter, district.clock, random=secrets.token_bytes, settings=house.sealed.server_settings()
    )
    link, far = memory_pair()
    serving = asyncio.create_task(service.serve(far))
    client = DlmsClient(
        link,
        WrapperFraming(Role.CLIENT, MANAGEMENT, 1),
        settings,
        clock=district.clock,
        random=secrets.token_bytes,
        counters=MemoryCounters(),
    )
    with pytest.raises(OpenAmiError):
        await client.associate()
        await client.action(DisconnectControl.remote_disconnect, DISCONNECT_CONTROL, 0)
    await client.close()
    await serving
    await district.clock.sleep(LATER_S)
    assert contact(district)
