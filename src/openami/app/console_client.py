"""The console as a program talks to it: log in, list orders, approve. Over TLS, to a known authority only."""

from __future__ import annotations

import json
import re
import socket
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from functools import partial
from http.client import HTTPSConnection
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPSHandler, OpenerDirector, Request, build_opener

from openami.app.passkey_file import PasskeyFile
from openami.backoffice.authority.registration import registration_challenge
from openami.model.errors import ConnectFailed, SecurityError, SettingError
from openami.protocols.seal.approval import CommandList
from openami.protocols.seal.passkey import Assertion, RelyingParty
from openami.protocols.wire.declared import codec_of, decode_all

TIMEOUT_S = 30.0
PAGE_BYTES_MAX = 4 << 20


class Verb(StrEnum):
    """What may be asked for from the command line."""

    DISCONNECT = "disconnect"
    RECONNECT = "reconnect"
    KEYS = "keys"


class Step(StrEnum):
    """What can be done with an order beside approving it."""

    SHOW = "show"
    CHECK = "check"
    SEND = "send"
    ALONE = "alone"


class _Connection(HTTPSConnection):
    """A name below `localhost` is this machine (RFC 6761), also where the resolver does not know that."""

    def __init__(self, host: str, *, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(host, context=context, **options)
        self._trusting = context

    def connect(self) -> None:
        host = "127.0.0.1" if self.host.endswith(".localhost") else self.host
        plain = socket.create_connection((host, self.port), TIMEOUT_S)
        self.sock = self._trusting.wrap_socket(plain, server_hostname=self.host)


class _Handler(HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trusting = context

    def https_open(self, req: Request) -> Any:
        return self.do_open(partial(_Connection, context=self._trusting), req)


class ConsoleClient:
    """A session at the console at `url` (https), whose certificate is of `authority` (PEM)."""

    def __init__(self, url: str, authority: Path) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.netloc:
            raise SettingError(f"{url!r} is no address of a console: it begins with https://")
        self._base = f"https://{parts.netloc}"
        try:
            context = ssl.create_default_context(cafile=str(authority))
        except OSError as error:
            raise SettingError(f"{authority}: {error.strerror or error}") from error
        self._opener: OpenerDirector = build_opener(_Handler(context), HTTPCookieProcessor(CookieJar()))

    def log_in(self, login: str, password: str) -> None:
        """Raises `SecurityError` if the console does not let in."""
        form = {"csrf": _token(self._ask("/login")), "login": login, "password": password}
        if "/logout" not in self._ask("/login", form):
            raise SecurityError(f"the console does not let {login!r} in")

    def waiting(self) -> list[tuple[str, Any]]:
        """The orders that nobody has approved, with their exact commands."""
        page = self._ask("/operator/commands")
        names = dict.fromkeys(re.findall(r"/operator/commands/([0-9a-f]{32})\"", page))
        orders = [(name, self._order(name)) for name in names]
        return [(name, order) for name, order in orders if order["state"] == "waiting"]

    def ask(self, serial: str, verb: Verb, passkey: PasskeyFile) -> str:
        """Sign the exact list that the console drafts; the order's name. Raises `SecurityError` if it is refused."""
        return self.ask_for("/operator/commands/ask?" + urlencode({"serial": serial, "verb": verb.value}), passkey)

    def ask_for(self, draft: str, passkey: PasskeyFile) -> str:
        """Sign the list on the page at `draft`; the order's name."""
        page = self._ask(draft)
        octets = re.search(r'name="commands" value="([^"]+)"', page)
        if octets is None:
            raise SecurityError("the console drafts no list of commands")
        commands = decode_all(codec_of(CommandList), octets_of(octets[1]))
        form = signed(passkey.consent(commands.request_challenge()))
        self._ask("/operator/commands/ask", {**form, "commands": octets[1], "csrf": _token(page)})
        name: str = commands.request.hex()
        return name

    def get(self, path: str) -> str:
        """What is at `path`; raises `SecurityError` with the console's words if it refuses."""
        return self._ask(path)

    def post(self, page: str, path: str, form: dict[str, str]) -> None:
        """Send a form of the page `page` to `path`; raises as `get` does."""
        self._ask(path, {**form, "csrf": _token(self._ask(page))})

    def step(self, name: str, step: Step) -> Any:
        """Bring an order on; what it is then: `state`, `lines`, `outcomes`."""
        if step is not Step.SHOW:
            self._order(name)
            token = _token(self._ask(f"/operator/commands/{name}"))
            self._ask(f"/operator/commands/{name}/{step.value}", {"csrf": token})
        return self._order(name)

    def approve(self, name: str, passkey: PasskeyFile) -> list[str]:
        """Sign the order's exact list; its commands in words. Raises `SecurityError` if it is refused."""
        order = self._order(name)
        commands = decode_all(codec_of(CommandList), octets_of(order["commands"]))
        form = signed(passkey.consent(commands.approval_challenge()))
        token = _token(self._ask(f"/operator/commands/{name}"))
        self._ask(f"/operator/commands/{name}/approve", {**form, "csrf": token})
        lines: list[str] = order["lines"]
        return lines

    @property
    def party(self) -> RelyingParty:
        """The console as passkeys know it."""
        return RelyingParty(urlsplit(self._base).hostname or "", (self._base,))

    def register(self, invitation: str, passkey: PasskeyFile) -> str:
        """Put a passkey on the lists of authority and guard; its id. Raises `SecurityError` if it is refused."""
        attestation, client_data = passkey.authenticator.registration(registration_challenge(invitation))
        form = {"invitation": invitation, "attestation": text_of(attestation), "client_data": text_of(client_data)}
        token = _token(self._ask("/operator/passkeys"))
        identity = passkey.authenticator.passkey.credential_id.hex()
        if identity not in self._ask("/operator/passkeys", {**form, "csrf": token}):
            raise SecurityError("the authority does not show the passkey that was registered: it counts for nothing")
        return identity

    def _order(self, name: str) -> Any:
        if not re.fullmatch("[0-9a-f]{32}", name):
            raise SettingError(f"{name!r} is no order's name: 32 digits and letters a to f")
        return json.loads(self._ask(f"/operator/commands/{name}/challenge"))

    def _ask(self, path: str, form: dict[str, str] | None = None) -> str:
        data = None if form is None else urlencode(form).encode()
        request = Request(self._base + path, data, {"Origin": self._base})  # noqa: S310 - https, as checked
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                text: str = answer.read(PAGE_BYTES_MAX).decode()
                return text
        except HTTPError as error:
            raise SecurityError(f"the console answered {error.code}: {_words(error.read(PAGE_BYTES_MAX))}") from None
        except (URLError, OSError) as error:
            raise ConnectFailed(f"no console at {self._base}: {getattr(error, 'reason', error)}") from None


def _token(page: str) -> str:
    """The session's token, as every form of a page carries it; before the log-in that of the form alone."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    return found.group(1) if found else ""


def _words(page: bytes) -> str:
    """The text of an error page's main part, in one line."""
    main = page.decode(errors="replace").partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", main).split())[:300]


def text_of(octets: bytes) -> str:
    """As WebAuthn writes octets: base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets_of(text: str) -> bytes:
    """The octets in such a text."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed(assertion: Assertion) -> dict[str, str]:
    """What a passkey has signed, as the fields of a form."""
    return {field: text_of(value) for field, value in assertion._asdict().items()}
