"""What every request and every response passes: host, origin, headers. Nothing leaves the portal around it."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from openami.portal.settings import PortalSettings, host_of, is_pinnable

NONCE_BYTES = 18
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
log = structlog.get_logger("openami.portal")

PERMISSIONS = (
    ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer",
            "camera",
            "display-capture",
            "geolocation",
            "gyroscope",
            "hid",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "serial",
            "usb",
        )
    )
    + ", publickey-credentials-create=(self), publickey-credentials-get=(self)"
)

# Referrer-Policy is same-origin, not no-referrer: under no-referrer browsers send `Origin: null` with our own forms
# (Fetch, "append a request Origin header"), and the origin check below could not tell them from foreign ones.
FIXED = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-permitted-cross-domain-policies", b"none"),
)


def content_security_policy(nonce: str) -> str:
    """Own stylesheet and pictures, scripts by nonce only, forms and requests to ourselves, no frames."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self'; "
        "font-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


class Gate:
    """The outermost layer. Refuses unknown hosts (421) and foreign origins (403), adds the headers to everything.

    The nonce of a response stands in `scope["state"]["nonce"]`. An error that nobody caught ends here as a plain
    500 without its trace, which goes to the log.
    """

    def __init__(self, inner: ASGIApp, settings: PortalSettings, random: Callable[[int], bytes]) -> None:
        self._inner = inner
        self._settings = settings
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        nonce = base64.b64encode(self._random(NONCE_BYTES)).decode("ascii")
        scope.setdefault("state", {})["nonce"] = nonce
        guarded = _Headers(send, self._headers(scope, nonce))
        refusal = self._refusal(scope)
        if refusal is not None:
            await _plain(guarded, *refusal)
            return
        try:
            await self._inner(scope, receive, guarded)
        except Exception:  # noqa: BLE001 - the last resort
            # As text, without the frames' variables: those may hold passwords and readings.
            log.error("a request failed", path=scope["path"], trace=traceback.format_exc())
            if not guarded.started:
                await _plain(guarded, 500, "Something went wrong here. It has been noted.")

    def _refusal(self, scope: HTTPScope) -> tuple[int, str] | None:
        authority = _header(scope, b"host")
        if host_of(authority) not in self._settings.hosts:
            return 421, f"This portal is not {authority[:100]!r}. Open https://{self._settings.hosts[0]} instead."
        if scope["method"] in SAFE_METHODS:
            return None
        origin = _header(scope, b"origin")
        if origin.lower() != f"{scope['scheme']}://{authority}".lower():
            return 403, "This form was sent from another site, or by a browser that does not say from where."
        return None

    def _headers(self, scope: Scope, nonce: str) -> list[tuple[bytes, bytes]]:
        headers = [*FIXED, (b"content-security-policy", content_security_policy(nonce).encode("ascii"))]
        hsts = self._settings.hsts
        host = host_of(_header(scope, b"host"))
        if hsts and scope["scheme"] == "https" and host in self._settings.hosts and is_pinnable(host):
            headers.append((b"strict-transport-security", hsts.encode("ascii")))
        return headers


class _Headers:
    """A `send` that puts headers into the start of the response."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self._names = {name for name, _ in headers}
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = [(name, value) for name, value in message["headers"] if name.lower() not in self._names]
            if not any(name.lower() == b"cache-control" for name, _ in own):
                own.append((b"cache-control", b"no-store"))
            message["headers"] = [*own, *self._headers]
        await self._send(message)


def _header(scope: Scope, name: bytes) -> str:
    """The header's value; empty when it is absent or sent twice."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


async def _plain(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
