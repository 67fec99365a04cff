"""Critical commands in the console: who may ask, who may approve, and that the console can do neither by itself."""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from openami.app.two_seals import make_key
from openami.portal.commands import text_of
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from portal_world import browser, csrf_of, log_in, make_district, make_operations, make_two_seals, make_world_portal

ASK = "/operator/commands/ask?meter=1&verb=disconnect"


class World:
    def __init__(self, folder):
        district = make_district(folder)
        operations = make_operations(district)
        self.seals = make_two_seals(district, operations, Path("seals"))
        self.portal = make_world_portal(district, operations, self.seals.console)
        self.people = {
            name: SoftwareAuthenticator(name, make_key(os.urandom), self.seals.party)
            for name in ("operator", "colleague", "stranger")
        }
        for name in ("operator", "colleague"):
            for people in self.seals.people:
                people.add(self.people[name].passkey)

    def signed(self, page, name):
        """The form of `page`, signed by the passkey of `name`."""
        challenge = re.search(r'data-passkey="([^"]+)"', page).group(1)
        return {"csrf": csrf_of(page.partition("<main")[2]), **self.assertion(challenge, name)}

    def assertion(self, challenge, name):
        octets = urlsafe_b64decode(challenge + "==")
        return {field: text_of(value) for field, value in self.people[name].consent(octets)._asdict().items()}

    async def ask(self, client, name="operator", **changes):
        page = (await client.get(ASK)).text
        form = {**self.signed(page, name), "commands": re.search(r'name="commands" value="([^"]+)"', page).group(1)}
        return await client.post("/operator/commands/ask", data={**form, **changes})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("commands"))


@pytest.fixture
async def operator(world):
    async with browser(world.portal) as client:
        await log_in(client, "operator")
        yield client


async def test_one_asks_another_approves_and_what_became_of_it_is_shown(world, operator):
    answer = await world.ask(operator)
    assert answer.status_code == 303
    order = answer.headers["location"]
    page = (await operator.get(order)).text
    refused = await operator.post(order + "/approve", data=world.signed(page, "operator"))
    assert refused.status_code == 403
    assert "another person" in refused.text
    async with browser(world.portal) as other:
        await log_in(other, "colleague")
        page = (await other.get(order)).text
        assert (await other.post(order + "/approve", data=world.signed(page, "colleague"))).status_code == 303
        page = (await other.get(order)).text
    assert "not carried out" in page
    log = (await operator.get("/operator/commands")).text
    assert "refused to approve" in log
    assert "not in the log" not in log


async def test_the_log_in_alone_approves_nothing(world, operator):
    """The console, or whoever has stolen its session, has no passkey."""
    answer = await world.ask(operator)
    page = (await operator.get(answer.headers["location"])).text
    form = world.signed(page, "stranger")
    for changes in ({}, {"credential_id": text_of(world.people["colleague"].passkey.credential_id)}, {"signature": ""}):
        refused = await operator.post(answer.headers["location"] + "/approve", data={**form, **changes})
        assert refused.status_code == 403
    assert (await world.seals.console.orders())[0].state == "waiting"


async def test_a_list_that_was_exchanged_after_signing_is_refused(world, operator):
    page = (await operator.get(ASK.replace("disconnect", "reconnect"))).text
    other = re.search(r'name="commands" value="([^"]+)"', page).group(1)
    assert (await world.ask(operator, commands=other)).status_code == 403


@pytest.mark.parametrize("value", ["", "AAAA", "!", "AA" * 3000])
async def test_a_list_that_is_none_is_refused(world, operator, value):
    assert (await world.ask(operator, commands=value)).status_code == 400


@pytest.mark.parametrize("path", ["ask?meter=99&verb=disconnect", "ask?meter=1&verb=explode", "zz", "00" * 16])
async def test_what_is_not_there_is_not_found(operator, path):
    assert (await operator.get(f"/operator/commands/{path}")).status_code == 404


async def test_an_invitation_that_nobody_gave_registers_nothing(operator):
    token = csrf_of((await operator.get("/operator/passkeys")).text)
    form = {"csrf": token, "invitation": "guessed", "attestation": "AAAA", "client_data": "AAAA"}
    assert (await operator.post("/operator/passkeys", data=form)).status_code == 403


async def test_an_installation_without_seals_has_no_such_pages(tmp_path):
    district = make_district(tmp_path)
    portal = make_world_portal(district, make_operations(district))
    async with browser(portal) as client:
        await log_in(client, "operator")
        assert (await client.get("/operator/commands")).status_code == 404
        assert "/operator/commands" not in (await client.get("/operator")).text
