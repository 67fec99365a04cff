"""The collector's own page and its API, for whoever stands before it: on loopback only, and read only.

GET /         a page for people
GET /status   the same as JSON
"""

from __future__ import annotations

import html
import ipaddress
from collections.abc import Callable, Mapping

import msgspec

from openami.io.links.link import Link
from openami.io.links.tcp import Server, serve_tcp
from openami.model.errors import SettingError

REQUEST_BYTES_MAX = 4096
CONNECTIONS_MAX = 8
_HEADERS = (
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
    "Connection: close\r\n"
)
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Collector {name}</title>
<style>body{{font:16px sans-serif;margin:2em}}td{{padding:.2em 1em .2em 0}}</style>
<h1>Collector {name}</h1><table>{rows}</table></html>
"""


async def serve_status(host: str, port: int, name: str, status: Callable[[], Mapping[str, object]]) -> Server:
    """Serve on `host:port`; raises `SettingError` if that is no loopback address, `ConnectFailed` if it is taken."""
    if not _loopback(host):
        raise SettingError(f"collector.status_listen {host} is reachable from outside; it must be a loopback address")

    async def answer(link: Link) -> None:
        request = b""
        while b"\r\n\r\n" not in request and len(request) < REQUEST_BYTES_MAX and (data := await link.receive()):
            request += data
        await link.send(_answer(request, name, status()))

    return await serve_tcp(answer, host, port, connections_max=CONNECTIONS_MAX)


def _answer(request: bytes, name: str, status: Mapping[str, object]) -> bytes:
    head = request.decode("latin-1").split("\r\n")
    hosts = [line.partition(":")[2].strip() for line in head[1:] if line.lower().startswith("host:")]
    if len(hosts) != 1 or not _loopback(_host(hosts[0])):  # a page of somebody else's that was resolved to loopback
        return _response("421 Misdirected Request", "text/plain", b"ask for a loopback address\n")
    if head[0] in {"GET /status HTTP/1.1", "GET /status HTTP/1.0"}:
        return _response("200 OK", "application/json", msgspec.json.encode(status))
    if head[0] in {"GET / HTTP/1.1", "GET / HTTP/1.0"}:
        rows = "".join(
            f"<tr><td>{html.escape(key.replace('_', ' '))}<td>{html.escape(str(value))}"
            for key, value in status.items()
        )
        return _response("200 OK", "text/html; charset=utf-8", _PAGE.format(name=html.escape(name), rows=rows).encode())
    return _response("404 Not Found", "text/plain", b"there are / and /status\n")


def _response(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{_HEADERS}\r\n"
    return head.encode("ascii") + body


def _host(text: str) -> str:
    """The host of `host:port`, IPv6 in brackets."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
