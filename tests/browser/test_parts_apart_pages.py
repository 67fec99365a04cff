"""The real installation as people meet it: Chromium asks, a passkey in a file approves, processes do the rest."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import async_playwright

from browser_people import NEEDED, Person, launch
from command_line import runner
from parts_rig import apart

pytestmark = [*NEEDED, pytest.mark.long]
LOOKS_MAX = 120


@pytest.fixture
def site(capsys, tmp_path):
    with apart(tmp_path, runner(capsys)) as made:
        made.passkey("otto")
        yield made


async def test_asked_for_in_the_browser_and_approved_at_the_command_line(site):
    async with async_playwright() as playwright:
        browser = await launch(playwright, site.settings["portal"].parent / "tls" / "portal.pem")
        person = await Person.log_in(browser, site.url, "operator", site.passwords["operator"])
        await person.register(await asyncio.to_thread(site.invitation, "operator"))
        page = person.page
        await page.goto(site.url + "/operator/commands/ask?serial=M1&verb=disconnect")
        async with page.expect_navigation():
            await page.click("text=Sign and ask")
        order = page.url.rpartition("/")[2]
        site.play_meter(20)
        options = (*site.who("otto"), *site.tls)
        ran = await asyncio.to_thread(site.openami, "approve", site.url, order, *options)
        assert ran.status == 0, ran.err
        await page.goto(page.url)
        assert "approved by otto" in await page.inner_text("main")
        for _ in range(LOOKS_MAX):
            if "done; the contact is disconnected" in await page.inner_text("main"):
                break
            async with page.expect_navigation():
                await page.click("text=Ask the meters")
            await page.wait_for_timeout(1_000)
        assert "done; the contact is disconnected" in await page.inner_text("main")
        await asyncio.to_thread(site.stop, "guard")
        await page.goto(site.url + "/operator/commands")
        assert "the guard does not answer" in await page.inner_text("main")
        await page.goto(site.url + "/operator/meters/1")
        async with page.expect_navigation():
            await page.click("text=Read now")
        assert "Read just now" in await page.inner_text("main")
        await browser.close()
