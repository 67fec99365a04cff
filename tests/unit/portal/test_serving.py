"""The portal on real ports: TLS, the redirect of plain HTTP, errors by the name of the setting, a clean stop."""

from __future__ import annotations

import asyncio
import signal
import ssl

import httpx
import pytest

from openami.model.errors import SettingError
from openami.portal.serving import serve_portal
from openami.portal.settings import PortalSettings
from portal_certificate import make_certificate


async def hello(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello", "more_body": False})


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def settings(tls):
    certificate, key = tls
    return PortalSettings(port=0, plain_port=0, certificate=certificate, key=key)


async def test_it_serves_over_tls_and_stops(settings, tls):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    serving = await serve_portal(hello, settings)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert serving.url == f"https://openami.localhost:{serving.port}"
    context = ssl.create_default_context(cafile=tls[0])
    async with httpx.AsyncClient(verify=context) as client:
        headers = {"host": f"openami.localhost:{serving.port}"}
        name = {"sni_hostname": "openami.localhost"}
        answer = await client.get(f"https://127.0.0.1:{serving.port}/", headers=headers, extensions=name)
        assert answer.text == "hello"
        assert "server" not in answer.headers
    await serving.stop()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", serving.port)


async def test_ciphers_without_forward_secrecy_are_refused(settings, tls):
    serving = await serve_portal(hello, settings)
    context = ssl.create_default_context(cafile=tls[0])
    context.set_ciphers("AES128-SHA256:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection("127.0.0.1", serving.port, ssl=context, server_hostname="openami.localhost")
    finally:
        await serving.stop()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_plain_http_leads_to_the_same_page_under_https(settings, method):
    serving = await serve_portal(hello, settings)
    async with httpx.AsyncClient() as client:
        plain = f"http://127.0.0.1:{serving.plain_port}"
        answer = await client.request(method, f"{plain}/my/1?a=%20b", headers={"host": "openami.localhost"})
        stranger = await client.request(method, f"{plain}/", headers={"host": "evil.example"})
    await serving.stop()
    assert answer.status_code == 308
    assert answer.headers["location"] == f"https://openami.localhost:{serving.port}/my/1?a=%20b"
    assert "strict-transport-security" not in answer.headers
    assert stranger.status_code == 421
    assert "location" not in stranger.headers


async def test_without_a_plain_port_nothing_listens_there(tls):
    serving = await serve_portal(hello, PortalSettings(port=0, certificate=tls[0], key=tls[1]))
    assert serving.plain_port is None
    await serving.stop()


async def test_settings_that_cannot_be_served_are_named(tls, tmp_path):
    certificate, key = tls
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for values, message in (
        ({}, "portal.certificate and portal.key are not set"),
        ({"certificate": tmp_path / "none.pem", "key": key}, "No such file"),
        ({"certificate": certificate, "key": empty}, "do not fit together"),
    ):
        with pytest.raises(SettingError, match=message):
            await serve_portal(hello, PortalSettings(port=0, **values))


async def test_a_taken_port_is_named_and_nothing_stays_open(settings, tls):
    first = await serve_portal(hello, settings)
    with pytest.raises(SettingError, match=rf"portal.port: cannot listen on 127.0.0.1 port {first.port}"):
        await serve_portal(hello, PortalSettings(port=first.port, certificate=tls[0], key=tls[1]))
    with pytest.raises(SettingError, match=r"portal\.plain_port"):
        await serve_portal(hello, PortalSettings(port=0, plain_port=first.port, certificate=tls[0], key=tls[1]))
    await first.stop()
