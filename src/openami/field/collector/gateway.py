"""The last hop of a circuit: what the back office sends, as the meter's network wants it, and back.

An APDU in the wrapper that bears the gateway prefix (E6) of this meter goes on without it, and the meter's answers get
theirs (E7). Nothing else is changed, and nothing is opened: protection stays between back office and meter.
"""

from __future__ import annotations

from openami.io.links.link import Link
from openami.io.links.push_stream import PushStream
from openami.model.errors import DecodeError
from openami.protocols.dlms.gateway import (
    REQUEST,
    RESPONSE,
    GatewayAddress,
    Prefixed,
    decode_prefixed,
    encode_prefixed,
)
from openami.protocols.dlms.wrapper import APDU_MAX, HEADER_SIZE, decode_wrapper, encode_wrapper

_WRAPPED = b"\x00\x01"


class MeterWay:
    """`link` to a meter at `address`, as a stream of bytes for the back office.

    A stream in the wrapper is cut at its lengths: each APDU is a datagram where the network carries datagrams. A stream
    of anything else (HDLC) passes as it is.
    """

    datagrams = False

    def __init__(self, link: Link, address: str) -> None:
        self.peer = link.peer
        self._link = link
        self._address = GatewayAddress(0, address.encode())
        self._down = PushStream(HEADER_SIZE + APDU_MAX)
        self._up = PushStream(HEADER_SIZE + APDU_MAX)
        self._wrapped: bool | None = None
        self._prefixed = False

    async def send(self, data: bytes) -> None:
        if self._wrapped is None:
            self._wrapped = data[:1] == _WRAPPED[:1]
        if not self._wrapped:
            await self._link.send(data)
            return
        for frame in self._down.feed(data):
            await self._link.send(self._without_prefix(frame))

    async def receive(self) -> bytes:
        while True:
            data = await self._link.receive()
            if not data or not self._prefixed:
                return data
            if frames := self._up.feed(data):
                return b"".join(map(self._with_prefix, frames))

    async def close(self) -> None:
        await self._link.close()

    def _without_prefix(self, frame: bytes) -> bytes:
        if frame[HEADER_SIZE : HEADER_SIZE + 1] != bytes((REQUEST,)):
            return frame
        try:
            wrapped = decode_wrapper(frame)
            prefixed = decode_prefixed(wrapped.apdu)
        except DecodeError:
            return frame
        if prefixed.address != self._address:  # for somebody behind the meter, which is a gateway itself
            return frame
        self._prefixed = True
        return encode_wrapper(prefixed.apdu, wrapped.source, wrapped.destination)

    def _with_prefix(self, frame: bytes) -> bytes:
        try:
            wrapped = decode_wrapper(frame)
        except DecodeError:
            return frame
        apdu = encode_prefixed(Prefixed(RESPONSE, self._address, wrapped.apdu))
        if len(apdu) > APDU_MAX:
            return frame
        return encode_wrapper(apdu, wrapped.source, wrapped.destination)
