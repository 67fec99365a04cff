"""The pages as people see them: Chromium on a desktop and on a phone, in light and in dark.

With OPENAMI_SCREENSHOTS=docs/images the pictures are kept there.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from playwright.async_api import async_playwright

from browser_people import CHROMIUM, DESKTOP, NEEDED, PHONE
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.crossed_hints import Hint, Side
from openami.backoffice.operations.read_plan import ReadPlan
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.portal.serving import serve_portal
from portal_certificate import make_certificate
from portal_world import GAP, NOW, PASSWORD, make_audit, make_district, make_operations, make_world_portal
from told_network import ToldHeadend

PICTURES = os.environ.get("OPENAMI_SCREENSHOTS")
LOOKS = [(DESKTOP, "light"), (PHONE, "dark")] + ([(DESKTOP, "dark"), (PHONE, "light")] if PICTURES else [])
PAGES = {
    "operator": {
        "fleet": "/operator",
        "meter": "/operator/meters/1",
        "campaign": "/operator/campaigns/1",
        "missing": "/operator/missing?date=2013-12-18",
        "crossed": "/operator/crossed",
        "quality": "/operator/quality?day=2013-12-17",
        "events": "/operator/events",
        "network": "/operator/network",
        "audit": "/operator/audit",
        "privacy": "/operator/privacy",
        "evidence": "/operator/points/1/reading?at=1387310400",
    },
    "anna": {
        "day": "/my/1/day?date=2013-12-18",
        "month": "/my/1/month?date=2013-11-01",
        "year": "/my/1/year?date=2013-01-01",
        "bill": "/my/1/bill?date=2013-11-01",
        "reading": "/my/1/reading?at=1387310400",
        "security": "/security",
        "not-found": "/my/2/day",
    },
}
PLAN = """
[[plan]]
name = "home"
register = "low"
tiers_wh = [100000]
demand_window_s = 1800

[[plan.window]]
register = "high"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
until = "22:00"
"""
pytestmark = NEEDED


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def portal(folder):
    district = make_district(folder)
    for day in range(2, 18):  # not the day with the gap: a close estimates what is missing
        Close(district.store).close(date(2013, 12, day), datetime(2013, 12, day + 1, 7, tzinfo=UTC))
    operations = make_operations(district)
    operations.create_campaign("Daily read", [1, 2, 3], ReadPlan(), GAP, NOW.replace(hour=20))
    operations.headend = ToldHeadend()
    certificate, key = make_certificate(folder)
    files = {"certificate": certificate, "key": key, "authority": certificate}
    bill_november(district)
    notice = "Readings of real households, replayed"
    portal = make_world_portal(district, operations, audit=make_audit(), port=0, notice=notice, **files)
    sides = [Side(point, NOW, before, after, 28, 21) for point, before, after in ((1, 9_000, 2_500), (2, 2_400, 8_800))]
    portal.state.rooms = replace(portal.state.rooms, crossed_hints=lambda *_: [Hint(*sides, 1.23, 0.31)])
    return portal


def bill_november(district):
    """By the plan of the contract that held from the 15th on."""
    registry = Registry(district.store)
    content = {"contract": "C1", "supplier": "S", "tariff": "home"}
    Timeline(district.store).enter(FactKind.CONTRACT, 1, datetime(2013, 11, 15, tzinfo=UTC), None, content, NOW)
    billing = Billing(district.store, registry)
    billing.store_plans(PLAN, NOW)
    billing.run("contracts", date(2013, 11, 1), date(2013, 12, 1), NOW)


@pytest.fixture
async def url(portal):
    serving = await serve_portal(portal, portal.state.rooms.settings)
    yield serving.url
    await serving.stop()


@pytest.fixture
async def chromium():
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP openami.localhost 127.0.0.1"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


class Visitor:
    """A person with a browser window; what the browser complains about is collected."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.complaints = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @classmethod
    async def come(cls, chromium, url, viewport=None, **options):
        context = await chromium.new_context(ignore_https_errors=True, viewport=viewport or DESKTOP, **options)
        return cls(await context.new_page(), url)

    async def open(self, path):
        return await self.page.goto(self.url + path)

    async def log_in(self, login):
        await self.open("/login")
        await self.page.fill("#login", login)
        await self.page.fill("#password", PASSWORD)
        await self.page.click("main button")
        await self.page.wait_for_load_state()


@pytest.mark.parametrize("login", PAGES)
@pytest.mark.parametrize(("viewport", "scheme"), LOOKS)
async def test_every_page_fits_its_screen_and_nothing_is_blocked(chromium, url, login, viewport, scheme):
    visitor = await Visitor.come(chromium, url, viewport, color_scheme=scheme)
    await visitor.log_in(login)
    for name, path in PAGES[login].items():
        answer = await visitor.open(path)
        assert answer.status == (404 if name == "not-found" else 200)
        page = visitor.page
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
        assert await page.locator("h1").count() == 1
        entries = await page.locator(".nav a").evaluate_all("all => all.map(one => one.offsetTop)")
        assert len(set(entries)) <= 1, f"{name}: the entries above do not stand in one row"
        places = await page.locator(".nav a[aria-current]").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect())"
        )
        assert all(0 <= place["left"] < place["right"] <= viewport["width"] for place in places), f"{name} is not shown"
        if PICTURES:
            size = "phone" if viewport is PHONE else "desktop"
            await page.screenshot(path=f"{PICTURES}/portal-{name}-{size}-{scheme}.png", full_page=True)
    assert [text for text in visitor.complaints if "404" not in text] == []


async def test_a_bar_leads_to_the_bytes_of_its_interval(chromium, url):
    visitor = await Visitor.come(chromium, url)
    await visitor.log_in("anna")
    await visitor.open("/my/1/year?date=2013-01-01")
    page = visitor.page
    for heading in ("November 2013", "Friday, 15 November 2013"):
        bar = page.locator(".chart-plot a").nth(5 if "Friday" not in heading else 14)
        await bar.click()
        await page.wait_for_load_state()
        assert heading in await page.inner_text("main h2 >> nth=0")
    await page.locator(".chart-plot a").nth(20).click()
    await page.wait_for_load_state()
    assert "10:00–10:30" in await page.inner_text("h1")
    assert await page.locator(".bytes .marked").count() > 0
    assert await page.locator(".fields tr.marked").count() > 0


async def test_bytes_and_fields_light_up_together(chromium, url):
    visitor = await Visitor.come(chromium, url)
    await visitor.log_in("anna")
    await visitor.open("/my/1/reading?at=1387310400")
    piece = visitor.page.locator(".bytes a.marked").nth(1)
    field = await piece.get_attribute("data-field")
    await piece.hover()
    row = visitor.page.locator(f"#field-{field}")
    assert "lit" in await row.get_attribute("class")
    await piece.click()
    assert visitor.page.url.endswith(f"#field-{field}")
    assert await row.is_visible()


async def test_the_pages_work_without_script(chromium, url):
    visitor = await Visitor.come(chromium, url, java_script_enabled=False)
    await visitor.log_in("anna")
    await visitor.open("/my/1/day?date=2013-12-18")
    assert await visitor.page.locator(".chart-plot .bar").count() == 48
    await visitor.page.click("text=Next ›")
    assert "19 December" in await visitor.page.inner_text("main h2 >> nth=0")
    await visitor.page.click("text=Log out")
    assert visitor.page.url.endswith("/login")


async def test_the_chart_marks_what_is_missing(chromium, url):
    visitor = await Visitor.come(chromium, url)
    await visitor.log_in("anna")
    await visitor.open("/my/1/day?date=2013-12-18")
    assert await visitor.page.locator(".chart-plot .bar.missing").count() == 7
    assert await visitor.page.locator("tr.missing").count() == 7
    fill = await visitor.page.locator(".chart-plot .bar.missing .hole").first.evaluate("e => getComputedStyle(e).fill")
    assert re.search(r"url\(.*#missing", fill)
    box = await visitor.page.locator(".chart-plot .bar.measured .ink").first.bounding_box()
    assert box["height"] > 5


async def test_foreign_script_does_not_run(chromium, url):
    visitor = await Visitor.come(chromium, url)
    await visitor.log_in("anna")
    ran = await visitor.page.evaluate(
        """() => new Promise(resolve => {
            const script = document.createElement("script");
            try { script.textContent = "window.stolen = 1"; document.body.append(script); } catch { }
            setTimeout(() => resolve(window.stolen ?? 0), 50);
        })"""
    )
    assert ran == 0


async def test_the_cookie_is_kept_from_scripts_and_hsts_is_sent(chromium, url):
    visitor = await Visitor.come(chromium, url)
    await visitor.log_in("anna")
    assert await visitor.page.evaluate("document.cookie") == ""
    answer = await visitor.open("/my/1/day?date=2013-12-18")
    assert (await answer.all_headers())["strict-transport-security"] == "max-age=300"
    cookies = await visitor.page.context.cookies()
    session = next(cookie for cookie in cookies if cookie["name"] == "__Host-openami")
    assert session["httpOnly"]
    assert session["secure"]
    assert session["sameSite"] == "Lax"


async def test_a_campaign_page_follows_its_campaign(chromium, url):
    visitor = await Visitor.come(chromium, url)
    await visitor.log_in("operator")
    await visitor.open("/operator/campaigns/1")
    async with visitor.page.expect_response("**/operator/campaigns/1/progress") as found:
        pass
    assert (await (await found.value).json())["total"] == 3
    assert await visitor.page.locator("progress").get_attribute("value") is not None
