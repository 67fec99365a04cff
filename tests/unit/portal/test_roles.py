"""One walk over all routes for everybody: who gets a page, who gets 404, and that every answer has its headers."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from openami.app.switching import switching
from openami.app.two_seals import make_key
from openami.backoffice.audit.entry import Kind
from openami.backoffice.operations.read_plan import ReadPlan
from openami.protocols.seal.approval import Intent
from openami.protocols.seal.roles import Role
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from openami.protocols.seal.verbs import CriticalVerb
from portal_world import (
    GAP,
    MOVED,
    NOW,
    browser,
    csrf_of,
    log_in,
    make_district,
    make_operations,
    make_two_seals,
    make_world_portal,
)

QUERIES = {
    "/operator/commands/ask": "?meter=1&verb=disconnect",
    "/operator/plans/ask": "?plan=winter&verb=disconnect&serials=SN-1001",
    "/operator/plans/draft": "?name=winter&verbs=disconnect&feeders=F1&power_w=1&lasts_s=60",
}
NOT_IN_FORCE = "/operator/plans/ask"
"""No plan is: nothing can be asked for under one."""
PUBLIC = {"/", "/login", "/logout", "/security", "/authority.pem", "/static/{name:str}"}
OWN_DAY = "/my/1/day?date=2013-12-18"
ANNA, BERT = 1_387_310_400, 1_371_204_000
"""Ends of intervals at Alder Row: 17 December 2013 20:00 (Anna's), 14 June 2013 11:00 in London (Bert's)."""


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    return make_district(tmp_path_factory.mktemp("district"))


@pytest.fixture(scope="module")
def portal(district):
    operations = make_operations(district)
    operations.create_campaign("Daily read", [1, 2, 3], ReadPlan(), GAP, NOW.replace(hour=20))
    seals = make_seals(district, operations)
    seals.audit.enter(Kind.KEY, "operator", "operator", "registered a passkey")
    return make_world_portal(district, operations, seals.console, seals.audit, hsts_max_age_s=300)


def make_seals(district, operations):
    """With one order that waits for another person."""
    seals = make_two_seals(district, operations, Path("seals"))
    person = SoftwareAuthenticator("operator", make_key(os.urandom), seals.party)
    for people in seals.people:
        people.add(person.passkey)
    title = district.registry.meter(1).system_title
    intent = Intent(title, switching(CriticalVerb.DISCONNECT), 900)
    commands = seals.authority.draft(Role.NETWORK_OPERATOR, [intent])
    seals.authority.request(commands, person.consent(commands.request_challenge()))
    return seals


@pytest.fixture(scope="module")
def evidence(district):
    return district.mdm.evidence_of(1, 1, NOW.replace(hour=9, minute=30)).id


async def addresses(portal, evidence):
    """Every route of the application with values that exist: (path template, method, address)."""
    (order,) = await portal.state.rooms.critical.orders()
    values = {
        "digest": "00",
        "verdict": "release",
        "point": "1",
        "meter": "1",
        "campaign": "1",
        "index": "0",
        "consumer": "1",
        "number": str(evidence),
        "file": "green-button.xml",
    }
    found = []
    for route in portal.routes:
        for method in sorted(route.methods - {"OPTIONS", "HEAD"}):
            for view in ("day", "month", "year") if "{view" in route.path else ("",):
                values["name"] = order.name if route.path.startswith("/operator/commands") else "portal.css"
                path = re.sub(r"{(\w+):\w+}", lambda part, view=view: values.get(part.group(1), view), route.path)
                query = f"?at={ANNA}" if path.endswith("/reading") else ""
                query = QUERIES.get(route.path, query)
                found.append((route.path, method, path + query))
    return found


async def asked(client, method, address):
    with capture_logs():
        return await client.get(address) if method == "GET" else await client.post(address, data={"csrf": "guess"})


def check_headers(answer):
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy).group(1)
    assert "unsafe" not in policy
    assert answer.headers["strict-transport-security"] == "max-age=300"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "server" not in answer.headers
    if answer.headers["content-type"].startswith("text/html"):
        assert answer.headers["cache-control"] == "no-store"
        assert f'<script nonce="{nonce}"' in answer.text
        assert " style=" not in answer.text
        assert not re.search(r"\son\w+=", answer.text)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", answer.text)
        assert "Traceback" not in answer.text


async def test_the_walk(portal, evidence):
    people = {"nobody": browser(portal), "anna": browser(portal), "bert": browser(portal), "operator": browser(portal)}
    for login in ("anna", "bert", "operator"):
        assert (await log_in(people[login], login)).status_code == 303
    routes = await addresses(portal, evidence)
    assert len(routes) >= 25
    for (template, method, address), (login, client) in itertools.product(routes, people.items()):
        answer = await asked(client, method, address)
        check_headers(answer)
        expected = expected_status(template, method, address, login)
        assert answer.status_code == expected, f"{login}: {method} {address} gave {answer.status_code}"
    for client in people.values():
        await client.aclose()


def expected_status(template, method, address, login):
    """What each person must get for each route."""
    if template in PUBLIC:
        return expected_public(template, method, login)
    if login == "nobody":
        return 303
    if template.startswith("/operator"):
        return 404 if login != "operator" else 403 if method == "POST" or template == NOT_IN_FORCE else 200
    assert template.startswith("/my"), f"{template} is neither public nor anybody's"
    if method == "POST":
        return 404 if login == "operator" else 403
    foreign = login == "operator" or (login == "bert" and "/reading" in address)
    if foreign or template.endswith("/reads"):  # those of meters that are read singly; all of these have intervals
        return 404
    return 303 if (template, login) == ("/my", "anna") else 200


def expected_public(template, method, login):
    if method == "POST":
        return 403
    if template == "/authority.pem":
        return 404
    return 303 if template == "/" or (template == "/login" and login != "nobody") else 200


@pytest.mark.parametrize("login", ["anna", "bert"])
async def test_a_consumer_cannot_find_any_other_point(portal, login):
    own = {"anna": {1}, "bert": {1, 2}}[login]
    async with browser(portal) as client:
        await log_in(client, login)
        for point in (*range(-1, 12), 1 << 63, 1 << 200):
            if point in own:
                continue
            for page in ("day", "month", "year", "bill", f"reading?at={ANNA}", "nothing"):
                answer = await client.get(f"/my/{point}/{page}")
                assert answer.status_code == 404, f"{point} {page}"
                assert "Cedar" not in answer.text


async def test_a_former_resident_sees_the_own_time_only(portal):
    async with browser(portal) as bert, browser(portal) as anna:
        await log_in(bert, "bert")
        await log_in(anna, "anna")
        for client, own, other in ((bert, BERT, ANNA), (anna, ANNA, BERT)):
            assert (await client.get(f"/my/1/reading?at={own}")).status_code == 200
            assert (await client.get(f"/my/1/reading?at={other}")).status_code == 404
        for page in ("day?date=2013-06-15", "day?date=2013-12-18", "month?date=2013-07-01", "bill?date=2013-07-01"):
            assert (await bert.get(f"/my/1/{page}")).status_code == 404
            assert (await anna.get(f"/my/1/{page}")).status_code == 200
        for page in ("day?date=2013-06-14", "month?date=2013-05-01", "year?date=2012-01-01", "bill?date=2013-05-01"):
            assert (await bert.get(f"/my/1/{page}")).status_code == 200
            assert (await anna.get(f"/my/1/{page}")).status_code == 404


async def test_the_change_of_supply_is_sharp(portal):
    last, first = int(MOVED.timestamp()), int(MOVED.timestamp()) + 1800
    async with browser(portal) as bert, browser(portal) as anna:
        await log_in(bert, "bert")
        await log_in(anna, "anna")
        assert [(await bert.get(f"/my/1/reading?at={at}")).status_code for at in (last, first)] == [200, 404]
        assert [(await anna.get(f"/my/1/reading?at={at}")).status_code for at in (last, first)] == [404, 200]


async def test_the_month_of_the_move_is_divided_without_rest(portal, district):
    june = district.mdm.bill(1, MOVED.replace(month=5, day=31), MOVED.replace(day=30)).register_energy_wh
    shares = []
    for login in ("bert", "anna"):
        async with browser(portal) as client:
            await log_in(client, login)
            page = (await client.get("/my/1/month?date=2013-06-01")).text
            total = re.search(r'<p class="total">([\d.\u202f]+)', page).group(1).replace("\u202f", "")
            shares.append(round(float(total) * 1000))
    assert sum(shares) == june
    assert min(shares) > 0


async def test_the_bytes_of_the_week_of_the_move_are_divided_too(portal, district):
    evidence = district.mdm.evidence_of(1, 1, MOVED)
    assert evidence is not None
    for login, at, hides in (
        ("bert", int(MOVED.timestamp()), "after"),
        ("anna", int(MOVED.timestamp()) + 1800, "before"),
    ):
        async with browser(portal) as client:
            await log_in(client, login)
            page = (await client.get(f"/my/1/reading?at={at}")).text
        days = {"before": "2013-06-13", "after": "2013-06-16"}
        assert "bytes of other times" in page
        assert f"date-time {days[hides]}" not in page
        assert f"date-time {days['after' if hides == 'before' else 'before']}" in page


async def test_operators_reach_every_reading_and_its_bytes_by_one_click_each(portal):
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        day = (await operator.get("/operator/points/1/day?date=2013-12-17")).text
        reading = re.search(r'href="(/operator/points/1/reading\?at=\d+)"', day).group(1)
        page = (await operator.get(reading)).text
        assert "The bytes it came from" in page
        assert 'class="marked"' in page
        full = re.search(r'href="(/operator/evidence/\d+\?at=\d+)"', page).group(1)
        assert "As it came" in (await operator.get(full)).text


async def test_looking_at_people_is_logged_with_who_and_whom(portal):
    async with browser(portal) as operator, browser(portal) as anna:
        await log_in(operator, "operator")
        await log_in(anna, "anna")
        with capture_logs() as logs:
            await operator.get("/operator/points/1/day?date=2013-12-17")
            await operator.get("/operator/meters/1")
            await operator.get("/operator")
            await anna.get(OWN_DAY)
        seen = [entry for entry in logs if entry["event"] == "personal data viewed"]
        assert [entry["what"] for entry in seen] == ["energy", "meter", "fleet"]
        assert {entry["operator"] for entry in seen} == {"operator"}
        assert seen[0]["metering_point"] == "UK0001000000000001"
        assert seen[0]["address"] == "192.0.2.1"


async def test_a_read_that_fails_says_why(portal):
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        page = await operator.get("/operator/meters/1")
        with capture_logs():
            answer = await operator.post("/operator/meters/1/read", data={"csrf": csrf_of(page.text)})
        assert answer.status_code == 502
        assert "could not be read" in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/operator/meters/99",
        f"/operator/meters/{1 << 63}",
        f"/operator/evidence/{1 << 70}",
        "/operator/evidence/5",
        "/operator/campaigns/99",
        "/operator/campaigns/99/progress",
        "/operator/points/99/day",
        "/operator/points/1/week",
        "/operator/points/1/reading?at=99999999999999999999",
        "/operator/points/1/reading?at=-1",
        "/operator/points/1/reading?at=1387310401",
        "/operator/meters/x",
        "/nothing",
        "/static/../portal.py",
        "/static/nothing.css",
    ],
)
async def test_what_is_not_there_is_a_404_with_a_page(portal, address):
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        answer = await operator.get(address)
        assert answer.status_code == 404
        check_headers(answer)
        assert "Nothing here" in answer.text


@pytest.mark.parametrize("query", ["date=2013-13-01", "date=x", "date=", "flow=sideways", "date=99999-01-01"])
async def test_an_address_that_cannot_be_read_is_a_400(portal, query):
    async with browser(portal) as anna:
        await log_in(anna, "anna")
        answer = await anna.get(f"/my/1/day?{query}")
        assert answer.status_code in {400, 404}
        check_headers(answer)


async def test_a_page_that_fails_is_a_500_without_its_trace(portal, monkeypatch):
    def fail(*_):
        raise RuntimeError("the secret of the inside")

    monkeypatch.setattr(type(portal.state.rooms.mdm), "missing", fail)
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        with capture_logs() as logs:
            answer = await operator.get("/operator/missing")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        check_headers(answer)
        assert any("the secret of the inside" in entry.get("trace", "") for entry in logs)


async def test_names_from_outside_are_never_taken_for_markup(portal, district):
    district.registry.add_meter("<script>alert(1)</script>", b"evil-one", district.meter.guarantee, None)
    async with browser(portal) as operator:
        await log_in(operator, "operator")
        page = (await operator.get("/operator?q=<script>alert(2)</script>")).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in (await operator.get("/operator")).text
