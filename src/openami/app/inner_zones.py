"""Authority, guard and witness, each a process of its own: its keys, its log, its people, one port for the back office.

They open no connection. Who may connect is whoever holds the certificate of operations; what is asked they judge by
signatures of people and of the authority, never by who brings it.
"""

from __future__ import annotations

import csv
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openami.app.installation import Installation
from openami.app.people_file import PeopleFile
from openami.app.records import open_log
from openami.app.settings import address
from openami.backoffice.audit.answering import answer_as_witness
from openami.backoffice.audit.note import LogKey
from openami.backoffice.audit.witness import Witness
from openami.backoffice.authority.answering import AuthorityAnswers
from openami.backoffice.authority.authority import Authority
from openami.backoffice.authority.people import People, Person
from openami.backoffice.authority.policy import Policy
from openami.backoffice.authority.signing import SigningKey
from openami.backoffice.guard.answering import GuardAnswers
from openami.backoffice.guard.guard import Guard
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.people import GuardPeople
from openami.io.blocking import Executed
from openami.io.clock import Clock
from openami.io.disk import SystemDisk, write_whole
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.hsm import SCHEME, Hsm, parse_token
from openami.io.keystore.key_folder import KeyFolder
from openami.io.keystore.tls import Certificate, server_context
from openami.io.keystore.wrapped_keystore import WrappedKeystore
from openami.io.links.asking import serve_asking
from openami.io.links.link import Link
from openami.io.links.tcp import Server, TcpLink, serve_tcp
from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.asymmetric import PublicKey, decode_point
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.closing import GuardSeal, Recipient
from openami.protocols.seal.keys import Authority as TrustedAuthority
from openami.protocols.seal.passkey import RelyingParty
from openami.protocols.seal.roles import Role
from openami.protocols.zones.inner_message import (
    InnerAnswer,
    InnerRequest,
    decode_authority_request,
    decode_guard_request,
    decode_witness_request,
)

LOG = logging.getLogger(__name__)
AUTHORITY_TITLE: Final = b"OAM\x00\x00\x00\x01\x01"
GUARD_TITLE: Final = b"OAM\x00\x00\x00\x02\x01"
SIGNING_LABEL: Final = "network operator"
AGREEMENT_LABEL: Final = "guard"
WRAPPING_LABEL: Final = "meters"
_EVERY_ROLE: Final = frozenset(Role)
_Request = TypeVar("_Request", bound=InnerRequest)
SealingKeys = Hsm | KeyFolder


def open_sealing_keys(installation: Installation, keys: str, passphrase_file: str) -> SealingKeys:
    """The keys of authority or guard as a setting names them: a folder, or a token."""
    if keys.startswith(SCHEME):
        return Hsm(parse_token(keys, installation.folder), random=secrets.token_bytes)
    return KeyFolder(installation.path(keys), first_line(installation.path(passphrase_file)))


@asynccontextmanager
async def run_authority(installation: Installation, clock: Clock) -> AsyncIterator[Server]:
    """The authority: its port is open while the context is."""
    settings, name = installation.settings.authority, installation.settings.portal.name
    with ExitStack() as stack:
        keys = open_sealing_keys(installation, settings.keys, settings.passphrase_file)
        log = open_log(stack, installation, settings.records, f"{name}/authority")
        persons = {one: Person(one, _EVERY_ROLE, _EVERY_ROLE) for one in settings.operators}
        people = PeopleFile(installation.path(settings.people), SystemDisk())
        protected = _titles(installation, settings.protected)
        authority = Authority(
            (SigningKey(Role.NETWORK_OPERATOR, AUTHORITY_TITLE, keys.signer(SIGNING_LABEL)),),
            People(_party(name), persons, people.passkeys),
            Policy(lambda meter: meter in protected),
            log,
            clock.time,
            secrets.token_bytes,
        )
        answers = AuthorityAnswers(authority, log, ed25519_key(installation.path(settings.records) / "log.key"))
        server = await _serve(
            stack, installation, settings.listen, settings.certificate, decode_authority_request, answers.answer, clock
        )
        try:
            yield server
        finally:
            await server.close()


@asynccontextmanager
async def run_guard(installation: Installation, clock: Clock) -> AsyncIterator[Server]:
    """The guard: its port is open while the context is."""
    settings, name = installation.settings.guard, installation.settings.portal.name
    with ExitStack() as stack:
        keys = open_sealing_keys(installation, settings.keys, settings.passphrase_file)
        log = open_log(stack, installation, settings.records, f"{name}/guard")
        people = PeopleFile(installation.path(settings.people), SystemDisk())
        planners = {key: one for key, one in people.passkeys.items() if one.person in settings.planners}
        places, points = read_places(installation.path(settings.places))
        guard = Guard(
            GuardSeal(GUARD_TITLE, keys.agreement(AGREEMENT_LABEL)),
            {AUTHORITY_TITLE: _trusted(settings.authority_key)},
            _recipients(installation, keys, points),
            Network(places, dict(_feeder(entry) for entry in settings.feeders)),
            GuardPeople(_party(name), planners, people.passkeys),
            log,
            time_sources(clock),
        )
        answers = GuardAnswers(guard, log, ed25519_key(installation.path(settings.records) / "log.key"))
        server = await _serve(
            stack, installation, settings.listen, settings.certificate, decode_guard_request, answers.answer, clock
        )
        try:
            yield server
        finally:
            await server.close()


@asynccontextmanager
async def run_witness(installation: Installation, clock: Clock) -> AsyncIterator[Server]:
    """The witness: its port is open while the context is."""
    settings = installation.settings.witness
    witness = Witness(
        settings.name,
        ed25519_key(installation.path(settings.key)),
        dict(_log_key(entry) for entry in settings.logs),
        installation.path(settings.heads),
        disk=SystemDisk(),
        clock=clock.time,
    )
    with ExitStack() as stack:
        server = await _serve(
            stack,
            installation,
            settings.listen,
            settings.certificate,
            decode_witness_request,
            lambda request: answer_as_witness(witness, request),
            clock,
        )
        try:
            yield server
        finally:
            await server.close()


def time_sources(clock: Clock) -> tuple[Callable[[], float], ...]:
    """Three readings that a step of the system's clock sets apart: the clock, and two counters anchored at the start.

    Who moves the clock while the guard runs stops it. Who moves it before the guard starts is seen by the guard's own
    records only if he moves it back.
    """
    now, monotonic, boot = clock.time(), clock.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return (
        clock.time,
        lambda: now + clock.monotonic() - monotonic,
        lambda: now + time.clock_gettime(time.CLOCK_BOOTTIME) - boot,
    )


def read_places(file: Path) -> tuple[dict[bytes, Place], dict[bytes, PublicKey]]:
    """Where meters hang, and their public agreement keys. Raises `SettingError` that names the line.

    Columns: system_title, operator, feeder, transformer, power_w, protected (yes or empty), agreement (128 hex digits).
    """
    places: dict[bytes, Place] = {}
    points: dict[bytes, PublicKey] = {}
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text, strict=True)
        for row in reader:
            try:
                title = bytes.fromhex(row["system_title"])
                points[title] = decode_point(bytes.fromhex(row["agreement"]), SecuritySuite.SUITE_1)
                places[title] = Place(
                    row["operator"],
                    row["feeder"],
                    row["transformer"],
                    int(row["power_w"]),
                    protected=row["protected"] == "yes",
                )
            except (KeyError, TypeError, ValueError, SecurityError) as error:
                raise SettingError(f"{file}, line {reader.line_num}: {error}") from error
    return places, points


def ed25519_key(file: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in `file`, made if it is not there. Raises `SettingError`."""
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        write_whole(SystemDisk(), file, made.private_bytes(encoding, form, serialization.NoEncryption()))
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingError(f"{file} holds no Ed25519 key")
    return key


def first_line(file: Path) -> str:
    """The first line of a file that holds a secret; raises `SettingError`."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingError(f"{file}: {error.strerror}") from error
    if not lines or not lines[0]:
        raise SettingError(f"{file}: its first line is empty")
    return lines[0]


async def _serve(
    stack: ExitStack,
    installation: Installation,
    listen: str,
    certificate: str,
    decode: Callable[[bytes], _Request],
    answer: Callable[[_Request], InnerAnswer],
    clock: Clock,
) -> Server:
    """One port, one thread that answers, and only operations may ask."""
    host, port = address(listen, "listen")
    own, trust = installation.path(certificate), installation.path(installation.settings.zones.authority)
    tls = server_context(Certificate(own, own, trust), clients=True)
    executor = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="answers"))
    caller = f"operations.{installation.settings.portal.name}"

    async def serve(link: Link) -> None:
        if not isinstance(link, TcpLink) or _name_of(link) != caller:
            LOG.warning("%s is not %s: not answered", link.peer, caller)
            await link.close()
            return
        await serve_asking(link, decode, answer, clock, Executed(executor))

    return await serve_tcp(serve, host, port, tls=tls, connections_max=64)


def _name_of(link: TcpLink) -> str:
    subject = (link.peer_certificate or {}).get("subject", ())
    names = [value for part in subject for name, value in part if name == "commonName"]
    return str(names[0]) if len(names) == 1 else ""


def _recipients(
    installation: Installation, keys: SealingKeys, points: dict[bytes, PublicKey]
) -> Callable[[bytes], Recipient]:
    settings = installation.settings.guard
    path, disk = installation.path(settings.keystore), SystemDisk()
    store: WrappedKeystore | FileKeystore
    if isinstance(keys, Hsm):
        store = WrappedKeystore(path, keys.wrapping(WRAPPING_LABEL), disk=disk)
    else:
        passphrase = first_line(installation.path(settings.passphrase_file))
        store = FileKeystore(path, passphrase, disk=disk, random=secrets.token_bytes)

    def recipient(title: bytes) -> Recipient:
        if title not in points:
            raise SecurityError(f"meter {title.hex()} is not among the guard's places: nothing is sealed for it")
        return Recipient(title, points[title], store.meter_keys(title).authentication_key)

    return recipient


def _party(name: str) -> RelyingParty:
    return RelyingParty(name, (f"https://{name}",))


def _trusted(text: str) -> TrustedAuthority:
    if not text:
        raise SettingError("guard.authority_key is empty; print it with: openami pki public")
    public = decode_point(bytes.fromhex(text), SecuritySuite.SUITE_1)
    return TrustedAuthority(AUTHORITY_TITLE, Role.NETWORK_OPERATOR, public)


def _feeder(entry: str) -> tuple[str, int]:
    name, _, watts = entry.rpartition("=")
    if not name or not watts.isdecimal():
        raise SettingError(f"guard.feeders holds {entry!r}; write NAME=watts")
    return name, int(watts)


def _log_key(entry: str) -> tuple[str, LogKey]:
    origin, _, key = entry.rpartition("=")
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise SettingError(f"witness.logs holds {entry!r}; write ORIGIN=64 hex digits") from error
    return origin, LogKey(origin, public)


def _titles(installation: Installation, file: str) -> frozenset[bytes]:
    if not file:
        return frozenset()
    lines = installation.path(file).read_text(encoding="utf-8").split()
    return frozenset(bytes.fromhex(line) for line in lines)
