"""Log-in and log-out through the real application: cookies, tokens, fixation, time-outs, throttle."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from structlog.testing import capture_logs

from openami.portal.identity import SESSION_COOKIE
from portal_world import PASSWORD, browser, csrf_of, log_in, make_district, make_operations, make_world_portal


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    return make_district(tmp_path_factory.mktemp("district"))


@pytest.fixture(scope="module")
def world(district):
    return make_world_portal(district, make_operations(district))


@pytest.fixture
def portal(world):
    world.state.rooms.throttle.__init__()
    return world


async def test_the_right_password_leads_home(portal):
    async with browser(portal) as anna, browser(portal) as operator:
        answer = await log_in(anna, "anna")
        assert (answer.status_code, answer.headers["location"]) == (303, "/my")
        assert (await anna.get("/my/1/day")).status_code == 200
        assert (await log_in(operator, "OPERATOR ")).headers["location"] == "/operator"
        assert (await operator.get("/operator")).status_code == 200


async def test_the_session_cookie_is_for_this_host_over_tls_and_for_no_script(portal):
    async with browser(portal) as anna:
        answer = await log_in(anna, "anna")
        cookies = [SimpleCookie(text) for text in answer.headers.get_list("set-cookie")]
        session = next(cookie[SESSION_COOKIE] for cookie in cookies if SESSION_COOKIE in cookie)
        assert SESSION_COOKIE.startswith("__Host-")
        assert (session["secure"], session["httponly"], session["path"]) == (True, True, "/")
        assert (session["samesite"].lower(), session["domain"], session["max-age"]) == ("lax", "", "")


@pytest.mark.parametrize("login", ["anna", "nobody", "", "anna' --", "\x00", "ä" * 500])
async def test_a_wrong_password_says_no_more_than_that(portal, login):
    async with browser(portal) as client:
        with capture_logs() as logs:
            answer = await log_in(client, login, "something else")
        assert answer.status_code == 403
        assert "Log-in or password is wrong" in answer.text
        assert "something else" not in answer.text
        assert "something else" not in str(logs)
        assert SESSION_COOKIE not in client.cookies


async def test_a_session_that_somebody_planted_is_not_taken_over(portal):
    async with browser(portal) as anna, browser(portal) as attacker:
        await log_in(attacker, "bert")
        planted = attacker.cookies[SESSION_COOKIE]
        token = csrf_of((await anna.get("/login")).text)
        form = {"csrf": token, "login": "anna", "password": PASSWORD}
        anna.cookies.set(SESSION_COOKIE, "planted" * 6, domain="openami.localhost", path="/")
        await anna.post("/login", data=form)
        assert anna.cookies[SESSION_COOKIE] not in {planted, "planted" * 6}
        assert (await attacker.get("/my/1/day?date=2013-12-01")).status_code == 404


async def test_logging_in_again_ends_the_old_session(portal):
    async with browser(portal) as anna, browser(portal) as thief:
        await log_in(anna, "anna")
        old = anna.cookies[SESSION_COOKIE]
        page = await anna.get("/my/1/day")
        form = {"csrf": csrf_of(page.text), "login": "anna", "password": PASSWORD}
        assert (await anna.post("/login", data=form)).status_code == 303
        assert anna.cookies[SESSION_COOKIE] != old
        thief.cookies.set(SESSION_COOKIE, old, domain="openami.localhost", path="/")
        assert (await thief.get("/my/1/day")).status_code == 303


async def test_log_out_kills_the_token_itself(portal):
    async with browser(portal) as anna, browser(portal) as thief:
        await log_in(anna, "anna")
        thief.cookies.set(SESSION_COOKIE, anna.cookies[SESSION_COOKIE], domain="openami.localhost", path="/")
        assert (await thief.get("/my/1/day")).status_code == 200
        token = csrf_of((await anna.get("/my/1/day")).text)
        assert (await anna.post("/logout", data={"csrf": token})).headers["location"] == "/login"
        assert (await anna.get("/my/1/day")).status_code == 303
        assert (await thief.get("/my/1/day")).status_code == 303


async def test_a_session_ends_by_peoples_clock_not_by_the_meters(portal, district):
    async with browser(portal) as anna:
        await log_in(anna, "anna")
        district.clock.at += 10 * 86_400
        assert (await anna.get("/my")).status_code == 303
        assert (await anna.get("/my/1/day?date=2013-12-18")).status_code == 200
        district.clock.at -= 10 * 86_400
        district.wall.at += 1801
        assert (await anna.get("/my/1/day?date=2013-12-18")).headers["location"].startswith("/login")


@pytest.mark.parametrize("field", [{}, {"csrf": ""}, {"csrf": "guessed"}, {"csrf": "ä"}])
async def test_a_form_without_its_token_is_refused(portal, field):
    async with browser(portal) as client:
        await client.get("/login")
        with capture_logs():
            answer = await client.post("/login", data={**field, "login": "anna", "password": PASSWORD})
        assert answer.status_code == 403
        assert SESSION_COOKIE not in client.cookies


async def test_without_the_forms_cookie_there_is_no_log_in(portal):
    async with browser(portal) as client:
        with capture_logs():
            answer = await client.post("/login", data={"csrf": "", "login": "anna", "password": PASSWORD})
        assert answer.status_code == 403


async def test_after_five_wrong_tries_even_the_right_password_must_wait_at_that_address(portal):
    async with browser(portal) as attacker, browser(portal, address="192.0.2.99") as anna:
        for _ in range(5):
            assert (await log_in(attacker, "anna", "guess")).status_code == 403
        answer = await log_in(attacker, "anna")
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 900
        assert (await log_in(anna, "anna")).status_code == 303


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/my/1/month?date=2013-11-01", "/my/1/month?date=2013-11-01"),
        ("//evil.example", "/my"),
        ("https://evil.example", "/my"),
        ("/\\evil.example", "/my"),
        ("/\t/evil.example", "/my"),
        ("", "/my"),
    ],
)
async def test_the_way_back_stays_here(portal, target, leads_to):
    async with browser(portal) as client:
        assert (await log_in(client, "anna", next=target)).headers["location"] == leads_to


async def test_who_is_not_logged_in_comes_back_to_the_page_afterwards(portal):
    async with browser(portal) as client:
        answer = await client.get("/my/1/month?date=2013-11-01")
        assert answer.headers["location"] == "/login?next=%2Fmy%2F1%2Fmonth%3Fdate%3D2013-11-01"
        assert 'name="next" value="/my/1/month?date=2013-11-01"' in (await client.get(answer.headers["location"])).text


async def test_a_form_may_not_be_large(portal):
    async with browser(portal) as client:
        await client.get("/login")
        answer = await client.post("/login", data={"csrf": "x", "password": "x" * 100_000})
        assert answer.status_code == 413
