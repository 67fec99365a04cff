"""The primary station: it asks for the connection, gives the turn with the poll bit and takes it back.

Every wait is bounded: an answer that does not come is asked for again `repeats` times without progress, then the
line is given up with a `Disconnected` that says what was waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, FramingEvent, Garbage
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import LLC_COMMAND
from openami.protocols.dlms.hdlc.broadcast import Broadcast, unconfirmed_frames
from openami.protocols.dlms.hdlc.channel import Channel
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind
from openami.protocols.dlms.hdlc.parameters import HdlcParameters, HdlcTimeouts, decode_parameters


class State(Enum):
    """Where the conversation stands; the values complete the sentence "no answer to …"."""

    DISCONNECTED = "nothing"
    CONNECTING = "SNRM"
    CONNECTED = "a poll"
    DISCONNECTING = "DISC"


class Primary:
    """Frames and time in, events to `emit`, frames to `put`. One secondary, one connection."""

    def __init__(
        self,
        address: HdlcAddress,
        secondary: HdlcAddress,
        parameters: HdlcParameters,
        timeouts: HdlcTimeouts,
        emit: Callable[[FramingEvent], None],
        put: Callable[[Frame], None],
    ) -> None:
        self.state = State.DISCONNECTED
        self._address = address
        self._secondary = secondary
        self._offered = parameters
        self._parameters = parameters
        self._timeouts = timeouts
        self._emit = emit
        self._put = put
        self._channel = Channel(LLC_COMMAND)
        self._broadcast = Broadcast(emit)
        self._deadline: float | None = None
        self._poll_at: float | None = None
        self._polls = 0
        self._tries = 0
        self._awaited = False  # an APDU went out and none came back since
        self._busy = False  # the secondary said RNR
        self._gap = False  # a frame came whose predecessor did not
        self._progress = False  # something went forward since our last turn

    def connect(self, now: float) -> None:
        """Send SNRM, with parameters unless all of them are the defaults."""
        if self.state is not State.DISCONNECTED:
            raise LocalProtocolError("the HDLC connection is open already")
        self.state, self._tries = State.CONNECTING, 0
        self._ask(now)

    def disconnect(self, now: float) -> None:
        """Send DISC; without a connection there is nothing to end."""
        if self.state is State.CONNECTED:
            self.state, self._tries = State.DISCONNECTING, 0
            self._poll_at = None
            self._ask(now)
        elif self.state is State.CONNECTING:
            self._end("disconnected while connecting", clean=True)

    def send(self, apdu: bytes, now: float, destination: int | None, source: int | None, *, unconfirmed: bool) -> None:
        """Send an APDU in numbered frames, or in UI frames if `unconfirmed`."""
        to = self._secondary
        if destination is not None and destination != to.upper:
            to = HdlcAddress(destination, to.lower, to.size)
        if unconfirmed:
            size = self._parameters.information_size_transmit
            for frame in unconfirmed_frames(apdu, LLC_COMMAND, size, to, self._address):
                self._put(frame)
            return
        if self.state is not State.CONNECTED or to != self._secondary or source not in {None, self._address.upper}:
            raise LocalProtocolError(f"no HDLC connection with {to}: connect before sending")
        self._channel.queue(apdu, self._parameters.information_size_transmit)
        self._awaited, self._polls = True, 0
        if self._deadline is None and not self._busy:
            self._poll_at, self._tries = None, 0
            self._ask(now)

    def take(self, frame: Frame, now: float) -> None:
        """One frame from the line; what is not for us is not ours to judge."""
        if frame.kind is FrameKind.UI:
            self._broadcast.take(frame, now)
        elif self._concerns_us(frame):
            if frame.kind in {FrameKind.DM, FrameKind.FRMR, FrameKind.UA}:
                self._unnumbered(frame)
            elif self.state is State.CONNECTED and frame.kind in {FrameKind.I, FrameKind.RR, FrameKind.RNR}:
                self._numbered(frame, now)

    def noise(self) -> None:
        """Bytes were lost on the line."""
        self._broadcast.lost("noise inside a segmented push")

    def due(self) -> float | None:
        """When `handle_timeout` has something to do."""
        return self._deadline if self._poll_at is None else self._poll_at

    def handle_timeout(self, now: float) -> None:
        """Poll a secondary that had nothing, or ask again where no answer came."""
        if self._poll_at is not None and now >= self._poll_at:
            self._poll_at = None
            self._ask(now)
        elif self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._again(now)

    def closed(self, reason: str) -> None:
        """The link has ended."""
        self._broadcast.lost(reason)
        if self.state is not State.DISCONNECTED:
            self._end(reason)

    def _concerns_us(self, frame: Frame) -> bool:
        ours, theirs = self._secondary, frame.source
        if frame.destination.upper != self._address.upper or theirs.upper != ours.upper:
            return False
        return ours.lower is None or theirs.lower is None or ours.is_calling or theirs.lower == ours.lower

    def _unnumbered(self, frame: Frame) -> None:
        if frame.kind is FrameKind.UA and self.state is State.CONNECTING:
            self._connected(frame)
        elif self.state is State.DISCONNECTING and frame.kind is not FrameKind.FRMR:
            self._end("disconnected as asked", clean=True)
        elif frame.kind is FrameKind.DM and self.state is not State.DISCONNECTED:
            refused = "refused the connection" if self.state is State.CONNECTING else "is no longer connected"
            self._end(f"the secondary {self._secondary} {refused} (DM)")
        elif frame.kind is FrameKind.FRMR and self.state is not State.DISCONNECTED:
            detail = frame.information.hex() or "no reason"
            self._end(f"the secondary {self._secondary} rejected a frame (FRMR {detail})")

    def _connected(self, frame: Frame) -> None:
        try:
            granted = decode_parameters(frame.information)
        except DecodeError as error:
            self._emit(Garbage(frame.information, f"UA: {error}"))
            return
        self._parameters = self._offered.agreed(granted)
        self._channel = Channel(LLC_COMMAND)
        self.state, self._deadline, self._tries = State.CONNECTED, None, 0
        self._awaited = self._busy = self._gap = self._progress = False
        self._emit(Connected(self._secondary.upper, self._parameters))

    def _numbered(self, frame: Frame, now: float) -> None:
        freed = self._channel.acknowledge(frame.receive_sequence)
        if freed < 0:
            self._emit(Garbage(frame.information, f"{frame.kind.value} acknowledges a frame that was not sent"))
            return
        self._progress = self._progress or freed > 0
        self._busy = frame.kind is FrameKind.RNR
        if frame.kind is FrameKind.I and not self._information(frame):
            return
        if self.state is not State.CONNECTED or self._deadline is None:
            return
        if frame.final:
            self._deadline = None
            self._take_turn(now)
        elif self._progress:
            self._deadline = now + self._timeouts.response_s

    def _information(self, frame: Frame) -> bool:
        """Take an information frame; whether its final bit counts, which an old frame's does not."""
        if not self._channel.expects(frame):
            repeated = self._channel.is_repeated(frame, self._parameters.window_receive)
            self._gap = self._gap or not repeated
            return not repeated
        self._progress, self._gap = True, False
        try:
            apdu = self._channel.accept(frame)
        except DecodeError as error:
            self._emit(Garbage(self._channel.assembly.drop(), error.reason))
            self._end(f"the secondary {self._secondary} sent what is no APDU: {error.reason}")
            return False
        if apdu is not None:
            self._awaited = False
            self._emit(ApduReceived(apdu, frame.source.upper, frame.destination.upper))
        return True

    def _take_turn(self, now: float) -> None:
        """It is our turn: send what there is, ask for what is missing, or rest."""
        progress, self._progress = self._progress, False
        if progress:
            self._tries = self._polls = 0
        channel = self._channel
        if (channel.has_output and not self._busy) or self._gap or (channel.assembly.open and progress):
            if progress:
                self._ask(now)
            else:
                self._again(now)
        elif channel.assembly.open or self._awaited or self._busy:
            self._wait_to_poll(now)

    def _wait_to_poll(self, now: float) -> None:
        """The secondary has nothing for us now: ask later, but not for ever."""
        self._polls += 1
        if self._polls <= self._timeouts.polls:
            self._poll_at = now + self._timeouts.poll_s
        elif self._busy or self._channel.assembly.open:
            self._end(f"the secondary {self._secondary} stayed busy for {self._timeouts.polls} polls")
        else:
            self._awaited = False

    def _ask(self, now: float) -> None:
        """Send what gives the secondary its turn, and wait for the answer."""
        self._deadline = now + self._timeouts.response_s
        if self.state is State.CONNECTING:
            offered = b"" if self._offered == HdlcParameters() else bytes(self._offered)
            self._command(FrameKind.SNRM, offered)
        elif self.state is State.DISCONNECTING:
            self._command(FrameKind.DISC)
        elif self._channel.has_output and not self._busy:
            for frame in self._channel.burst(self._parameters.window_transmit, self._secondary, self._address):
                self._put(frame)
        else:
            self._command(FrameKind.RR)

    def _again(self, now: float) -> None:
        """Ask once more, as long as that is reasonable."""
        self._tries += 1
        if self._tries > self._timeouts.repeats:
            waited = f"{self._tries} times within {self._timeouts.response_s:g} s each"
            self._end(f"the secondary {self._secondary} gave no answer to {self.state.value}, asked {waited}")
        else:
            self._ask(now)

    def _command(self, kind: FrameKind, information: bytes = b"") -> None:
        receive_sequence = self._channel.receive_sequence if kind is FrameKind.RR else 0
        self._put(
            Frame(
                self._secondary,
                self._address,
                kind,
                receive_sequence=receive_sequence,
                information=information,
            )
        )

    def _end(self, reason: str, *, clean: bool = False) -> None:
        self.state = State.DISCONNECTED
        self._deadline = self._poll_at = None
        self._emit(Disconnected(reason, clean=clean))
