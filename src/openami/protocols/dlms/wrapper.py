"""The wrapper that carries APDUs over TCP and UDP: version, source wPort, destination wPort, length; 8 bytes.

The four big-endian 16-bit fields and version 1 are from published wrapper frames. A stream that shows another
version has lost its place and cannot find it again: the bytes are kept as `Garbage` and the framing disconnects.
"""

from __future__ import annotations

import struct
from collections import deque

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.framing import (
    ApduReceived,
    Connected,
    Disconnected,
    FramingEvent,
    Garbage,
    Role,
)

VERSION = 1
HEADER_SIZE = 8
APDU_MAX = 0xFFFF
_HEADER = struct.Struct(">4H")


def encode_wrapper(apdu: bytes, source: int, destination: int) -> bytes:
    """`apdu` behind its wrapper header."""
    if len(apdu) > APDU_MAX:
        raise LocalProtocolError(f"an APDU of {len(apdu)} bytes does not fit the wrapper, which carries {APDU_MAX}")
    try:
        return _HEADER.pack(VERSION, source, destination, len(apdu)) + apdu
    except struct.error as error:
        raise LocalProtocolError(f"wPorts {source} and {destination} must be 0 to 65535") from error


def decode_wrapper(raw: bytes) -> ApduReceived:
    """The one APDU of a datagram; raise `DecodeError` if `raw` is not exactly one wrapped APDU."""
    if len(raw) < HEADER_SIZE:
        raise DecodeError(f"{HEADER_SIZE} bytes of wrapper header expected, {len(raw)} there", len(raw), ("Wrapper",))
    version, source, destination, length = _HEADER.unpack_from(raw)
    if version != VERSION:
        raise DecodeError(f"wrapper version {version}, expected {VERSION}", 0, ("Wrapper", "version"))
    if length != len(raw) - HEADER_SIZE:
        reason = f"wrapper length {length}, but {len(raw) - HEADER_SIZE} bytes follow"
        raise DecodeError(reason, 6, ("Wrapper", "length"))
    return ApduReceived(bytes(raw[HEADER_SIZE:]), source, destination)


class WrapperFraming:
    """The wrapper as a `Framing`, for both roles.

    `datagrams`: each `receive` brings one whole datagram (UDP), and a bad one harms no other. `max_apdu` bounds
    what a peer can make us hold. APDUs are delivered whatever their wPorts: whom they are for is the
    association's to judge.
    """

    def __init__(
        self, role: Role, client_sap: int, server_sap: int, *, datagrams: bool = False, max_apdu: int = APDU_MAX
    ) -> None:
        self.max_apdu: int | None = max_apdu
        self._role = role
        self._own, self._peer = (client_sap, server_sap) if role is Role.CLIENT else (server_sap, client_sap)
        self._own_last = self._own
        self._datagrams = datagrams
        self._limit = max_apdu
        self._buffer = bytearray()
        self._events: deque[FramingEvent] = deque()
        self._out: list[bytes] = []
        self._ended = False

    def connect(self, now: float) -> None:
        self._ended = False
        self._buffer.clear()
        self._events.append(Connected(self._peer))

    def disconnect(self, now: float) -> None:
        self._end("disconnected as asked", clean=True)

    def closed(self, now: float) -> None:
        if self._buffer and not self._ended:
            self._events.append(Garbage(bytes(self._buffer), "the link ended inside an APDU"))
        self._end("the link ended")

    def receive(self, data: bytes, now: float) -> None:
        if self._ended:
            self._events.append(Garbage(bytes(data), "bytes after the end of the connection"))
        elif self._datagrams:
            self._receive_datagram(data)
        else:
            self._receive_stream(data)

    def next_event(self) -> FramingEvent | None:
        return self._events.popleft() if self._events else None

    def send(
        self,
        apdu: bytes,
        now: float,
        *,
        destination: int | None = None,
        unconfirmed: bool = False,  # noqa: ARG002 - the wrapper knows no difference
        source: int | None = None,
    ) -> None:
        """Queue one APDU; a server answers from the SAP that was addressed last unless `source` names another.

        While a `Disconnected` waits to be taken, the APDU is dropped; after it, `LocalProtocolError` is raised.
        """
        if self._ended and any(isinstance(event, Disconnected) for event in self._events):
            return
        if self._ended:
            raise LocalProtocolError("the wrapper was disconnected; connect it before sending")
        to = self._peer if destination is None else destination
        self._out.append(encode_wrapper(apdu, self._own_last if source is None else source, to))

    def data_to_send(self, now: float) -> bytes:
        if not self._out:
            return b""
        if self._datagrams or len(self._out) == 1:
            return self._out.pop(0)
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, now: float) -> None:
        """Nothing is ever due: TCP repeats for itself, and UDP's answers are the association's to wait for."""

    def _receive_datagram(self, data: bytes) -> None:
        try:
            received = decode_wrapper(data)
        except DecodeError as error:
            self._events.append(Garbage(bytes(data), str(error)))
            return
        if len(received.apdu) > self._limit:
            reason = f"an APDU of {len(received.apdu)} bytes, limit {self._limit}"
            self._events.append(Garbage(bytes(data), reason))
            return
        self._deliver(received)

    def _receive_stream(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= HEADER_SIZE:
            version, source, destination, length = _HEADER.unpack_from(buffer, start)
            if version != VERSION or length > self._limit:
                self._lose(bytes(buffer[start:]), version, length)
                return
            stop = start + HEADER_SIZE + length
            if stop > len(buffer):
                break
            self._deliver(ApduReceived(bytes(buffer[start + HEADER_SIZE : stop]), source, destination))
            start = stop
        if start:
            del buffer[:start]

    def _deliver(self, received: ApduReceived) -> None:
        if self._role is Role.SERVER:
            self._peer, self._own_last = received.source, received.destination
        self._events.append(received)

    def _lose(self, data: bytes, version: int, length: int) -> None:
        if version != VERSION:
            reason = f"wrapper version {version}, expected {VERSION}: the stream has lost its place"
        else:
            reason = f"an APDU of {length} bytes, limit {self._limit}"
        self._buffer.clear()
        self._events.append(Garbage(data, reason))
        self._end(reason)

    def _end(self, reason: str, *, clean: bool = False) -> None:
        if not self._ended:
            self._ended = True
            self._buffer.clear()
            self._events.append(Disconnected(reason, clean=clean))
