"""What happens to the authority: the only things that change its state, in the order in which they are kept."""

from __future__ import annotations

import msgspec

from openami.protocols.seal.passkey import Assertion


class Requested(msgspec.Struct, frozen=True, tag=True):
    """Somebody asks for a list of commands (its octets)."""

    at: float
    request: bytes
    commands: bytes
    person: str
    assertion: Assertion


class Consented(msgspec.Struct, frozen=True, tag=True):
    """Somebody else approves it; or, for one reconnection, nobody else has to (`person` is empty)."""

    at: float
    request: bytes
    person: str
    assertion: Assertion | None


class Signed(msgspec.Struct, frozen=True, tag=True):
    """The commands were signed, once; `counter` is the last one that was used."""

    at: float
    request: bytes
    role: int
    counter: int
    commands: tuple[bytes, ...]


Event = Requested | Consented | Signed

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """The record of `event`."""
    return _ENCODER.encode(event)


def decode_event(raw: bytes) -> Event:
    """The event in a record that this authority wrote."""
    return _DECODER.decode(raw)
