"""One connection between a collector and the head-end: framed messages, circuits with credit, signs of life.

A frame is the length of the message (4 bytes, big-endian) and the message. Nothing longer than `FRAME_BYTES_MAX` is
accepted or sent, before the greeting nothing longer than `GREETING_BYTES_MAX`.

    collector:  greeting ── Hello sent, Welcome came ──► open ── bad bytes, silence, age, end ──► ended
    head-end:   greeting ── Hello came, Welcome sent ──► open ── bad bytes, silence, age, end ──► ended

On each channel either side may have `CHANNEL_WINDOW` bytes under way; who sends more is cut off.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.zones.collector_message import (
    CHANNEL_WINDOW,
    VERSION,
    ChannelClosed,
    ChannelCredit,
    ChannelData,
    ChannelOpened,
    CollectorMessage,
    HeadendMessage,
    Hello,
    OpenChannel,
    Ping,
    Welcome,
    decode_collector_message,
    decode_headend_message,
    encode_collector_message,
)
from openami.protocols.zones.connection import LENGTH_BYTES, Ended

FRAME_BYTES_MAX = 1 << 20
GREETING_BYTES_MAX = 4096
SILENCE_S = 90.0
LIFETIME_S = 172_800.0
"""Either side ends a connection of this age: keys and certificates are judged anew (48 hours, as BSI's test cases for
smart metering name them for the WAN, from the catalogue of attacks).
"""
_PINGS_PER_SILENCE = 3
CollectorEvent = CollectorMessage | HeadendMessage | Ended


class CollectorRole(Enum):
    """Which side this end is."""

    COLLECTOR = auto()
    HEADEND = auto()


class _State(Enum):
    GREETING = auto()
    OPEN = auto()
    ENDED = auto()


class _Channel:
    """What may still be sent and received."""

    __slots__ = ("may_receive", "may_send", "opened")

    def __init__(self) -> None:
        self.opened = False
        self.may_send = CHANNEL_WINDOW
        self.may_receive = CHANNEL_WINDOW


class CollectorConnection:
    """The core of either side. A peer that says nothing for `silence_s` is taken for dead."""

    def __init__(self, role: CollectorRole, now: float, *, silence_s: float = SILENCE_S) -> None:
        self._role = role
        self._silence_s = silence_s
        self._state = _State.GREETING
        self._received = bytearray()
        self._events: deque[CollectorEvent] = deque()
        self._out = bytearray()
        self._began = self._heard = self._said = now
        self._channels: dict[int, _Channel] = {}
        self._newest = 0

    @property
    def ended(self) -> bool:
        """Whether nothing can be said any more."""
        return self._state is _State.ENDED

    def has(self, channel: int) -> bool:
        """Whether a circuit is open or being opened."""
        return channel in self._channels

    def receive(self, data: bytes, now: float) -> None:
        """Take what the peer sent."""
        if self._state is _State.ENDED:
            return
        self._received += data
        try:
            while (raw := self._next_frame()) is not None:
                self._heard = now  # only whole frames are a sign of life
                self._came(self._decode(raw))
        except DecodeError as error:
            self._end(error)

    def next_event(self) -> CollectorEvent | None:
        """A message or the end; None if nothing is there yet."""
        return self._events.popleft() if self._events else None

    def send(self, message: CollectorMessage | HeadendMessage, now: float) -> None:
        """Say something. Raises `LocalProtocolError` when this side may not say it now."""
        collector = self._role is CollectorRole.COLLECTOR
        ours = isinstance(message, CollectorMessage) if collector else isinstance(message, HeadendMessage)
        greeting = isinstance(message, Hello | Welcome)
        if self._state is _State.ENDED or not ours:
            raise LocalProtocolError(f"{type(message).__name__} cannot be sent while {self._state.name.lower()}")
        if (self._state is _State.GREETING) is not greeting:
            raise LocalProtocolError(f"{type(message).__name__} cannot be sent while {self._state.name.lower()}")
        self._going(message)
        raw = encode_collector_message(message)
        if len(raw) > FRAME_BYTES_MAX:
            raise LocalProtocolError(f"{type(message).__name__} of {len(raw)} bytes, limit {FRAME_BYTES_MAX}")
        self._out += len(raw).to_bytes(LENGTH_BYTES, "big") + raw
        self._said = now

    def credit(self, channel: int) -> int:
        """How many bytes may be sent on a channel now; 0 if it is closed."""
        held = self._channels.get(channel)
        return held.may_send if held is not None and held.opened else 0

    def new_channel(self) -> int:
        """The number of the next circuit (head-end)."""
        return self._newest + 1

    def data_to_send(self, now: float) -> bytes:
        """What is to be sent now; empty if nothing."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        """When this side speaks up, or gives up a peer that says nothing or a connection that is old."""
        if self._state is _State.ENDED:
            return None
        dead = min(self._heard + self._silence_s, self._began + LIFETIME_S)
        if self._state is _State.GREETING:
            return dead
        return min(dead, self._said + self._silence_s / _PINGS_PER_SILENCE)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        if self._state is not _State.ENDED and now >= min(self._heard + self._silence_s, self._began + LIFETIME_S):
            self._end(None)
        elif self._state is _State.OPEN and now >= self._said + self._silence_s / _PINGS_PER_SILENCE:
            self.send(Ping(), now)

    def closed(self, now: float) -> None:
        """The peer ended the connection."""
        cut = DecodeError("the connection ended inside a frame", len(self._received)) if self._received else None
        self._end(cut)

    # What goes

    def _going(self, message: CollectorMessage | HeadendMessage) -> None:
        match message:
            case Welcome():
                self._state = _State.OPEN
            case OpenChannel(channel=number):
                if number <= self._newest:
                    raise LocalProtocolError(f"channel {number} is not new")
                self._newest = number
                self._channels[number] = _Channel()
            case ChannelOpened(channel=number):
                self._own(number).opened = True
            case ChannelClosed(channel=number):
                self._own(number)
                del self._channels[number]
            case ChannelData(channel=number, data=data):
                if len(data) > self.credit(number):
                    raise LocalProtocolError(f"{len(data)} bytes for channel {number}, credit {self.credit(number)}")
                self._channels[number].may_send -= len(data)
            case ChannelCredit(channel=number, size=size):
                self._own(number).may_receive += size

    def _own(self, number: int) -> _Channel:
        try:
            return self._channels[number]
        except KeyError:
            raise LocalProtocolError(f"channel {number} is not open") from None

    # What comes

    def _decode(self, raw: bytes) -> CollectorMessage | HeadendMessage:
        return decode_headend_message(raw) if self._role is CollectorRole.COLLECTOR else decode_collector_message(raw)

    def _came(self, message: CollectorMessage | HeadendMessage) -> None:
        if (self._state is _State.GREETING) is not isinstance(message, Hello | Welcome):
            raise DecodeError(f"{type(message).__name__} came out of turn", 0)
        if self._accepted(message):
            self._events.append(message)

    def _accepted(self, message: CollectorMessage | HeadendMessage) -> bool:
        """Whether the message is one to tell; raise `DecodeError` if the peer may not say it."""
        match message:
            case Hello(version=version):
                if version != VERSION:
                    raise DecodeError(f"version {version} of this protocol, {VERSION} is spoken", 0, ("Hello",))
            case Welcome():
                self._state = _State.OPEN
            case Ping():
                return False
            case OpenChannel(channel=number):
                if number <= self._newest:
                    raise DecodeError(f"channel {number} is not new", 0, ("OpenChannel",))
                self._newest = number
                self._channels[number] = _Channel()
            case ChannelOpened() | ChannelData() | ChannelCredit() | ChannelClosed():
                return self._on_channel(message)
        return True

    def _on_channel(self, message: ChannelOpened | ChannelData | ChannelCredit | ChannelClosed) -> bool:
        number = message.channel
        if number > self._newest:
            raise DecodeError(f"channel {number} was never opened", 0, (type(message).__name__,))
        channel = self._channels.get(number)
        if channel is None:  # we have closed it, and the peer did not know that yet
            return False
        match message:
            case ChannelOpened():
                if self._role is CollectorRole.COLLECTOR or channel.opened:
                    raise DecodeError(f"channel {number} cannot be opened now", 0, ("ChannelOpened",))
                channel.opened = True
            case ChannelData(data=data):
                if not channel.opened or len(data) > channel.may_receive:
                    raise LimitExceeded(f"{len(data)} bytes beyond the credit of channel {number}", 0)
                channel.may_receive -= len(data)
            case ChannelCredit(size=size):
                channel.may_send += size
                if channel.may_send > CHANNEL_WINDOW:
                    raise LimitExceeded(f"credit of {channel.may_send} bytes for channel {number}", 0)
            case ChannelClosed():
                del self._channels[number]
        return True

    def _next_frame(self) -> bytes | None:
        if len(self._received) < LENGTH_BYTES:
            return None
        length = int.from_bytes(self._received[:LENGTH_BYTES], "big")
        limit = GREETING_BYTES_MAX if self._state is _State.GREETING else FRAME_BYTES_MAX
        if length > limit:
            raise LimitExceeded(f"a frame of {length} bytes, limit {limit}", 0)
        end = LENGTH_BYTES + length
        if len(self._received) < end:
            return None
        raw = bytes(self._received[LENGTH_BYTES:end])
        del self._received[:end]
        return raw

    def _end(self, error: DecodeError | None) -> None:
        if self._state is not _State.ENDED:
            self._state = _State.ENDED
            self._received.clear()
            self._channels.clear()
            self._events.append(Ended(error))
