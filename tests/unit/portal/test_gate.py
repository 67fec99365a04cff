"""The gate: headers on everything that leaves, strangers' hosts and foreign origins kept out, traces kept in."""

from __future__ import annotations

import os
import re

import pytest
from structlog.testing import capture_logs

from openami.portal.gate import Gate
from openami.portal.settings import PortalSettings

HOSTS = ("openami.localhost", "portal.example", "192.0.2.7", "localhost", "2001:db8::7")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Inner:
    """An application that answers 200, or fails before or after it has begun to answer."""

    def __init__(self, failing=None):
        self.failing = failing
        self.asked = 0

    async def __call__(self, _scope, _receive, send):
        self.asked += 1
        if self.failing == "before":
            raise RuntimeError("the secret of the inside")
        headers = [(b"content-type", b"text/html"), (b"Referrer-Policy", b"unsafe-url")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if self.failing == "after":
            raise RuntimeError("the secret of the inside")
        await send({"type": "http.response.body", "body": b"page", "more_body": False})


async def ask(inner, *, scheme="https", method="GET", settings=None, **headers):
    gate = Gate(inner, settings or PortalSettings(hosts=HOSTS), os.urandom)
    headers = {"host": "openami.localhost:8443", **headers}
    raw = [(name.encode(), value.encode()) for name, value in headers.items() if value is not None]
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "scheme": scheme, "method": method, "path": "/", "headers": raw}
    await gate(scope, None, send)
    names = [name.decode().lower() for name, _ in sent[0]["headers"]]
    assert len(names) == len(set(names)), "a header is sent twice"
    answer = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answer, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(
    ("failing", "headers", "method", "status"),
    [
        (None, {}, "GET", 200),
        ("before", {}, "GET", 500),
        (None, {"host": "evil.example"}, "GET", 421),
        (None, {}, "POST", 403),
    ],
)
async def test_every_answer_has_the_headers(failing, headers, method, status):
    with capture_logs():
        found, answer, _ = await ask(Inner(failing), method=method, **headers)
    assert found == status
    assert HEADERS.items() <= answer.items()
    assert "camera=()" in answer["permissions-policy"]
    policy = answer["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


async def test_each_answer_has_its_own_nonce():
    nonces = set()
    for _ in range(50):
        policy = (await ask(Inner()))[1]["content-security-policy"]
        nonces.add(re.search(r"script-src 'nonce-([A-Za-z0-9+/]{24})'", policy).group(1))
    assert len(nonces) == 50


@pytest.mark.parametrize(
    ("host", "pinned"),
    [
        ("openami.localhost", True),
        ("OpenAMI.localhost:8443", True),
        ("portal.example", True),
        ("localhost:8443", False),
        ("192.0.2.7:8443", False),
        ("[2001:db8::7]:8443", False),
        ("evil.example", False),
    ],
)
async def test_hsts_is_for_named_hosts_of_ours_only(host, pinned):
    _, answer, _ = await ask(Inner(), host=host)
    assert ("strict-transport-security" in answer) is pinned


async def test_hsts_is_sent_over_tls_only():
    assert "strict-transport-security" not in (await ask(Inner(), scheme="http"))[1]


async def test_hsts_is_raised_in_stages():
    async def sent(**values):
        settings = PortalSettings(hosts=HOSTS, **values)
        return (await ask(Inner(), settings=settings))[1].get("strict-transport-security")

    assert await sent() == "max-age=300"
    assert await sent(hsts_max_age_s=0) is None
    full = {"hsts_max_age_s": 63_072_000, "hsts_include_subdomains": True, "hsts_preload": True}
    assert await sent(**full) == "max-age=63072000; includeSubDomains; preload"


@pytest.mark.parametrize("host", ["evil.example", "", "openami.localhost.evil.example", "openami.localhost:x", None])
async def test_unknown_hosts_are_turned_away(host):
    inner = Inner()
    assert (await ask(inner, host=host))[0] == 421
    assert inner.asked == 0


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://openami.localhost:8443", 200),
        ("https://evil.example", 403),
        ("http://openami.localhost:8443", 403),
        ("https://openami.localhost", 403),
        ("null", 403),
        (None, 403),
    ],
)
async def test_forms_come_from_our_own_pages(origin, status):
    inner = Inner()
    assert (await ask(inner, method="POST", origin=origin))[0] == status
    assert inner.asked == (status == 200)


async def test_a_failure_tells_nothing_outside_and_everything_in_the_log():
    with capture_logs() as logs:
        status, _, body = await ask(Inner("before"))
    assert status == 500
    assert b"secret" not in body
    assert b"Traceback" not in body
    assert "the secret of the inside" in logs[0]["trace"]


async def test_a_failure_in_the_middle_of_an_answer_does_not_begin_a_second_one():
    with capture_logs() as logs:
        status, _, body = await ask(Inner("after"))
    assert (status, body) == (200, b"")
    assert logs
