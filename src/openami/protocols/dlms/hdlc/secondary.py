"""The secondary station: it answers several primaries, each in a session of its own, and speaks when polled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, FramingEvent, Garbage
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import LLC_RESPONSE
from openami.protocols.dlms.hdlc.broadcast import Broadcast, unconfirmed_frames
from openami.protocols.dlms.hdlc.channel import Channel
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind
from openami.protocols.dlms.hdlc.parameters import HdlcParameters, HdlcTimeouts, decode_parameters

SESSIONS_MAX = 16
_REJECT_CONTROL, _REJECT_SEQUENCE = 0x01, 0x08
_RESPONSES = {FrameKind.UA, FrameKind.DM, FrameKind.FRMR}


@dataclass(slots=True)
class Session:
    """One connected primary. `polled`: it is our turn; `owing`: the application has not answered yet."""

    client: HdlcAddress
    own: HdlcAddress
    parameters: HdlcParameters
    heard_at: float
    channel: Channel = field(default_factory=lambda: Channel(LLC_RESPONSE))
    polled: bool = False
    owing: bool = False
    hold_until: float = 0.0
    busy: bool = False


class Secondary:
    """Frames and time in, events to `emit`, frames to `put`.

    Serves every upper address (which logical devices exist is the association's to know) behind the lower address
    of `address`; None or absent lower parts reach us too.
    """

    def __init__(
        self,
        client: HdlcAddress,
        address: HdlcAddress,
        parameters: HdlcParameters,
        timeouts: HdlcTimeouts,
        emit: Callable[[FramingEvent], None],
        put: Callable[[Frame], None],
    ) -> None:
        self._client = client
        self._address = address
        self._parameters = parameters
        self._timeouts = timeouts
        self._emit = emit
        self._put = put
        self._broadcast = Broadcast(emit)
        self._sessions: dict[tuple[int, int], Session] = {}
        self._last: tuple[int, int] | None = None

    def connect(self, now: float) -> None:
        """A secondary waits for SNRM."""

    def disconnect(self, now: float) -> None:
        """Forget all primaries; each hears DM when it speaks next."""
        self.closed("disconnected as asked", clean=True)

    def closed(self, reason: str, *, clean: bool = False) -> None:
        """The link has ended."""
        self._broadcast.lost(reason)
        self._sessions.clear()
        self._emit(Disconnected(reason, clean=clean))

    def send(self, apdu: bytes, now: float, destination: int | None, source: int | None, *, unconfirmed: bool) -> None:
        """Answer the primary that spoke last, or `destination`; or push to it in UI frames if `unconfirmed`."""
        session = self._session(destination, source)
        if unconfirmed:
            self._push(apdu, session, destination, source)
        elif session is None:
            who = self._client.upper if destination is None else destination
            raise LocalProtocolError(f"no HDLC session with client {who}: it must connect first")
        else:
            session.channel.queue(apdu, session.parameters.information_size_transmit)
            session.owing = False
            self._answer(session, now)

    def take(self, frame: Frame, now: float) -> None:
        """One frame from the line; what is for another device is not ours to answer."""
        if frame.kind in _RESPONSES or not self._reaches_us(frame):
            return
        if frame.kind is FrameKind.UI:
            self._broadcast.take(frame, now)
            return
        key = (frame.source.upper, frame.destination.upper)
        session = self._sessions.get(key)
        if frame.kind is FrameKind.SNRM:
            self._open(frame, session, now)
        elif self._is_of_another(frame, session):
            return
        elif session is None:
            if frame.final:
                self._respond(FrameKind.DM, frame)
        elif frame.kind is FrameKind.DISC:
            self._respond(FrameKind.UA, frame)
            self._drop(key, "the client disconnected", clean=True)
        else:
            self._in_session(session, frame, now)

    def noise(self) -> None:
        """Bytes were lost on the line."""
        self._broadcast.lost("noise inside a segmented push")

    def due(self) -> float | None:
        """When `handle_timeout` has something to do."""
        return min((self._due(session) for session in self._sessions.values()), default=None)

    def handle_timeout(self, now: float) -> None:
        """Answer polls that were held, forget primaries that fell silent."""
        for key, session in list(self._sessions.items()):
            if now >= session.heard_at + self._timeouts.inactivity_s:
                self._drop(key, f"the client was silent for {self._timeouts.inactivity_s:g} s")
            else:
                self._answer(session, now)

    def _due(self, session: Session) -> float:
        silent_at = session.heard_at + self._timeouts.inactivity_s
        return min(silent_at, session.hold_until) if session.polled else silent_at

    def _reaches_us(self, frame: Frame) -> bool:
        theirs, ours = frame.destination, self._address.lower
        if theirs.is_broadcast:
            return frame.kind is FrameKind.UI
        return theirs.lower is None or ours is None or theirs.is_calling or theirs.lower == ours

    def _is_of_another(self, frame: Frame, session: Session | None) -> bool:
        """What another meter of the line answers a client looks like a frame to us: to an upper address alone."""
        if self._address.lower is None or frame.destination.lower is not None:
            return False
        return session is None or session.own.lower is not None

    def _open(self, frame: Frame, known: Session | None, now: float) -> None:
        key = (frame.source.upper, frame.destination.upper)
        try:
            offered = decode_parameters(frame.information)
        except DecodeError as error:
            self._emit(Garbage(frame.information, f"SNRM: {error}"))
            self._respond(FrameKind.DM, frame)
            return
        if known is not None:
            self._drop(key, "the client connected anew")
        while len(self._sessions) >= SESSIONS_MAX:
            self._drop(next(iter(self._sessions)), f"more than {SESSIONS_MAX} clients")
        agreed = self._parameters.agreed(offered)
        self._sessions[key] = Session(frame.source, frame.destination, agreed, now)
        self._last = key
        plain = not frame.information and agreed == HdlcParameters()
        self._respond(FrameKind.UA, frame, b"" if plain else bytes(agreed))
        self._emit(Connected(frame.source.upper, agreed))

    def _in_session(self, session: Session, frame: Frame, now: float) -> None:
        session.heard_at = now
        self._last = (session.client.upper, session.own.upper)
        if frame.kind not in {FrameKind.I, FrameKind.RR, FrameKind.RNR}:
            self._reject(session, frame, _REJECT_CONTROL)
            return
        if session.channel.acknowledge(frame.receive_sequence) < 0:
            self._reject(session, frame, _REJECT_SEQUENCE)
            return
        session.busy = frame.kind is FrameKind.RNR
        if frame.kind is FrameKind.I and session.channel.expects(frame) and not self._accept(session, frame):
            return
        if frame.final:
            session.polled = True
            session.hold_until = now + self._timeouts.hold_s
            self._answer(session, now)

    def _accept(self, session: Session, frame: Frame) -> bool:
        try:
            apdu = session.channel.accept(frame)
        except DecodeError as error:
            self._emit(Garbage(session.channel.assembly.drop(), error.reason))
            self._reject(session, frame, 0)
            return False
        if apdu is not None:
            session.owing = True
            self._emit(ApduReceived(apdu, frame.source.upper, frame.destination.upper))
        return True

    def _answer(self, session: Session, now: float) -> None:
        """Use our turn if we have it: information, or an empty hand once waiting for the application is over."""
        if not session.polled:
            return
        channel = session.channel
        if channel.has_output and not session.busy:
            for frame in channel.burst(session.parameters.window_transmit, session.client, session.own):
                self._put(frame)
        elif session.owing and now < session.hold_until:
            return
        else:
            self._put(Frame(session.client, session.own, FrameKind.RR, receive_sequence=channel.receive_sequence))
        session.polled = False

    def _session(self, destination: int | None, source: int | None) -> Session | None:
        if self._last in self._sessions and destination in {None, self._last[0]} and source in {None, self._last[1]}:
            return self._sessions[self._last]
        if destination is None and source is None:
            return None
        for (client, own), session in reversed(self._sessions.items()):
            if destination in {None, client} and source in {None, own}:
                return session
        return None

    def _push(self, apdu: bytes, session: Session | None, destination: int | None, source: int | None) -> None:
        if session is not None:
            to, by, size = session.client, session.own, session.parameters.information_size_transmit
        else:
            to = self._client if destination is None else HdlcAddress(destination)
            by, size = self._address, self._parameters.information_size_transmit
            if source is not None:
                by = HdlcAddress(source, by.lower, by.size)
        for frame in unconfirmed_frames(apdu, LLC_RESPONSE, size, to, by):
            self._put(frame)

    def _respond(self, kind: FrameKind, to: Frame, information: bytes = b"") -> None:
        self._put(Frame(to.source, to.destination, kind, information=information))

    def _reject(self, session: Session, frame: Frame, reason: int) -> None:
        """FRMR: the rejected control byte, our sequence numbers, why; the primary has to connect anew."""
        numbers = session.channel.receive_sequence << 5 | session.channel.send_sequence << 1
        self._respond(FrameKind.FRMR, frame, bytes((frame.control, numbers, reason)))
        key = (session.client.upper, session.own.upper)
        self._drop(key, f"a frame with control byte {frame.control:02X} was rejected (FRMR)")

    def _drop(self, key: tuple[int, int], reason: str, *, clean: bool = False) -> None:
        del self._sessions[key]
        self._emit(Disconnected(reason, key[0], clean))
