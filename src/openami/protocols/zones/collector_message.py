"""The messages between a collector and the head-end, declared (our own protocol). The collector calls in, always.

Each is MessagePack in a frame. Who the collector is, says its certificate and never a message.

    collector                                 head-end
    Hello                                  →  Welcome
    Upload (alarms before bulk)            →  Taken
    MetersKnown, RoutesKnown               →
    CollectorStatus                        →
    ChannelOpened | ChannelClosed          ←  OpenChannel        a circuit to one meter
    ChannelData, ChannelCredit             ↔  ChannelData, ChannelCredit
                                           ←  Trigger            ask one meter to push now

Nothing is compressed: what is sealed does not shrink, and lengths of compressed text give its content away.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from openami.model.errors import DecodeError
from openami.protocols.zones.message import (
    STATIONS_MAX,
    Address,
    Count,
    ItemNumber,
    RefusalCause,
    Seconds,
    StationView,
    Text,
)

VERSION = 1
CHANNEL_WINDOW = 1 << 16
"""How many bytes of a circuit may be under way before the receiver has taken some."""
METERS_AT_ONCE = 1024
ITEMS_AT_ONCE = 4096

SpoolName = Annotated[str, Meta(min_length=1, max_length=64)]
ChannelNumber = Annotated[int, Meta(ge=1, lt=1 << 31)]


class Lane(StrEnum):
    """What waits in a spool of its own; alarms are uploaded before bulk."""

    ALARM = "alarm"
    BULK = "bulk"


class _Message(Struct, frozen=True, tag=True, array_like=True, forbid_unknown_fields=True):
    """A message begins with the name of its class; its fields follow in their order."""


class LaneSpool(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The identity of one lane's spool: a spool that was lost and made anew has another one."""

    lane: Lane
    spool: SpoolName


class Hello(_Message, frozen=True):
    """The first message. `software` is for people."""

    version: Annotated[int, Meta(ge=0, lt=1 << 16)]
    software: Text
    spools: Annotated[list[LaneSpool], Meta(max_length=8)]


class SpoolPosition(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What was taken of a spool: everything up to `through`."""

    spool: SpoolName
    through: ItemNumber


class Welcome(_Message, frozen=True):
    """Go on behind what was taken. `at` is the head-end's clock (UTC seconds), which sets no other.

    `window_bytes` bounds what may be uploaded and not yet taken.
    """

    at: float
    taken: Annotated[list[SpoolPosition], Meta(max_length=8)]
    window_bytes: Annotated[int, Meta(ge=1 << 10, lt=1 << 31)]


class UploadItem(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One item of a collector's spool: an encoded `Collected`."""

    number: ItemNumber
    content: bytes


class Upload(_Message, frozen=True):
    """The next items of a spool, in rising order; a number that is left out was given up by the collector."""

    spool: SpoolName
    items: Annotated[list[UploadItem], Meta(min_length=1, max_length=ITEMS_AT_ONCE)]


class Taken(_Message, frozen=True):
    """All items of the spool up to `through` are on the head-end's disk; forget them."""

    spool: SpoolName
    through: ItemNumber


class KnownMeter(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A meter that the collector can reach or hear."""

    address: Address
    system_title: Annotated[bytes, Meta(max_length=32)] | None


class MetersKnown(_Message, frozen=True):
    """Meters that appeared and meters that are gone since the last such message of this connection."""

    seen: Annotated[list[KnownMeter], Meta(max_length=METERS_AT_ONCE)]
    gone: Annotated[list[Address], Meta(max_length=METERS_AT_ONCE)]


class RoutesKnown(_Message, frozen=True):
    """How stations of a mesh reach the collector now: all of them, or the first of very many."""

    stations: Annotated[list[StationView], Meta(max_length=STATIONS_MAX)]


class CollectorStatus(_Message, frozen=True):
    """Counts since the start of the process, except what is `waiting` now. `at` is the collector's clock."""

    at: float
    meters: Count
    heard: Count
    refused: Count
    given_up: Count
    waiting_alarms: Count
    waiting_bulk: Count
    spool_bytes: Count


class OpenChannel(_Message, frozen=True):
    """Open a circuit to the meter at `address`, within `timeout_s`. Channel numbers only grow."""

    channel: ChannelNumber
    address: Address
    timeout_s: Seconds


class ChannelOpened(_Message, frozen=True):
    """The meter is reached."""

    channel: ChannelNumber


class ChannelData(_Message, frozen=True):
    """Bytes of a circuit."""

    channel: ChannelNumber
    data: Annotated[bytes, Meta(min_length=1, max_length=CHANNEL_WINDOW)]


class ChannelCredit(_Message, frozen=True):
    """The receiver has taken `size` bytes: as many more may come."""

    channel: ChannelNumber
    size: Annotated[int, Meta(ge=1, le=CHANNEL_WINDOW)]


class ChannelClosed(_Message, frozen=True):
    """The circuit has ended, or was never opened: then `cause` says why."""

    channel: ChannelNumber
    cause: RefusalCause | None = None
    detail: Text = ""


class Trigger(_Message, frozen=True):
    """Ask the meter at `address` to push now."""

    address: Address


class Ping(_Message, frozen=True):
    """I am still here."""


class Collected(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a collector heard, as it came: `content` is sealed. `heard_at` is the collector's clock: it may be off."""

    heard_at: float
    address: Address
    content: bytes


_BOTH = ChannelData | ChannelCredit | ChannelClosed | Ping
CollectorMessage = Hello | Upload | MetersKnown | RoutesKnown | CollectorStatus | ChannelOpened | _BOTH
HeadendMessage = Welcome | Taken | OpenChannel | Trigger | _BOTH

_ENCODER = msgspec.msgpack.Encoder()
_OF_COLLECTOR: msgspec.msgpack.Decoder[CollectorMessage] = msgspec.msgpack.Decoder(CollectorMessage)
_OF_HEADEND: msgspec.msgpack.Decoder[HeadendMessage] = msgspec.msgpack.Decoder(HeadendMessage)
_COLLECTED: msgspec.msgpack.Decoder[Collected] = msgspec.msgpack.Decoder(Collected)


def encode_collector_message(message: CollectorMessage | HeadendMessage | Collected) -> bytes:
    """The MessagePack of a message or of an item."""
    return _ENCODER.encode(message)


def decode_collector_message(raw: bytes) -> CollectorMessage:
    """What a collector may say; raise `DecodeError` for anything else."""
    try:
        return _OF_COLLECTOR.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), 0, ("CollectorMessage",)) from error


def decode_headend_message(raw: bytes) -> HeadendMessage:
    """What the head-end may say to a collector; raise `DecodeError` for anything else."""
    try:
        return _OF_HEADEND.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), 0, ("HeadendMessage",)) from error


def decode_collected(raw: bytes) -> Collected:
    """Read the content of an item; raise `DecodeError` if it is none."""
    try:
        return _COLLECTED.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), 0, ("Collected",)) from error
