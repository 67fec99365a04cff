"""Critical commands as people meet them: Chromium with an authenticator for each of two people."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import async_playwright

from openami.portal.serving import serve_portal
from portal_certificate import make_certificate
from portal_world import PASSWORD, make_district, make_operations, make_two_seals, make_world_portal

CHROMIUM = Path("/usr/bin/chromium")
PICTURES = os.environ.get("OPENAMI_SCREENSHOTS")
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
INVITATION = "invited-on-another-way"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed: apt-get install chromium"),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spki(certificate):
    """The hash by which Chromium takes this certificate for a trusted one: passkeys need that."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    return base64.b64encode(hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())


@pytest.fixture
async def world(tmp_path):
    district = make_district(tmp_path)
    operations = make_operations(district)
    certificate, key = make_certificate(tmp_path)
    port = free_port()
    seals = make_two_seals(district, operations, Path("seals"), f"https://openami.localhost:{port}")
    for name in ("operator", "colleague"):
        seals.invite(name, INVITATION)
    portal = make_world_portal(district, operations, seals.console, port=port, certificate=certificate, key=key)
    serving = await serve_portal(portal, portal.state.rooms.settings)
    async with async_playwright() as playwright:
        arguments = [
            "--no-sandbox",
            "--host-resolver-rules=MAP openami.localhost 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={spki(certificate).decode()}",
        ]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield seals, browser, serving.url
        await browser.close()
    await serving.stop()


async def person(browser, url, login, viewport=DESKTOP, scheme="light"):
    """A browser of somebody's own, with an authenticator, logged in and registered."""
    context = await browser.new_context(viewport=viewport, color_scheme=scheme)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.goto(url + "/login")
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.click("main button")
    await page.wait_for_load_state()
    await page.goto(url + "/operator/passkeys")
    await page.fill("input[name=invitation]", INVITATION)
    async with page.expect_navigation():
        await page.click("text=Make a passkey")
    return page


async def seen(page, name, viewport, scheme):
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
    assert await page.locator("h1").count() == 1
    if PICTURES:
        size = "phone" if viewport is PHONE else "desktop"
        await page.screenshot(path=f"{PICTURES}/portal-{name}-{size}-{scheme}.png", full_page=True)


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
async def test_one_asks_another_approves(world, viewport, scheme):
    seals, browser, url = world
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
