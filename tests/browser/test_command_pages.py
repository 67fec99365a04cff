"""Critical commands as people meet them: Chromium with an authenticator for each of two people."""

from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from browser_people import DESKTOP, NEEDED, PHONE, Person, launch
from openami.backoffice.guard.limits import Counts, Limits
from openami.portal.accounts import Role
from openami.portal.app import accounts_of
from openami.portal.serving import serve_portal
from openami.protocols.seal.verbs import CriticalVerb
from portal_certificate import make_certificate
from portal_world import PASSWORD, make_district, make_operations, make_two_seals, make_world_portal

PICTURES = os.environ.get("OPENAMI_SCREENSHOTS")
INVITATION = "invited-on-another-way"
JUDGES = ("oskar", "olga")
pytestmark = NEEDED
NONE_UNASKED = Limits(total={CriticalVerb.DISCONNECT: Counts(minute=0, hour=0, day=0, week=0)})
"""Whatever is asked for is held back until others release it."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def opened(folder, limits=None):
    """The console over a district, a browser, and the address."""
    district = make_district(folder)
    operations = make_operations(district)
    certificate, key = make_certificate(folder)
    port = free_port()
    seals = make_two_seals(district, operations, Path("seals"), f"https://openami.localhost:{port}", limits)
    for name in ("operator", "colleague", *JUDGES):
        seals.invite(name, INVITATION)
    portal = make_world_portal(district, operations, seals.console, port=port, certificate=certificate, key=key)
    for name in JUDGES:
        accounts_of(portal).add(name, PASSWORD, Role.OPERATOR)
    serving = await serve_portal(portal, portal.state.rooms.settings)
    async with async_playwright() as playwright:
        browser = await launch(playwright, certificate)
        yield seals, browser, serving.url
        await browser.close()
    await serving.stop()


async def person(browser, url, login, viewport=DESKTOP, scheme="light"):
    """A browser of somebody's own, with an authenticator, logged in and registered."""
    made = await Person.log_in(browser, url, login, PASSWORD, viewport, scheme)
    await made.register(INVITATION)
    return made.page


async def seen(page, name, viewport, scheme):
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
    assert await page.locator("h1").count() == 1
    if PICTURES:
        size = "phone" if viewport is PHONE else "desktop"
        await page.screenshot(path=f"{PICTURES}/portal-{name}-{size}-{scheme}.png", full_page=True)


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
async def test_one_asks_another_approves(tmp_path, viewport, scheme):
    async with opened(tmp_path) as (seals, browser, url):
        await one_asks_another_approves(seals, browser, url, viewport, scheme)


async def one_asks_another_approves(seals, browser, url, viewport, scheme):
    asking = await person(browser, url, "operator", viewport, scheme)
    assert len(await seals.console.passkeys()) == 1
    await seen(asking, "passkeys", viewport, scheme)
    await asking.goto(url + "/operator/commands/ask?meter=1&verb=disconnect")
    await seen(asking, "ask", viewport, scheme)
    async with asking.expect_navigation():
        await asking.click("text=Sign and ask")
    order = asking.url
    await seen(asking, "order", viewport, scheme)
    async with asking.expect_navigation():
        await asking.click("text=Sign and approve")
    assert "another person" in await asking.inner_text("main")
    approving = await person(browser, url, "colleague", viewport, scheme)
    await approving.goto(order)
    async with approving.expect_navigation():
        await approving.click("text=Sign and approve")
    assert "approved by colleague" in await approving.inner_text("main")
    assert (await seals.console.orders())[0].state == "sent"
    await approving.goto(url + "/operator/commands")
    assert "refused to approve" in await approving.inner_text("main")
    await seen(approving, "commands", viewport, scheme)


async def test_two_others_release_what_the_guard_holds_back(tmp_path):
    async with opened(tmp_path, NONE_UNASKED) as (seals, browser, url):
        asking = await person(browser, url, "operator")
        await asking.goto(url + "/operator/commands/ask?meter=1&verb=disconnect")
        async with asking.expect_navigation():
            await asking.click("text=Sign and ask")
        order, approving = asking.url, await person(browser, url, "colleague")
        await approving.goto(order)
        async with approving.expect_navigation():
            await approving.click("text=Sign and approve")
        assert "held back by the guard: everybody together" in await approving.inner_text("main")
        await approving.goto(url + "/operator/commands")
        async with approving.expect_navigation():
            await approving.click("text=Release")
        assert "took part in what is to be judged" in await approving.inner_text("main")
        for number, name in enumerate(JUDGES):
            judging = await person(browser, url, name)
            await judging.goto(url + "/operator/commands")
            assert ("Agreed so far: oskar" in await judging.inner_text("main")) is bool(number)
            await seen(judging, f"quarantine-{number}", DESKTOP, "light")
            async with judging.expect_navigation():
                await judging.click("text=Release")
        shown = await judging.inner_text("main")
        assert "The guard holds nothing back" in shown
        assert "sealed: disconnect SN-1001" in shown
        assert seals.guard.quarantine() == []
