"""Chromium with an authenticator for each person."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, Page, Playwright

CHROMIUM = Path("/usr/bin/chromium")
NEEDED = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed: apt-get install chromium"),
]
"""The marks of a module of tests in a browser."""
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def spki(certificate: Path) -> str:
    """The hash by which Chromium takes this certificate for a trusted one: passkeys need that."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


async def launch(playwright: Playwright, certificate: Path) -> Browser:
    """A browser that trusts the pages' certificate."""
    arguments = [
        "--no-sandbox",
        "--host-resolver-rules=MAP openami.localhost 127.0.0.1",
        f"--ignore-certificate-errors-spki-list={spki(certificate)}",
    ]
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)


@dataclass(frozen=True)
class Person:
    """Somebody's own window, logged in."""

    page: Page
    url: str

    @classmethod
    async def log_in(
        cls, browser: Browser, url: str, login: str, password: str, viewport: Any = None, scheme: Any = "light"
    ) -> Self:
        """A window with an authenticator in it."""
        context = await browser.new_context(viewport=viewport or DESKTOP, color_scheme=scheme)
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        await page.goto(url + "/login")
        await page.fill("#login", login)
        await page.fill("#password", password)
        await page.click("main button")
        await page.wait_for_load_state()
        return cls(page, url)

    async def register(self, invitation: str) -> None:
        """Put a passkey of the authenticator on the lists of authority and guard."""
        await self.page.goto(self.url + "/operator/passkeys")
        await self.page.fill("input[name=invitation]", invitation)
        async with self.page.expect_navigation():
            await self.page.click("text=Make a passkey")
