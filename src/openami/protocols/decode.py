"""Any bytes of the field: which protocol they are, and what they mean.

A protocol room offers decoders; each takes the bytes of one message and gives a `Decoded`. Detection asks them in
order whether the bytes look like theirs. Bytes that several protocols could claim need the protocol's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openami.model.errors import DecodeError, SettingError
from openami.model.measurement import Measurement
from openami.protocols.wire.cursor import Span


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one message says.

    `fields` are JSON-ready; `spans` say which bytes of `data` hold which field; `inner` is what the message
    carries (the APDU of a frame, the APDU behind a cipher). `problem` tells why something inside stayed closed.
    """

    protocol: str
    kind: str
    data: bytes
    fields: Mapping[str, Any] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    inner: tuple[Decoded, ...] = ()
    problem: str = ""

    def plain(self) -> dict[str, Any]:
        """As one JSON object: `protocol`, `kind`, the fields, and what is carried in `content`."""
        value: dict[str, Any] = {"protocol": self.protocol, "kind": self.kind, **self.fields}
        if self.inner:
            value["content"] = [part.plain() for part in self.inner] if len(self.inner) > 1 else self.inner[0].plain()
        if self.problem:
            value["problem"] = self.problem
        return value


@dataclass(frozen=True, slots=True)
class Told:
    """The values of one message, and whose they are as the protocol writes it (empty: the message does not say).

    `problem` tells why something inside stayed closed or is not to be trusted.
    """

    protocol: str
    meter: str = ""
    values: tuple[Measurement, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MessageDecoder:
    """How one protocol reads its messages.

    `looks_like` is quick and never raises; `decode` and `tell` raise only `DecodeError`. A decoder without
    `looks_like` takes any bytes and is used only when it is asked for by name. `tell` is there where the protocol's
    messages hold values in the project's one vocabulary.
    """

    name: str
    decode: Callable[[bytes], Decoded]
    looks_like: Callable[[bytes], bool] | None = None
    tell: Callable[[bytes], Told] | None = None


def decode_message(data: bytes, decoders: Sequence[MessageDecoder], protocol: str | None = None) -> Decoded:
    """What `data` says, read as `protocol` or as the first decoder that recognises it.

    Raises `SettingError` for a protocol that is not there and `DecodeError` for bytes that cannot be decoded.
    """
    return _decoder_of(data, decoders, protocol).decode(data)


def tell_message(data: bytes, decoders: Sequence[MessageDecoder], protocol: str | None = None) -> Told:
    """The values of `data`; of a message without values, what it is stands as the name of a value that is not there.

    Raises as `decode_message` does.
    """
    decoder = _decoder_of(data, decoders, protocol)
    if decoder.tell is not None:
        return decoder.tell(data)
    decoded = decoder.decode(data)
    return Told(decoded.protocol, "", (Measurement(decoded.kind, None),), decoded.problem)


def _decoder_of(data: bytes, decoders: Sequence[MessageDecoder], protocol: str | None) -> MessageDecoder:
    if protocol is not None:
        return _named(decoders, protocol)
    for decoder in decoders:
        if decoder.looks_like is not None and decoder.looks_like(data):
            return decoder
    names = ", ".join(decoder.name for decoder in decoders)
    start = data[:8].hex(" ") or "nothing"
    raise DecodeError(f"no protocol begins with {start}; name it if it is one of {names}", 0)


def _named(decoders: Sequence[MessageDecoder], protocol: str) -> MessageDecoder:
    for decoder in decoders:
        if decoder.name == protocol:
            return decoder
    names = ", ".join(decoder.name for decoder in decoders)
    raise SettingError(f"protocol {protocol!r} is not known; known are {names}")
