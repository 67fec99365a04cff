"""What a collector and the head-end say to each other, either of them hostile."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorRole
from openami.protocols.zones.collector_message import (
    ChannelClosed,
    ChannelCredit,
    ChannelData,
    ChannelOpened,
    Collected,
    CollectorStatus,
    Hello,
    KnownMeter,
    Lane,
    LaneSpool,
    MetersKnown,
    OpenChannel,
    Ping,
    SpoolPosition,
    Taken,
    Trigger,
    Upload,
    UploadItem,
    Welcome,
    decode_collected,
    decode_collector_message,
    decode_headend_message,
    encode_collector_message,
)
from openami.protocols.zones.collector_reading import (
    CollectorReading,
    ReadRegister,
    encode_collector_reading,
    tell_collector_reading,
)
from openami.protocols.zones.connection import Ended
from openami.protocols.zones.message import RefusalCause

HELLO = Hello(1, "openami", [LaneSpool(Lane.ALARM, "ab"), LaneSpool(Lane.BULK, "cd")])
WELCOME = Welcome(1.5, [SpoolPosition("ab", 7)], 1 << 18)
ON_CHANNEL = [ChannelData(1, b"xyz"), ChannelCredit(1, 3), ChannelClosed(1), Ping()]
COLLECTOR = [
    HELLO,
    Upload("ab", [UploadItem(8, encode_collector_message(Collected(1.0, "m1", b"sealed")))]),
    MetersKnown([KnownMeter("m1", b"OAM\0\0\0\0\1")], ["m2"]),
    CollectorStatus(1.0, 1, 2, 3, 4, 5, 6, 7),
    ChannelOpened(1),
    ChannelClosed(1, RefusalCause.TIMEOUT, "late"),
    *ON_CHANNEL,
]
HEADEND = [WELCOME, Taken("ab", 8), OpenChannel(1, "m1", 5.0), Trigger("m1"), *ON_CHANNEL]


def framed(*messages):
    raws = [encode_collector_message(message) for message in messages]
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)


READ = CollectorReading("OLD-1", 1_773_100_800, [ReadRegister(bytes((1, 0, 1, 8, 0, 255)), 1_234_567, -1, 30)])


@fuzz_target("collector-reading", [encode_collector_reading(READ)], inputs=60_000)
def collector_reading(data: bytes) -> None:
    """What a collector read with a key of its own is values or one of our errors."""
    tell_collector_reading(data)


@fuzz_target("collector-message", map(encode_collector_message, COLLECTOR), inputs=60_000)
def collector_message(data: bytes) -> None:
    """What can be read can be written."""
    encode_collector_message(decode_collector_message(data))


@fuzz_target("collector-headend-message", map(encode_collector_message, HEADEND), inputs=60_000)
def headend_message(data: bytes) -> None:
    """What can be read can be written."""
    encode_collector_message(decode_headend_message(data))


@fuzz_target("collector-item", [encode_collector_message(Collected(1.0, "m1", b"sealed"))], inputs=60_000)
def item(data: bytes) -> None:
    """An item that can be read can be written."""
    encode_collector_message(decode_collected(data))


@fuzz_target("collector-to-headend", [framed(HELLO, *COLLECTOR[1:]), framed(HELLO, ChannelOpened(1))], inputs=40_000)
def to_headend(data: bytes) -> None:
    """Whatever a collector sends, also on a circuit that is being opened, the head-end's side answers with events."""
    core = CollectorConnection(CollectorRole.HEADEND, 0.0)
    end = 4 + int.from_bytes(data[:4], "big")
    core.receive(data[:end], 0.0)
    if not core.ended and core.next_event() is not None:
        core.send(WELCOME, 0.0)
        core.send(OpenChannel(1, "m1", 5.0), 0.0)
    _events(core, data[end:])


ON_OPEN = framed(Taken("ab", 8), Trigger("m1"), ChannelData(1, b"xyz"), OpenChannel(2, "m2", 5.0), ChannelClosed(1))


@fuzz_target("collector-from-headend", [ON_OPEN, framed(ChannelData(1, b"xyz"), Ping())], inputs=40_000)
def from_headend(data: bytes) -> None:
    """Whatever the head-end sends, also on an open circuit, the collector's side answers with events."""
    core = CollectorConnection(CollectorRole.COLLECTOR, 0.0)
    core.send(HELLO, 0.0)
    core.receive(framed(WELCOME, OpenChannel(1, "m1", 5.0)), 0.0)
    core.send(ChannelOpened(1), 0.0)
    _events(core, data)


def _events(core: CollectorConnection, data: bytes) -> None:
    core.receive(data, 0.0)
    while (event := core.next_event()) is not None:
        if isinstance(event, Ended) and event.error is not None:
            raise event.error
