"""Authority, guard and witness, each a process of its own: its keys, its log, its people, one port for the back office.

They open no connection. Who may connect is whoever holds the certificate of operations or of the pages; what is asked
they judge by signatures of people and of the authority, never by who brings it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from openami.app.installation import Installation
from openami.app.people_answers import PasskeysOf, PeopleAnswers
from openami.app.people_file import PeopleFile
from openami.app.places import feeder, protected_titles, read_places, recipients
from openami.app.records import open_log
from openami.app.sealing_keys import (
    AGREEMENT_LABEL,
    GUARD_TITLE,
    ROLES,
    SigningRole,
    ed25519_key,
    open_sealing_keys,
    signing_role,
)
from openami.app.settings import address
from openami.app.time_sources import time_sources
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
from openami.backoffice.guard.network import Network
from openami.backoffice.guard.people import GuardPeople
from openami.io.blocking import Executed
from openami.io.clock import Clock
from openami.io.disk import SystemDisk
from openami.io.keystore.tls import Certificate, client_context, server_context
from openami.io.links.asking import serve_asking
from openami.io.links.link import Link
from openami.io.links.tcp import Server, TcpLink, connect_tcp, serve_tcp
from openami.model.errors import SettingError
from openami.protocols.dlms.asymmetric import decode_point
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.closing import GuardSeal
from openami.protocols.seal.keys import Authority as TrustedAuthority
from openami.protocols.seal.passkey import RelyingParty
from openami.protocols.seal.roles import Role
from openami.protocols.zones.inner_message import (
    InnerAnswer,
    PeopleRequest,
    decode_authority_request,
    decode_guard_request,
    decode_witness_request,
)

LOG = logging.getLogger(__name__)
CALLERS = ("operations", "portal")
"""Whose certificates may ask the inner parts."""
_EVERY_ROLE = frozenset(Role)
_Request = TypeVar("_Request", bound=Struct)
_Asked = TypeVar("_Asked")


@asynccontextmanager
async def run_authority(installation: Installation, clock: Clock) -> AsyncIterator[Server]:
    """The authority: its port is open while the context is."""
    settings, name = installation.settings.authority, installation.settings.portal.name
    with ExitStack() as stack:
        keys = open_sealing_keys(installation, settings.keys, settings.passphrase_file)
        log = open_log(stack, installation, settings.records, f"{name}/authority")
        persons = {one: Person(one, _EVERY_ROLE, _EVERY_ROLE) for one in settings.operators}
        people = PeopleFile(installation.path(settings.people), SystemDisk())
        party = console_party(installation, settings.origins)
        roles = [signing_role(one) for one in settings.roles]
        authority = Authority(
            [SigningKey(one.role, one.title, keys.signer(one.label)) for one in roles],
            People(party, persons, people.passkeys),
            Policy(lambda meter: meter in protected_titles(installation, settings.protected)),
            log,
            clock.time,
            secrets.token_bytes,
        )
        answers = AuthorityAnswers(authority, log, ed25519_key(installation.path(settings.records) / "log.key"))
        answer = beside_people(people, party, answers.answer)
        async with serving(
            installation,
            settings.listen,
            settings.certificate,
            decode_authority_request,
            one_at_a_time(stack, answer),
            clock,
        ) as server:
            yield server


@asynccontextmanager
async def run_guard(installation: Installation, clock: Clock) -> AsyncIterator[Server]:
    """The guard: its port is open while the context is."""
    settings, name = installation.settings.guard, installation.settings.portal.name
    with ExitStack() as stack:
        keys = open_sealing_keys(installation, settings.keys, settings.passphrase_file)
        log = open_log(stack, installation, settings.records, f"{name}/guard")
        people = PeopleFile(installation.path(settings.people), SystemDisk())
        party = console_party(installation, settings.origins)
        places, points = read_places(installation.path(settings.places))
        guard = Guard(
            GuardSeal(GUARD_TITLE, keys.agreement(AGREEMENT_LABEL)),
            trusted_authorities(settings.authority_key, settings.custodian_key),
            recipients(installation, keys, points),
            Network(places, dict(feeder(entry) for entry in settings.feeders)),
            GuardPeople(party, PasskeysOf(people.passkeys, settings.planners), people.passkeys),
            log,
            time_sources(clock, settings.clocks),
        )
        answers = GuardAnswers(guard, log, ed25519_key(installation.path(settings.records) / "log.key"))
        answer = beside_people(people, party, answers.answer)
        async with serving(
            installation,
            settings.listen,
            settings.certificate,
            decode_guard_request,
            one_at_a_time(stack, answer),
            clock,
        ) as server:
            yield server


@asynccontextmanager
async def run_witness(installation: Installation, clock: Clock) -> AsyncIterator[Server]:
    """The witness: its port is open while the context is."""
    settings = installation.settings.witness
    witness = Witness(
        settings.name,
        ed25519_key(installation.path(settings.key)),
        dict(log_key(entry, "witness.logs") for entry in settings.logs),
        installation.path(settings.heads),
        disk=SystemDisk(),
        clock=clock.time,
    )
    with ExitStack() as stack:
        answer = one_at_a_time(stack, partial(answer_as_witness, witness))
        async with serving(
            installation, settings.listen, settings.certificate, decode_witness_request, answer, clock
        ) as server:
            yield server


def beside_people(
    people: PeopleFile, party: RelyingParty, answer: Callable[[_Asked], InnerAnswer]
) -> Callable[[_Asked | PeopleRequest], InnerAnswer]:
    """Requests about people are answered from their file, which is read anew before `answer` gives any other answer."""
    listed = PeopleAnswers(people, party)

    def answered(request: _Asked | PeopleRequest) -> InnerAnswer:
        if isinstance(request, PeopleRequest):
            return listed.answer(request)
        people.refresh()
        return answer(request)

    return answered


def one_at_a_time(stack: ExitStack, answer: Callable[[_Request], Struct]) -> Callable[[_Request], Awaitable[Struct]]:
    """What takes a disk's time is answered on one thread, one request after the other."""
    blocking = Executed(stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="answers")))
    return lambda request: blocking(answer, request)


@asynccontextmanager
async def serving(
    installation: Installation,
    listen: str,
    certificate: str,
    decode: Callable[[bytes], _Request],
    answer: Callable[[_Request], Awaitable[Struct]],
    clock: Clock,
    callers: Sequence[str] = CALLERS,
) -> AsyncIterator[Server]:
    """One port, open while the context is; only the `callers` may ask."""
    host, port = address(listen, "listen")
    own, trust = installation.path(certificate), installation.path(installation.settings.zones.authority)
    tls = server_context(Certificate(own, own, trust), clients=True)
    names = [f"{caller}.{installation.settings.portal.name}" for caller in callers]

    async def serve(link: Link) -> None:
        if not isinstance(link, TcpLink) or _name_of(link) not in names:
            LOG.warning("%s is not %s: not answered", link.peer, " or ".join(names))
            await link.close()
            return
        await serve_asking(link, decode, answer, clock)

    server = await serve_tcp(serve, host, port, tls=tls, connections_max=64)
    try:
        yield server
    finally:
        await server.close()


def inner_part(installation: Installation, own: Certificate, part: str, where: str) -> Callable[[], Awaitable[Link]]:
    """How whoever has the certificate `own` connects to an inner part at `where` (host:port)."""
    host, port = address(where, f"where the {part} is asked")
    context = client_context(own.authority, own)
    name = f"{part}.{installation.settings.portal.name}"

    async def connect() -> Link:
        return await connect_tcp(host, port, tls=context, server_name=name)

    return connect


def _name_of(link: TcpLink) -> str:
    subject = (link.peer_certificate or {}).get("subject", ())
    names = [value for part in subject for name, value in part if name == "commonName"]
    return str(names[0]) if len(names) == 1 else ""


def console_party(installation: Installation, origins: tuple[str, ...]) -> RelyingParty:
    """The console that passkeys are made for; where a setting names no addresses, the pages' own."""
    portal = installation.settings.portal
    port = address(portal.listen, "portal.listen")[1]
    return RelyingParty(portal.name, origins or (f"https://{portal.name}", f"https://{portal.name}:{port}"))


def trusted_authorities(operator: str, custodian: str) -> dict[bytes, TrustedAuthority]:
    """The authority's keys that the guard, and meters, trust: x and y in hexadecimal; the custodian's may be empty."""
    if not operator:
        raise SettingError("guard.authority_key is empty; print it with: openami pki public authority")
    given = {Role.NETWORK_OPERATOR: operator, Role.KEY_CUSTODIAN: custodian}
    return {one.title: _trusted(one, given[one.role]) for one in ROLES if given[one.role]}


def _trusted(one: SigningRole, text: str) -> TrustedAuthority:
    return TrustedAuthority(one.title, one.role, decode_point(bytes.fromhex(text), SecuritySuite.SUITE_1))


def log_key(entry: str, setting: str) -> tuple[str, LogKey]:
    """ORIGIN=key of a setting; raises `SettingError` that names it."""
    origin, _, key = entry.rpartition("=")
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise SettingError(f"{setting} holds {entry!r}; write ORIGIN=64 hex digits") from error
    return origin, LogKey(origin, public)
