"""The portal on its ports: uvicorn over TLS inside a loop that other parts share, and a redirect for plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from openami.model.errors import SettingError
from openami.portal.settings import PortalSettings, host_of

GRACE_S = 5
POLL_S = 0.01
HEADER_BYTES_MAX = 32 * 1024


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: who starts the loop decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class Serving:
    """A portal that accepts connections. `port` and `plain_port` are the real ones; `url` is what people type."""

    url: str
    port: int
    plain_port: int | None
    _servers: list[tuple[_Server, asyncio.Task[None]]]

    async def stop(self) -> None:
        """Finish the requests that are under way (5 s at most) and close the ports."""
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers))

    async def wait(self) -> None:
        """Return when it no longer serves."""
        await asyncio.gather(*(task for _, task in self._servers))


async def serve_portal(portal: ASGIApp, settings: PortalSettings) -> Serving:
    """Serve `portal` over TLS as `settings` says; returns when connections are accepted.

    Raises `SettingError` that names the setting: no certificate, a key that does not fit, a port that is taken.
    """
    context = _tls(settings.certificate, settings.key)
    secure = _bind("portal.port", settings.listen, settings.port)
    port = secure.getsockname()[1]
    servers = [await _start(portal, secure, lambda *_: context)]
    plain_port = None
    if settings.plain_port is not None:
        try:
            plain = _bind("portal.plain_port", settings.listen, settings.plain_port)
        except SettingError:
            await Serving("", port, None, servers).stop()
            raise
        plain_port = plain.getsockname()[1]
        servers.append(await _start(Redirecting(settings.hosts, port), plain, None))
    return Serving(f"https://{settings.hosts[0]}:{port}", port, plain_port, servers)


class Redirecting:
    """Answers every plain request with 308 to the same path under https; strangers' hosts with 421. Never sends HSTS,
    which counts over TLS only (RFC 6797).
    """

    def __init__(self, hosts: tuple[str, ...], port: int) -> None:
        self._hosts = hosts
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        if scope["type"] != ScopeType.HTTP:
            return
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        host = host_of(given[0]) if len(given) == 1 else ""
        headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
        known = host in self._hosts
        if known:
            headers.append((b"location", self._target(host, scope).encode("latin-1")))
        status = 308 if known else 421
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _target(self, host: str, scope: Scope) -> str:
        name = f"[{host}]" if ":" in host else host
        port = "" if self._port == 443 else f":{self._port}"
        raw = scope.get("raw_path") or scope["path"].encode()
        query = scope.get("query_string", b"")
        return f"https://{name}{port}{raw.decode('latin-1')}" + (f"?{query.decode('latin-1')}" if query else "")


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    if certificate is None or key is None:
        raise SettingError("portal.certificate and portal.key are not set; the portal serves TLS only")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        wrong = "they do not fit together or are not PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingError(f"portal.certificate {certificate} with portal.key {key}: {wrong}") from error
    return context


def _bind(setting: str, listen: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    try:
        return socket.create_server((listen, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise SettingError(f"{setting}: cannot listen on {listen} port {port}: {error}") from error


async def _start(
    app: ASGIApp, bound: socket.socket, tls: Callable[..., ssl.SSLContext] | None
) -> tuple[_Server, asyncio.Task[None]]:
    config: Any = uvicorn.Config(
        app,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        http="h11",
        ssl_context_factory=tls,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]), name="portal")
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has a flag, not an event
        await asyncio.sleep(POLL_S)
    if task.done():
        task.result()
    return server, task
