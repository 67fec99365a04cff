"""The borders between zones: bytes that never end, that come one by one, and certificates that are not good."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from warnings import catch_warnings, simplefilter

from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.app.drills.world import DAY_S, octets_of
from openami.io.keystore import tls
from openami.io.keystore.tls import Certificate, issue, make_authority
from openami.protocols.zones import collector_connection, connection
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorRole
from openami.protocols.zones.collector_message import VERSION, Hello, Ping, Welcome, encode_collector_message
from openami.protocols.zones.connection import Ended, Role, ZoneConnection
from openami.protocols.zones.message import AskStatus

HEAD_END = "HES DMZ host"
COLLECTOR = "collector"
WAN = "WAN man in the middle"
OFFICE, HEADEND = "office.openami.localhost", "headend.openami.localhost"
HELD_MAX: Final = 5 << 20
ENDLESS: Final = bytes(1 << 16)
_LOAD_OWN = tls._load_own


def _ended(core: ZoneConnection | CollectorConnection) -> bool:
    while (event := core.next_event()) is not None:
        if isinstance(event, Ended):
            return True
    return False


def _swallowed(core: ZoneConnection | CollectorConnection, start: bytes) -> int:
    """How many bytes are taken behind `start` before the connection is ended."""
    core.receive(start, 0.0)
    taken = 0
    while not _ended(core):
        core.receive(ENDLESS, 0.0)
        taken += len(ENDLESS)
        if taken > 2 * HELD_MAX:
            raise Fallen(f"{taken} bytes of one frame are held in memory")
    return taken


@drill("A066", HEAD_END, Removal(connection, "FRAME_BYTES_MAX", 1 << 40))
def the_spool_answers_without_end() -> None:
    """A frame that claims gigabytes is refused when its length is read; bytes that mean nothing end the connection."""
    for claimed in (b"\xff\xff\xff\xff", b"\x7f\x00\x00\x00"):
        core = ZoneConnection(Role.BACK_OFFICE)
        core.send(AskStatus(), 0.0)
        stands(_swallowed(core, claimed) <= HELD_MAX, "the puller holds what it is sent")


@drill(
    "A042",
    COLLECTOR,
    Removal(collector_connection, "FRAME_BYTES_MAX", 1 << 40),
    Removal(collector_connection, "GREETING_BYTES_MAX", 1 << 40),
)
def a_collector_sends_what_no_collector_sends() -> None:
    """Two thousand beginnings by chance end their own connection at most; frames without end are cut off."""
    for number in range(2000):
        core = CollectorConnection(CollectorRole.HEADEND, 0.0)
        core.receive(octets_of(f"chance {number}", 4 + number % 28), 0.0)
        _ended(core)
    for claimed in (b"\xff\xff\xff\xff", b"\x00\x10\x00\x01"):
        taken = _swallowed(CollectorConnection(CollectorRole.HEADEND, 0.0), claimed)
        stands(taken <= HELD_MAX, "the head-end holds what it is sent")


@drill(
    "A055",
    WAN,
    Removal(ZoneConnection, "handle_timeout", ignored),
    Removal(CollectorConnection, "handle_timeout", ignored),
)
def a_client_sends_one_byte_every_ten_seconds() -> None:
    """A frame that trickles in gets no more time with each byte: its place is free again within two minutes."""
    office = ZoneConnection(Role.HEADEND)
    office.begin(0.0)
    for core in (office, CollectorConnection(CollectorRole.HEADEND, 0.0)):
        stands(any(_trickles(core, step * 10.0) for step in range(1, 13)), "a slow client keeps its place for ever")


def _trickles(core: ZoneConnection | CollectorConnection, now: float) -> bool:
    core.receive(b"\x00" if now <= 30.0 else b"\x10", now)
    core.handle_timeout(now)
    return _ended(core)


@drill("A049", WAN, Removal(collector_connection, "LIFETIME_S", float("inf")))
def a_connection_is_kept_alive_for_ever() -> None:
    """Signs of life come all the time: after two days either side ends it, and TLS begins anew, with certificates."""
    for role in CollectorRole:
        core, now = _greeted(role), 0.0
        while not core.ended and now < 3 * DAY_S:
            now = core.next_timeout() or now
            core.handle_timeout(now)
            core.receive(_PING, now)
        stands(core.ended, "a session of TLS outlives three days")
        stands(now >= DAY_S, "a session of TLS does not live for a day")


def _greeted(role: CollectorRole) -> CollectorConnection:
    core = CollectorConnection(role, 0.0)
    hello, welcome = Hello(VERSION, "", []), Welcome(0.0, [], 1 << 16)
    ours, theirs = (hello, welcome) if role is CollectorRole.COLLECTOR else (welcome, hello)
    if role is CollectorRole.COLLECTOR:
        core.send(ours, 0.0)
    core.receive(_framed(theirs), 0.0)
    if role is CollectorRole.HEADEND:
        core.send(ours, 0.0)
    return core


def _framed(message: Hello | Welcome | Ping) -> bytes:
    raw = encode_collector_message(message)
    return len(raw).to_bytes(4, "big") + raw


_PING: Final = _framed(Ping())


# TLS


def _shake(client: ssl.SSLContext, server: ssl.SSLContext, name: str = HEADEND) -> bool:
    """Whether both sides end the handshake, in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(down, up, server_hostname=name),
        server.wrap_bio(up, down, server_side=True),
    )
    try:
        for _ in range(6):
            done = [_step(end.do_handshake) for end in ends]
        if not all(done):
            return False
        ends[1].write(b"x")  # with TLS 1.3 the server judges the client's certificate after the client has ended
        ends[0].read(1)
    except ssl.SSLError:
        return False
    return True


def _step(do: Callable[[], None]) -> bool:
    try:
        do()
    except ssl.SSLWantReadError:
        return False
    return True


def _good(folder: Path, now: datetime) -> tuple[Certificate, Certificate, Certificate]:
    authority = make_authority(folder / "authority", now)
    server = issue(authority, folder / "server", HEADEND, now, server=True)
    client = issue(authority, folder / "client", OFFICE, now, server=False)
    return authority, server, client


def _everybody(context: ssl.SSLContext, _authority: Path) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


@drill("A048", WAN, Removal(tls, "_trust", _everybody))
def certificates_that_are_not_good() -> None:
    """Of another authority, out of date, for another name, for another purpose, or none: on either side."""
    now = datetime.now(UTC)
    with TemporaryDirectory() as place:
        folder = Path(place)
        authority, server, client = _good(folder, now)
        other = make_authority(folder / "other", now)
        old = now - timedelta(days=500)
        servers = {
            "of another authority": issue(other, folder / "s1", HEADEND, now, server=True),
            "out of date": issue(authority, folder / "s2", HEADEND, old, server=True),
            "for another name": issue(authority, folder / "s3", OFFICE, now, server=True),
            "for clients": issue(authority, folder / "s4", HEADEND, now, server=False),
        }
        clients = {
            "of another authority": issue(other, folder / "c1", OFFICE, now, server=False),
            "out of date": issue(authority, folder / "c2", OFFICE, old, server=False),
            "for servers": issue(authority, folder / "c3", OFFICE, now, server=True),
            "that is none": None,
        }
        mine = tls.client_context(authority.certificate, client)
        theirs = tls.server_context(server, clients=True)
        stands(_shake(mine, theirs), "good certificates are refused")
        for what, bad in servers.items():
            stands(not _shake(mine, tls.server_context(_under(bad, authority), clients=True)), f"server: {what}")
        for what, own in clients.items():
            stands(not _shake(tls.client_context(authority.certificate, own), theirs), f"client: {what}")


def _under(certificate: Certificate, authority: Certificate) -> Certificate:
    return Certificate(certificate.certificate, certificate.key, authority.certificate)


def _of_long_ago(context: ssl.SSLContext, own: Certificate) -> None:
    _LOAD_OWN(context, own)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")


@drill("A047", WAN, Removal(tls, "_load_own", _of_long_ago))
def an_old_client_wants_an_old_tls() -> None:
    """TLS 1.0 and 1.1, and in TLS 1.2 what has no forward secrecy or rests on SHA-1."""
    now = datetime.now(UTC)
    with TemporaryDirectory() as place:
        authority, server, _ = _good(Path(place), now)
        theirs = tls.server_context(server)
        stands(_shake(_old(authority, ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM"), theirs), "TLS 1.2 is refused")
        for version, ciphers in (
            (ssl.TLSVersion.TLSv1, "ALL"),
            (ssl.TLSVersion.TLSv1_1, "ALL"),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"),
            (ssl.TLSVersion.TLSv1_2, "AES128-SHA256"),
            (ssl.TLSVersion.TLSv1_2, "AES128-SHA"),
        ):
            client = _old(authority, version, ciphers)
            stands(not _shake(client, theirs), f"{version.name} with {ciphers} is spoken")


def _old(authority: Certificate, version: ssl.TLSVersion, ciphers: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with catch_warnings():
        simplefilter("ignore")  # that it is old is the point
        context.minimum_version = context.maximum_version = version
    return context
