"""A portal in memory with two consumers and an operator, and a browser that sends what it is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from litestar.types import ASGIApp

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.operations import Operations
from openami.backoffice.registry.registry import Registry
from openami.field.meter.push_queue import random_of
from openami.io.clock import SystemClock
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.links.link import Link
from openami.io.store.engine import Store
from openami.model.errors import ConnectFailed
from openami.model.quality import GuaranteeClass
from openami.portal.accounts import Role
from openami.portal.api.tokens import Tokens
from openami.portal.app import Portal, accounts_of, make_portal
from openami.portal.settings import PortalSettings
from openami.simulation.disk import FaultDisk

HOST: Final = "openami.localhost"
PASSWORD: Final = "drilled password"
FORMULA: Final = '=HYPERLINK("x")<script>alert(1)</script>'
START: Final = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, cookies that were set, and the text."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    text: str


class Browser:
    """Keeps cookies and follows nothing; `origin` is what it says where a form came from."""

    def __init__(self, portal: Portal, address: str = "192.0.2.1") -> None:
        self._portal = portal
        self._address = address
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **changes: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, b"", changes)

    def post(self, path: str, form: dict[str, str], **changes: str) -> Answer:
        """Send a form."""
        return self._ask("POST", path, urlencode(form).encode(), changes)

    def log_in(self, login: str, password: str = PASSWORD) -> Answer:
        """Fill in the log-in form."""
        return self.post("/login", {"csrf": csrf_of(self.get("/login")), "login": login, "password": password})

    def _ask(self, method: str, path: str, body: bytes, changes: dict[str, str]) -> Answer:
        headers = {
            "host": HOST,
            "origin": f"https://{HOST}",
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **changes,
        }
        bare, _, query = path.partition("?")
        scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": bare,
            "raw_path": bare.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
            "client": (self._address, 50_000),
            "server": (HOST, 443),
            "state": {},
        }
        answer = asyncio.run(_exchange(self._portal, scope, body))
        self.cookies.update(answer.cookies)
        return answer


async def _exchange(portal: ASGIApp, scope: Any, body: bytes) -> Answer:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await portal(scope, receive, send)
    pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    cookies = dict(value.partition(";")[0].split("=", 1) for name, value in pairs if name == "set-cookie")
    text = b"".join(one.get("body", b"") for one in sent[1:]).decode(errors="replace")
    return Answer(sent[0]["status"], dict(pairs), cookies, text)


def plain_answer(application: Any, host: str, path: str) -> Answer:
    """What the port of plain HTTP says to a GET."""
    bare, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": bare,
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", host.encode())],
    }
    return asyncio.run(_exchange(application, scope, b""))


def csrf_of(page: Answer) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    return found.group(1) if found else ""


@contextmanager
def open_portal(**settings: Any) -> Iterator[Portal]:
    """Anna at point 1, Bert at point 2 (his name is a formula and a script), and an operator."""
    structlog.configure(processors=[_silent])
    with TemporaryDirectory(prefix="openami-drill-") as folder:
        file = Path(folder) / "drill.sqlite"
        file.write_bytes(_empty_store())
        store = Store(f"sqlite:///{file}")
        try:
            yield _make(store, settings)
        finally:
            store.close()
            structlog.reset_defaults()


@cache
def _empty_store() -> bytes:
    """The file of a store without rows: made once, copied for each drill."""
    with TemporaryDirectory(prefix="openami-drill-") as folder:
        file = Path(folder) / "empty.sqlite"
        store = Store(f"sqlite:///{file}")
        store.upgrade()
        store.close()
        return file.read_bytes()


def _silent(*_arguments: object) -> Any:
    raise structlog.DropEvent


def tokens_of(portal: Portal) -> Tokens:
    """The tokens of the portal's interface, to make and withdraw some."""
    return Tokens(portal.state.store)


def _make(store: Store, settings: dict[str, Any]) -> Portal:
    registry, clock, random = Registry(store), SystemClock(), random_of(b"portal")
    mdm = Mdm(store, registry)

    async def nobody() -> Link:
        raise ConnectFailed("there is no head-end")

    keystore = FileKeystore(Path("keys"), "passphrase", disk=FaultDisk(), random=random, scrypt_log2_n=4)
    counters = CounterFile(Path("counters"), disk=FaultDisk())
    operations = Operations(store, registry, mdm, HeadendClient(nobody, clock), keystore, counters, clock, random)
    made = PortalSettings(scrypt_log2_n=12, **settings)
    portal = make_portal(registry, mdm, operations, store, made, clock)
    portal.state.store = store
    accounts = accounts_of(portal)
    for number, name in enumerate(("Anna", FORMULA), 1):
        point = registry.add_point(f"P{number}", f"{number} Mill Lane", "Europe/London")
        meter = registry.add_meter(
            f"SN{number}", b"OAM" + bytes(4) + bytes((number,)), GuaranteeClass.SHARED_KEYS, None
        )
        registry.install(meter.id, point.id, START)
        consumer = registry.add_consumer(name)
        registry.supply(consumer.id, point.id, START)
        accounts.add(("anna", "bert")[number - 1], PASSWORD, Role.CONSUMER, consumer.id)
    accounts.add("operator", PASSWORD, Role.OPERATOR)
    return portal
