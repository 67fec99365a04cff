"""What carries APDUs: HDLC frames and byte streams, the parameters of SNRM and UA, the wrapper."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.dlms.framing import Garbage
from openami.protocols.dlms.hdlc.frame import decode_frame, encode_frame
from openami.protocols.dlms.hdlc.parameters import decode_parameters
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.dlms.wrapper import decode_wrapper, encode_wrapper

FRAMES = [
    bytes.fromhex("7ea00802232193bd647e"),
    bytes.fromhex("7ea02c02232110af9fe6e600601da109060760857405080101be10040e01000000065f1f0400001e1dffffc5e47e"),
]
STREAMS = [  # found by fuzzing: flags behind a known header, and a frame that lacks its closing flag
    FRAMES[0] + FRAMES[1],
    FRAMES[0][:-1] + FRAMES[1],
    FRAMES[0] * 2 + b"\x7e\x7e",
    FRAMES[0] * 2 + FRAMES[1][:-1] + b"\x6a" + FRAMES[0][1:],
]
PARAMETERS = [
    bytes.fromhex("81801205019a06019a070400000001080400000001"),
    bytes.fromhex("8180140502008006020080070400000001080400000001"),
    bytes.fromhex("81800c05017e06017e070101080101"),
]
WRAPPED = [bytes.fromhex("000100100001000dc001c100080000010000ff0200"), encode_wrapper(b"", 1, 16)]


@fuzz_target("hdlc-frame", FRAMES)
def frame(data: bytes) -> None:
    """A frame, made again, is the same frame."""
    found = decode_frame(data)
    assert decode_frame(encode_frame(found)) == found


@fuzz_target("hdlc-stream", [*FRAMES, *STREAMS], inputs=30_000)
def stream(data: bytes) -> None:
    """Whole or octet by octet: the same frames, and no octet of garbage lost."""
    whole, single = HdlcParser(), HdlcParser()
    events = whole.feed(data) + whole.flush()
    cut = [event for at in range(len(data)) for event in single.feed(data[at : at + 1])] + single.flush()
    assert [event for event in cut if not isinstance(event, Garbage)] == [
        event for event in events if not isinstance(event, Garbage)
    ]
    assert _garbage(cut) == _garbage(events)


@fuzz_target("hdlc-parameters", PARAMETERS)
def parameters(data: bytes) -> None:
    """What can be read can be said."""
    bytes(decode_parameters(data))


@fuzz_target("wrapper", WRAPPED)
def wrapper(data: bytes) -> None:
    """One wrapped APDU is what its parts make again."""
    found = decode_wrapper(data)
    assert encode_wrapper(found.apdu, found.source, found.destination) == data


def _garbage(events: list[object]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Garbage))
