"""Serving one meter over links, whatever they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from openami.field.meter.access import PUBLIC, SERVER_SAP
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.alarm_teller import AlarmTeller
from openami.field.meter.faces.broadcast import HearingBroadcasts
from openami.field.meter.faces.powered_link import PoweredLink
from openami.field.meter.faces.shared_line import TakingTurns
from openami.io.clock import Clock
from openami.io.links.dlms import serve_dlms
from openami.io.links.link import Link
from openami.model.errors import SecurityError
from openami.model.event import EventCode
from openami.protocols.dlms.events import ClientAssociated, Refused
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_protection import ServerEvent
from openami.protocols.dlms.server_settings import ServerSettings
from openami.protocols.dlms.wrapper import WrapperFraming

AARQ_TAG = b"\x60"


class FramingKind(StrEnum):
    """How a face frames APDUs."""

    WRAPPER = "wrapper"
    HDLC = "hdlc"


class MeterService:
    """Answers on any number of links, one after another or at once; they share the meter's counters.

    Refused associations and APDUs that fail their security go into the meter's event log, not into pushes.
    `random` gives the bytes of challenges; `observe` is told what happens in the conversations. `physical_address`
    is the lower HDLC address; without it the meter answers to the upper one alone. With it others may hang on the line,
    and what the meter tells unasked waits until it is polled. `settings` are those of what stands
    in front of the meter, such as a `SealedMeter`; without them the meter answers itself.
    """

    def __init__(
        self,
        meter: ElectricityMeter,
        clock: Clock,
        *,
        random: Callable[[int], bytes],
        framing: FramingKind = FramingKind.WRAPPER,
        physical_address: int | None = None,
        observe: Callable[[ServerEvent], None] | None = None,
        settings: ServerSettings | None = None,
    ) -> None:
        self.meter = meter
        self._clock = clock
        self._random = random
        self._kind = framing
        self._address = HdlcAddress(SERVER_SAP, physical_address)
        self._observe = observe
        self._settings = settings or meter.server_settings()

    async def serve(self, link: Link) -> None:
        """One conversation on a link of its own; the link is closed when it ends or when the supply fails."""
        if self.meter.powered:
            await self._converse(PoweredLink(link, self.meter))
        else:
            await link.close()

    async def serve_line(self, link: Link) -> None:
        """A line that is always there: conversations and power failures come and go until the line ends."""
        self._settings = replace(self._settings, close_when_idle=False)
        ended, first = False, b""
        try:
            while not ended:
                conversation = PoweredLink(link, self.meter, keep=True, first=first)
                await self._converse(conversation)
                ended, first = conversation.ended, conversation.first
        finally:
            await link.close()

    async def _converse(self, link: PoweredLink) -> None:
        teller, counters = AlarmTeller(self.meter, self._clock), self.meter.counters
        self.meter.alarm_listeners.append(teller.tell)
        try:
            await serve_dlms(
                link,
                lambda: self._connection(datagrams=link.datagrams),
                self._clock,
                counters=counters,
                observe=self._watch,
                began=teller.began,
            )
        finally:
            self.meter.alarm_listeners.remove(teller.tell)

    def _watch(self, event: ServerEvent) -> None:
        if isinstance(event, Refused) and (event.apdu[:1] == AARQ_TAG or isinstance(event.error, SecurityError)):
            now = self._clock.time()
            self.meter.advance(now)
            self.meter.log(EventCode.AUTHENTICATION_FAILED, now)
        elif isinstance(event, ClientAssociated):
            self.meter.security.proven(event.association)
        if self._observe is not None:
            self._observe(event)

    def _connection(self, *, datagrams: bool) -> ServerConnection:
        return ServerConnection(
            self._framing(datagrams=datagrams),
            self._settings,
            self.meter.server_state,
            random=self._random,
            utc=lambda _now: self._clock.time(),
            now=self._clock.monotonic(),
        )

    def _framing(self, *, datagrams: bool) -> Framing:
        if self._kind is FramingKind.HDLC:
            line: Framing = HdlcFraming(Role.SERVER, PUBLIC, self._address)
            if self._address.lower is not None:
                line = TakingTurns(line)
            return HearingBroadcasts(line, self.meter, self._clock.time)
        return WrapperFraming(Role.SERVER, PUBLIC, SERVER_SAP, datagrams=datagrams)
