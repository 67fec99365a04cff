"""Whoever has a browser, with an account or without."""

from __future__ import annotations

import hmac

from litestar.types import Receive, Scope, Send

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.portal_world import HOST, Browser, csrf_of, open_portal, plain_answer
from openami.backoffice.registry.registry import Registry
from openami.portal import consumer, gate
from openami.portal.gate import Gate
from openami.portal.ownership import whole
from openami.portal.serving import Redirecting
from openami.portal.sessions import Sessions
from openami.portal.settings import PortalSettings
from openami.portal.throttle import LoginThrottle

USER = "portal user"
OTHER = "https://elsewhere.example"
YEARS_S = 63_072_000


def _everybody_s(registry: Registry, _consumer: int) -> object:
    return [whole(point) for point in registry.points()]


@drill("A072", USER, Removal(consumer, "of_consumer", _everybody_s))
def the_number_in_the_address_is_changed() -> None:
    with open_portal() as portal:
        for login, own in (("anna", 1), ("bert", 2)):
            browser = Browser(portal)
            browser.log_in(login)
            for point in range(4):
                for page in ("day", "month", "year", "bill"):
                    status = browser.get(f"/my/{point}/{page}").status
                    stands(point == own or status == 404, f"{login} sees point {point}: {page}")


@drill("A074", USER, Removal(PortalSettings, "hsts", property(lambda _self: "max-age=300")))
def an_answer_without_the_promise_of_tls() -> None:
    """Every answer, errors too, and for long; cookies are this host's alone."""
    with open_portal(hsts_max_age_s=YEARS_S, hsts_include_subdomains=True) as portal:
        browser = Browser(portal)
        answers = [browser.log_in("anna"), browser.get("/login"), browser.get("/none"), browser.post("/login", {})]
        answers += [browser.get("/static/portal.css"), browser.get("/operator"), browser.get("/my/1/day?date=x")]
        for answer in answers:
            promise = answer.headers.get("strict-transport-security", "")
            age = int(promise.partition("max-age=")[2].partition(";")[0] or 0)
            stands(age >= 31_536_000 and "includeSubDomains" in promise, f"{answer.status}: {promise!r}")
        stands(all(name.startswith("__Host-") for name in browser.cookies), "a cookie that another host could set")


@drill("A075", USER, Removal(Gate, "_refusal", lambda *_: None), Removal(hmac, "compare_digest", lambda *_: True))
def a_form_of_another_site() -> None:
    with open_portal() as portal:
        browser = Browser(portal)
        browser.log_in("anna")
        browser.post("/logout", {"csrf": "guessed"}, origin=OTHER)
        stands(browser.get("/my/1/day").status == 200, "a form of another site has logged somebody out")


def _again(_self: Sessions, _token: str) -> None:
    """Nothing ends."""


@drill("A076", USER, Removal(Sessions, "end", _again))
def a_session_that_was_ended_goes_on() -> None:
    with open_portal() as portal:
        browser, thief = Browser(portal), Browser(portal)
        browser.log_in("anna")
        thief.cookies = dict(browser.cookies)
        browser.post("/logout", {"csrf": csrf_of(browser.get("/my/1/day"))})
        stands(thief.get("/my/1/day").status == 303, "the token of a session that was ended opens pages")


@drill("A077", USER, Removal(LoginThrottle, "wait_s", lambda *_: 0.0))
def passwords_are_tried() -> None:
    """A stranger is slowed down; the owner, who was here before, comes in all the same."""
    with open_portal() as portal:
        owner = Browser(portal, "198.51.100.7")
        owner.log_in("anna")
        tried = [Browser(portal, "203.0.113.9").log_in("anna", f"guess {n}").status for n in range(8)]
        stands(429 in tried, "eight wrong passwords from one address, and no end")
        for number in range(51):
            Browser(portal, f"203.0.113.{number}").log_in("anna", "guess")
        owner.cookies.clear()
        stands(owner.log_in("anna").status == 303, "strangers who guess have locked the owner out")


@drill("A080", USER, Removal(gate, "host_of", lambda _authority: HOST))
def a_request_for_another_host() -> None:
    with open_portal() as portal:
        browser = Browser(portal)
        for host in ("elsewhere.example", "openami.localhost.elsewhere.example", "", "[::1"):
            status = browser.get("/login", host=host or "-").status
            stands(status == 421, f"host {host!r} was answered with {status}")


async def _served(_self: Redirecting, _scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a page in the clear", "more_body": False})


@drill("A073", USER, Removal(Redirecting, "__call__", _served))
def a_first_visit_without_tls() -> None:
    """Plain HTTP answers with the way to the same host under TLS only, and to no other host."""
    redirecting = Redirecting((HOST,), 8443)
    for host, path in ((HOST, "/my/1/day?date=2025-01-01"), (HOST, "//elsewhere.example"), ("elsewhere.example", "/")):
        answer = plain_answer(redirecting, host, path)
        target = answer.headers.get("location", "")
        same = target.startswith(f"https://{HOST}:8443/")
        stands(answer.status == 308 and same if host == HOST else not target, f"{host}{path}: {answer.status} {target}")
        stands("clear" not in answer.text, "a page was given in the clear")
