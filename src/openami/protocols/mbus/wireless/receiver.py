"""From a frame to opened content: the layers peeled one after another, each with its own verdict.

    receiver = Receiver(KeyStore([key]))
    telegram = receiver.receive(bytes.fromhex("2E4493157856341233037A2A0020..."))

A `Telegram` is given for every frame whose layers can be read, opened or not; `DecodeError` for the others.
"""

from __future__ import annotations

from typing import NamedTuple

from openami.model.errors import DecodeError, SecurityError
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.extended_link import ELL_NAMES, ELL_VARIABLE, ExtendedLink, decode_extended_link
from openami.protocols.mbus.wireless.fragment import (
    AUTHENTICATION_GMAC,
    CI_AFL,
    Fragment,
    Reassembly,
    decode_fragment,
)
from openami.protocols.mbus.wireless.frame_format import HEADER_SIZE, FrameFormat, decode_frame
from openami.protocols.mbus.wireless.keys import Keys, KeyStore
from openami.protocols.mbus.wireless.link import DOWNLINK, LinkHeader, decode_link
from openami.protocols.mbus.wireless.opening import Opened, Parties, Plausible, Protection, open_content, open_session
from openami.protocols.mbus.wireless.replay import Arrival, ReplayGuard
from openami.protocols.mbus.wireless.transport import CONTENTS, Content, Transport, decode_transport

CI_NETWORK = 0x81
_MANUFACTURER, _NONE, _CLOSED = Content.MANUFACTURER, Protection.NONE, Protection.CLOSED
HOP = 0x0001
"""The hop counter in the configuration word of modes 0 and 5: a repeater sets it."""


class Telegram(NamedTuple):
    """A frame with its layers. `transport` is None while it could not be reached; `problems` say what went wrong.

    `data` is the frame without checksums. `meter` is the meter itself, where a radio adapter sent the frame too.
    `network` is the one byte of a network layer, which is not verified and means nothing here. `mac` is None without a
    MAC, else whether it was right. `pending` says that more fragments have to come.
    """

    data: bytes
    frame_format: FrameFormat
    trailing: bytes
    link: LinkHeader
    meter: MeterAddress
    extended: ExtendedLink | None = None
    network: int | None = None
    fragment: Fragment | None = None
    transport: Transport | None = None
    opened: Opened | None = None
    mac: bool | None = None
    pending: bool = False
    arrival: Arrival | None = None
    problems: tuple[str, ...] = ()

    @property
    def repeated(self) -> bool:
        """Whether the frame came over a repeater, as the extended link layer or the configuration word says."""
        if self.extended is not None and self.extended.repeated:
            return True
        transport = self.transport
        return transport is not None and transport.mode in {0, 5} and bool(transport.configuration & HOP)

    @property
    def content(self) -> bytes | None:
        """The opened application bytes; None if they are closed or not there."""
        if self.opened is None or self.opened.protection is _CLOSED or self.transport is None:
            return None
        return self.opened.content


def anything(_: bytes) -> bool:
    """The judgement of who cannot tell records from noise."""
    return False


class Receiver:
    """Keeps keys, open fragments and counters between frames; all of it bounded.

    `plausible` judges whether bytes read as records. Without a `replay` guard every telegram is taken, as captures
    in files need it.
    """

    def __init__(
        self,
        keys: Keys | None = None,
        *,
        plausible: Plausible = anything,
        replay: ReplayGuard | None = None,
        reassembly: Reassembly | None = None,
    ) -> None:
        self._keys: Keys = keys if keys is not None else KeyStore()
        self._plausible = plausible
        self._replay = replay
        self._reassembly = reassembly if reassembly is not None else Reassembly()

    def receive(self, raw: bytes) -> Telegram:
        """Peel one frame; raises `DecodeError` for bytes that are none."""
        frame = decode_frame(raw)
        link = decode_link(frame.data)
        telegram = Telegram(frame.data, frame.format, frame.trailing, link, link.address)
        if len(frame.data) == HEADER_SIZE:
            return telegram
        return self._layers(telegram, frame.data, HEADER_SIZE)

    def _layers(self, telegram: Telegram, data: bytes, at: int) -> Telegram:
        ci = data[at] if at < len(data) else None
        if ci in ELL_NAMES and telegram.extended is None:
            return self._extended(telegram, data, at)
        if ci == CI_AFL and telegram.fragment is None:
            return self._fragment(telegram, data, at)
        if ci == CI_NETWORK:
            return self._network(telegram, data, at)
        return self._transport(telegram, data, at)

    def _network(self, telegram: Telegram, data: bytes, at: int) -> Telegram:
        """A network layer of one byte, as meters were heard to send it; what is longer is routed and carried closed."""
        if telegram.network is None and data[at + 2 : at + 3] and (data[at + 2] in CONTENTS or data[at + 2] == CI_AFL):
            return self._layers(telegram._replace(network=data[at + 1]), data, at + 2)
        return _unread(telegram, data[at:], "a frame routed after EN 13757-5 (CI 81)")

    def _extended(self, telegram: Telegram, data: bytes, at: int) -> Telegram:
        if data[at] == ELL_VARIABLE:
            return _unread(telegram, data[at:], "a variable extended link layer (CI 86)")
        header, start = decode_extended_link(data, at)
        meter = header.address if header.address is not None else telegram.meter
        telegram = telegram._replace(extended=header, meter=meter)
        opened = open_session(header, data[start:], self._parties(meter, telegram.link), self._begins_a_transport)
        telegram = _noted(telegram, opened.problem)
        if opened.protection is Protection.CLOSED:
            return telegram._replace(opened=opened)
        if opened.protection is not Protection.NONE:
            telegram = telegram._replace(opened=opened)
        return self._layers(telegram, data[:start] + opened.content, start)

    def _fragment(self, telegram: Telegram, data: bytes, at: int) -> Telegram:
        sender = telegram.link.address.link_order
        fragment, start = decode_fragment(data, at, self._reassembly.authentication(sender))
        telegram = telegram._replace(fragment=fragment)
        if fragment.number <= 1 and not fragment.more:
            return self._layers(telegram, data, start)
        message = self._reassembly.add(sender, fragment, data[start:])
        if message is None:
            return telegram._replace(pending=True)
        return self._layers(telegram._replace(fragment=message.header), data[:start] + message.payload, start)

    def _transport(self, telegram: Telegram, data: bytes, at: int) -> Telegram:
        transport = decode_transport(data, at)
        meter = transport.address if transport.address is not None else telegram.meter
        payload = data[transport.stop :]
        if transport.content is _MANUFACTURER:
            opened = telegram.opened or Opened(Protection.NONE, payload)
            return telegram._replace(transport=transport, meter=meter, opened=opened)
        who = self._parties(meter, telegram.link)
        fragment, key, mac, problems = telegram.fragment, None, None, telegram.problems
        if fragment is not None and fragment.mac:
            key = _mac_key(fragment, data[at:], who)
            if key is not None:
                mac, who = True, who._replace(keys=(key,))
            elif who.keys:
                refused = "the MAC is wrong: wrong key, or the message was changed"
                mac, problems = False, (*problems, refused)
                if payload[:2] != security.FILLER or not transport.mode:
                    closed = Opened(Protection.CLOSED, payload, problem=refused)
                    return telegram._replace(
                        transport=transport, meter=meter, opened=closed, mac=False, problems=problems
                    )
        counter = fragment.message_counter if fragment is not None else None
        opened = open_content(transport, payload, who, counter, self._plausible, verified=key is not None)
        if opened.problem:
            problems = (*problems, opened.problem)
        opened = _with_session(telegram, opened, payload)
        data, how, behind, link, _, extended, network, *_ = telegram  # `_replace` takes twice as long
        layers = (data, how, behind, link, meter, extended, network, fragment, transport, opened, mac)
        whole = tuple.__new__(Telegram, (*layers, False, None, problems))
        return self._fresh(whole)

    def _fresh(self, telegram: Telegram) -> Telegram:
        opened = telegram.opened
        if self._replay is None or opened is None or opened.counter is None:
            return telegram
        if opened.guarantee is GuaranteeClass.UNAUTHENTICATED:
            return telegram
        try:
            return telegram._replace(arrival=self._replay.admit(telegram.meter, opened.counter))
        except SecurityError as error:
            closed = opened._replace(protection=Protection.CLOSED, problem=str(error))
            return _noted(telegram._replace(opened=closed), str(error))

    def _begins_a_transport(self, payload: bytes) -> bool:
        try:
            transport = decode_transport(payload, 0)
        except DecodeError:
            return False
        return transport.content in {Content.RECORDS, Content.COMPACT} and self._plausible(payload[transport.stop :])

    def _parties(self, meter: MeterAddress, link: LinkHeader) -> Parties:
        keys, radio = self._keys.of(meter), link.address
        if radio is not meter and radio != meter:
            keys += tuple(key for key in self._keys.of(radio) if key not in keys)
        return Parties(meter, radio, keys, link.control in DOWNLINK)


def _mac_key(fragment: Fragment, message: bytes, who: Parties) -> bytes | None:
    """The key under which the fragment's MAC over `message` is right."""
    if fragment.message_counter is None or fragment.authentication == AUTHENTICATION_GMAC:
        return None
    covered = bytes((fragment.message_control or 0,)) + fragment.message_counter.to_bytes(4, "little")
    if fragment.message_length is not None:
        covered += fragment.message_length.to_bytes(2, "little")
    covered += message
    for key in who.keys:
        mac = security.message_mac(
            key, fragment.message_counter, who.meter, covered, len(fragment.mac), downlink=who.downlink
        )
        if security.same(mac, fragment.mac):
            return key
    return None


def _with_session(telegram: Telegram, opened: Opened, payload: bytes) -> Opened:
    """Content in the clear inside an encrypted session is as protected as the session."""
    if telegram.opened is None or opened.protection is not _NONE:
        return opened
    return telegram.opened._replace(content=payload)


def _unread(telegram: Telegram, rest: bytes, what: str) -> Telegram:
    """A telegram whose sender is known, and no more."""
    problem = f"{what}: recognised, carried and not read"
    return _noted(telegram._replace(opened=Opened(Protection.CLOSED, rest, problem=problem)), problem)


def _noted(telegram: Telegram, problem: str) -> Telegram:
    return telegram._replace(problems=(*telegram.problems, problem)) if problem else telegram
