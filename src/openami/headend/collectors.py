"""The collectors that have called in, and the ways through them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from openami.headend.collector_session import Allowance, CollectorName, CollectorSession
from openami.headend.push_intake import PushIntake
from openami.headend.targets import Refused
from openami.headend.upload_positions import UploadPositions
from openami.io.clock import Clock
from openami.io.links.channels import ChannelRefused
from openami.io.links.link import Link
from openami.io.links.tcp import TcpLink
from openami.model.errors import LinkError, RemoteProtocolError, StoreError
from openami.protocols.zones.message import (
    COLLECTORS_MAX,
    AskCollectors,
    AskMeters,
    AskRoutes,
    ConnectedCollectors,
    Meters,
    RefusalCause,
    Routes,
    Triggered,
    TriggerPush,
)

LOG = logging.getLogger(__name__)
SCHEME = "collector://"
GROUPS_MAX = 20_000
Identify = Callable[[Link], CollectorName]


class CollectorTarget(NamedTuple):
    """A meter behind a collector, or behind any collector of a neighbourhood."""

    host: str
    address: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.host}/{self.address}"


def collector_target(link: str) -> CollectorTarget:
    """The parts of `collector://NAME/ADDRESS`; raises `Refused`."""
    name, slash, address = link.removeprefix(SCHEME).partition("/")
    if not link.startswith(SCHEME) or not name or not slash or not address:
        raise Refused(RefusalCause.BAD_ADDRESS, f"{link!r} is no address: write collector://NAME/ADDRESS")
    return CollectorTarget(name, address)


def certified(link: Link) -> CollectorName:
    """Who the TLS certificate says it is: common name and organizational unit. Raises `LinkError` if it says nothing.

    That an authority vouches for the certificate is TLS's business.
    """
    certificate = link.peer_certificate if isinstance(link, TcpLink) else None
    subject = {key: value for part in (certificate or {}).get("subject", ()) for key, value in part}
    name, serial = subject.get("commonName", ""), (certificate or {}).get("serialNumber", "0")
    if not name or "/" in name or len(name) > 64:
        raise LinkError(f"{link.peer} shows no certificate that names a collector")
    return CollectorName(name, subject.get("organizationalUnitName", ""), int(serial, 16))


class Collectors:
    """Serves the connections of collectors. `denied` judges certificates that are valid but called back."""

    def __init__(
        self,
        clock: Clock,
        intake: PushIntake,
        positions: UploadPositions,
        allowance: Allowance,
        *,
        identify: Identify = certified,
        denied: Callable[[int], bool] = lambda _serial: False,
    ) -> None:
        self._clock = clock
        self._intake = intake
        self._positions = positions
        self._allowance = allowance
        self._identify = identify
        self._denied = denied
        self._sessions: dict[str, CollectorSession] = {}
        self._groups: dict[str, str] = {}

    async def serve(self, link: Link) -> None:
        """One connection until it ends. A collector that calls again is served anew: its older connection ends."""
        who = self._identify(link)
        if self._denied(who.serial):
            LOG.warning("%s shows the certificate of %s, which was called back: refused", link.peer, who.name)
            return
        session = CollectorSession(who, link, self._clock, self._intake, self._positions, self._allowance)
        try:
            hello = await session.greeting()
            if (older := self._sessions.get(who.name)) is not None:
                await older.settled()
            self._sessions[who.name] = session
            self._remember(who)
            LOG.info("collector %s of %s called in from %s", who.name, who.neighbourhood or "no group", link.peer)
            await session.run(hello)
        except RemoteProtocolError as error:
            LOG.warning("collector %s sent what no collector sends: %s", who.name, error)
        except (LinkError, StoreError) as error:
            LOG.info("collector %s: %s", who.name, error)
        finally:
            if self._sessions.get(who.name) is session:
                del self._sessions[who.name]
            await session.settled()

    async def open(self, target: CollectorTarget, timeout_s: float) -> Link:
        """A circuit to a meter; raises `Refused` or `LinkError`."""
        session = self._way(target)
        if len(session.channels) >= self._allowance.circuits_max:
            limit = self._allowance.circuits_max
            raise Refused(RefusalCause.TOO_MANY, f"{limit} circuits are open through {session.who.name}: the limit")
        try:
            return await session.channels.open(target.address, timeout_s)
        except ChannelRefused as error:
            raise Refused(error.cause, f"collector {session.who.name}: {error}") from error

    async def answer(
        self, request: AskCollectors | AskMeters | AskRoutes | TriggerPush
    ) -> ConnectedCollectors | Meters | Routes | Triggered:
        """What the back office asks of collectors; raises `Refused` or `LinkError`."""
        match request:
            case AskCollectors():
                views = [self._sessions[name].view() for name in sorted(self._sessions)]
                return ConnectedCollectors(views[:COLLECTORS_MAX])
            case AskMeters(collector=name):
                return Meters(dict(self._session(name).meters))
            case AskRoutes(collector=name):
                return Routes(self._session(name).routes)
            case TriggerPush(link=link):
                target = collector_target(link)
                await self._way(target).trigger(target.address)
                return Triggered()

    async def shed_denied(self) -> None:
        """End the connections whose certificates were called back since they began."""
        for session in list(self._sessions.values()):
            if self._denied(session.who.serial):
                LOG.warning("the certificate of collector %s was called back: its connection ends", session.who.name)
                await session.settled()

    def _session(self, name: str) -> CollectorSession:
        if name not in self._sessions:
            raise Refused(RefusalCause.CONNECT_FAILED, f"collector {name} is not connected")
        return self._sessions[name]

    def _way(self, target: CollectorTarget) -> CollectorSession:
        """The collector that is named if it knows the meter, else who of its neighbourhood heard of it last.

        A collector that is named and connected is tried also when nobody knows the meter.
        """
        named = self._sessions.get(target.host)
        if named is not None and target.address in named.meters:
            return named
        group = named.who.neighbourhood if named is not None else self._group_of(target.host)
        for session in reversed(list(self._sessions.values())):
            if group and session.who.neighbourhood == group and target.address in session.meters:
                return session
        if named is None:
            detail = f"no collector is connected that is {target.host} or knows {target.address} there"
            raise Refused(RefusalCause.CONNECT_FAILED, detail)
        return named

    def _remember(self, who: CollectorName) -> None:
        self._groups.pop(who.name, None)
        self._groups[who.name] = who.neighbourhood
        if len(self._groups) > GROUPS_MAX:
            del self._groups[next(iter(self._groups))]

    def _group_of(self, name: str) -> str:
        """The neighbourhood of a collector that was here; a name that no collector had is a neighbourhood's."""
        return self._groups.get(name, name)
