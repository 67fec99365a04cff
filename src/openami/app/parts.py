"""The parts of an installation, each started by itself or all in one process, with the same borders between them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from openami.app.continuity import chosen_headend
from openami.app.deciders import over
from openami.app.inner_zones import inner_part, serving
from openami.app.installation import Installation
from openami.app.operations_away import KeysAway, OperationsAway
from openami.app.privacy_terms import terms_of
from openami.app.settings import address
from openami.backoffice.audit.entry import Audit
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.answering import OperationsAnswers
from openami.backoffice.operations.headend_client import HeadendClient
from openami.backoffice.operations.key_orders import KeyOrders
from openami.backoffice.operations.operations import Operations
from openami.backoffice.operations.settings import OperationsSettings
from openami.backoffice.registry.registry import Registry
from openami.headend.collector_session import Allowance
from openami.headend.dialling import Cell
from openami.headend.headend import Headend
from openami.headend.settings import HeadendSettings
from openami.io.blocking import Executed
from openami.io.clock import Clock
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.deny_list import DenyList
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.tls import client_context, server_context
from openami.io.links.link import Link
from openami.io.links.tcp import Server, connect_tcp
from openami.io.spool.open_spool import open_spool
from openami.io.store.engine import Store
from openami.portal.app import make_portal
from openami.portal.critical import CriticalCommands
from openami.portal.serving import Serving, serve_portal
from openami.portal.settings import PortalSettings
from openami.protocols.zones.operations_message import decode_operations_answer, decode_operations_request

LOG = logging.getLogger(__name__)
DENY_EVERY_S = 60.0
PATIENCE_S = 150.0
"""How long pages wait for operations, which may wait for a meter."""


@dataclass(frozen=True, slots=True)
class BackOffice:
    """The rooms of the back office over one store and one keystore."""

    store: Store
    keystore: FileKeystore
    registry: Registry
    mdm: Mdm
    operations: Operations


@dataclass(frozen=True, slots=True)
class PagesOffice:
    """The rooms of the back office as pages see them that are a process of their own: no keystore, no counter."""

    store: Store
    registry: Registry
    mdm: Mdm
    operations: OperationsAway
    keys: KeysAway


@asynccontextmanager
async def run_headend(installation: Installation, clock: Clock) -> AsyncIterator[Headend]:
    """The relay of the DMZ: its ports are open while the context is."""
    settings = installation.settings.headend
    host, port = address(settings.listen, "headend.listen")
    push_host, push_port = address(settings.push_listen, "headend.push_listen")
    spool = open_spool(
        settings.spool,
        installation.folder,
        disk=SystemDisk(),
        random=secrets.token_bytes,
        limit_bytes=settings.spool_bytes,
        replicas=settings.spool_replicas,
    )
    collectors = _collectors(installation)
    with ThreadPoolExecutor(1, thread_name_prefix="spool") as executor:
        headend = Headend(
            HeadendSettings(
                host=host,
                port=port,
                tls=server_context(installation.headend_certificate(), clients=True),
                networks=settings.networks,
                circuits_max=settings.circuits,
                cells=tuple(Cell.parse(text) for text in settings.cells),
                push_host=push_host,
                push_port=push_port,
                collector_host=collectors.host,
                collector_port=collectors.port,
                collector_tls=collectors.tls,
                allowance=Allowance(
                    bytes_per_s=settings.collector_bytes_per_s, circuits_max=settings.collector_circuits
                ),
            ),
            clock,
            spool,
            blocking=Executed(executor),
            uploads=collectors.uploads,
            denied=collectors.denied,
        )
        shedding = asyncio.create_task(_shed_denied(headend, collectors))
        try:
            await headend.start()
            yield headend
        finally:
            shedding.cancel()
            await headend.close()
            spool.close()
            if collectors.uploads is not None:
                collectors.uploads.close()


@dataclass(frozen=True, slots=True)
class _Collectors:
    """What the head-end needs to let collectors call in; nothing if they may not."""

    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    uploads: CounterFile | None = None
    deny_list: DenyList | None = None

    def denied(self, serial: int) -> bool:
        return self.deny_list is not None and self.deny_list.denied(serial)


def _collectors(installation: Installation) -> _Collectors:
    settings = installation.settings.headend
    if not settings.collector_listen:
        return _Collectors()
    host, port = address(settings.collector_listen, "headend.collector_listen")
    own = replace(installation.headend_certificate(), authority=installation.path(settings.collector_authority))
    context = server_context(own, clients=True)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the authority for services is trusted, not all of its root
    return _Collectors(
        host,
        port,
        context,
        CounterFile(installation.path(settings.collector_uploads), disk=SystemDisk()),
        DenyList(installation.path(settings.collector_deny_list), own.authority),
    )


async def _shed_denied(headend: Headend, collectors: _Collectors) -> None:
    """Look at the deny list each minute; whose certificate is on it is cut off."""
    while collectors.deny_list is not None:
        await asyncio.sleep(DENY_EVERY_S)
        collectors.deny_list.refresh()
        if collectors.deny_list.error:
            LOG.error("%s", collectors.deny_list.error)
        await headend.shed_denied()


@asynccontextmanager
async def open_back_office(
    installation: Installation, clock: Clock, headend: str, settings: OperationsSettings | None = None
) -> AsyncIterator[BackOffice]:
    """Registry, metering data management and operations; nothing runs by itself yet. `headend` is host:port."""
    store, keystore, counters = installation.open_store(), installation.open_keystore(), installation.open_counters()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    with ThreadPoolExecutor(1, thread_name_prefix="store") as executor:
        operations = Operations(
            store,
            registry,
            mdm,
            headend_client(installation, headend, clock),
            keystore,
            counters,
            clock,
            secrets.token_bytes,
            Executed(executor),
            settings or operations_settings(installation),
        )
        try:
            yield BackOffice(store, keystore, registry, mdm, operations)
        finally:
            counters.close()
            store.close()


@asynccontextmanager
async def running(operations: Operations) -> AsyncIterator[None]:
    """The scheduler runs while the context is open; if it fails, so does the context."""
    scheduler = asyncio.create_task(operations.run())
    try:
        yield
    finally:
        scheduler.cancel()
        with suppress(asyncio.CancelledError):
            await scheduler


@asynccontextmanager
async def key_orders(installation: Installation, office: BackOffice, clock: Clock) -> AsyncIterator[KeyOrders]:
    """New keys for meters of the two-seal class; the store of pending keys is opened when it is first needed."""
    with ThreadPoolExecutor(1, thread_name_prefix="keys") as executor:
        yield KeyOrders(
            office.registry,
            office.operations.sessions,
            office.keystore,
            installation.open_pending_keys,
            clock,
            secrets.token_bytes,
            Executed(executor),
        )


@asynccontextmanager
async def run_operations_port(
    installation: Installation, office: BackOffice, keys: KeyOrders, clock: Clock
) -> AsyncIterator[Server]:
    """Where pages that are a process of their own ask operations; nobody else may."""
    settings = installation.settings.operations
    answer = OperationsAnswers(office.operations, keys).answer
    async with serving(
        installation, settings.listen, settings.certificate, decode_operations_request, answer, clock, ("portal",)
    ) as server:
        yield server


@asynccontextmanager
async def open_pages(installation: Installation, clock: Clock) -> AsyncIterator[PagesOffice]:
    """What the pages need where they are a process of their own: the store, and a way to operations."""
    store = installation.open_store()
    registry = Registry(store)
    where = installation.settings.portal.operations
    connect = inner_part(installation, installation.portal_certificate(), "operations", where)
    asked = over("operations", connect, clock, decode_operations_answer, PATIENCE_S)
    try:
        away = OperationsAway(store, asked, clock)
        yield PagesOffice(store, registry, Mdm(store, registry), away, KeysAway(asked))
    finally:
        store.close()


@asynccontextmanager
async def run_portal(
    installation: Installation,
    office: BackOffice | PagesOffice,
    clock: Clock,
    *,
    notice: str = "",
    late_after_s: int = 26 * 3600,
    critical: CriticalCommands | None = None,
    audit: Audit | None = None,
) -> AsyncIterator[Serving]:
    """The pages, over TLS. Who looked at personal data is entered in `audit`."""
    settings = installation.settings.portal
    listen, port = address(settings.listen, "portal.listen")
    pages = PortalSettings(
        hosts=(settings.name,),
        listen=listen,
        port=port,
        certificate=installation.path(settings.certificate),
        key=installation.path(settings.key),
        authority=installation.path(installation.settings.zones.authority),
        hsts_max_age_s=settings.hsts_max_age_s,
        notice=notice,
        late_after_s=late_after_s,
    )
    portal = make_portal(
        office.registry,
        office.mdm,
        office.operations,
        office.store,
        pages,
        clock,
        critical=critical,
        audit=audit,
        terms=terms_of(installation.settings),
    )
    serving = await serve_portal(portal, pages)
    try:
        yield serving
    finally:
        await serving.stop()


def operations_settings(installation: Installation) -> OperationsSettings:
    """Operations as the configuration file says."""
    settings = installation.settings.operations
    return OperationsSettings(
        concurrency=settings.concurrency, attempts=settings.attempts, push_every_s=settings.push_every_s
    )


def headend_client(installation: Installation, headend: str, clock: Clock) -> HeadendClient:
    """Connections go to the head-end's address, but its certificate must carry the name that we know it by.

    Which head-end that is a person may change at any time: each connection looks.
    """
    address(headend, "operations.headend")
    own = installation.operations_certificate()
    context = client_context(own.authority, own)
    name = f"headend.{installation.settings.portal.name}"

    async def connect() -> Link:
        host, port = address(chosen_headend(installation, headend), "operations.headend")
        return await connect_tcp(host, port, tls=context, server_name=name)

    return HeadendClient(connect, clock)
