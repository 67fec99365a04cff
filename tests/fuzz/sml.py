"""SML: elements, messages, streams. The messages are our own."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.sml.conversation import (
    PROFILE_15_MINUTES,
    Known,
    answers,
    list_requests,
    profile_requests,
    refusals,
)
from openami.protocols.sml.element import integer, unsigned
from openami.protocols.sml.file import Message, decode_file, encode_file
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.messages import (
    CloseResponse,
    GetListResponse,
    GetProcParameterResponse,
    GetProfilePackResponse,
    OpenResponse,
)
from openami.protocols.sml.telegram import decode_messages, decode_sml
from openami.protocols.sml.tlv import decode_elements, encode_element
from openami.protocols.sml.transport import START_2, TransportedFile, TransportParser, encode_transport
from openami.protocols.sml.types import (
    SEC_INDEX,
    TIMESTAMP,
    ListEntry,
    ProcParValue,
    ProfileHeaderEntry,
    ProfilePeriodEntry,
    SmlTime,
    Tree,
    ValueEntry,
)

SERVER = bytes.fromhex("0a014f414d0000000001")
NOW = SmlTime(SEC_INDEX, 4711)
LIST = GetListResponse(
    None,
    SERVER,
    None,
    NOW,
    (
        ListEntry(bytes.fromhex("0100603201ff"), None, None, None, None, b"OAM"),
        ListEntry(bytes.fromhex("0100010800ff"), 0x1C0104, NOW, 30, -1, unsigned(123456, 5)),
        ListEntry(bytes.fromhex("0100100700ff"), None, None, 27, -2, integer(-10550, 2)),
    ),
)
TREE = GetProcParameterResponse(SERVER, (b"path",), Tree(b"name", None, (Tree(b"leaf", ProcParValue(4, NOW)),)))
MESSAGES = [
    encode_file([Message(b"\x01", 0, 0, body)])
    for body in (OpenResponse(None, None, b"file", SERVER, NOW, 1), LIST, TREE, CloseResponse())
]
ELEMENTS = [
    bytes.fromhex("7262016500001267"),
    bytes.fromhex("73054142434452ff01"),
    bytes.fromhex("72710162054201"),
    bytes.fromhex("0b0a014f414d0000000001"),
]
FILES = [encode_transport(b"".join(MESSAGES)), encode_transport(b"\x1b" * 9)]
SHORT = [encode_transport(MESSAGES[-1]), encode_transport(b"\x1b" * 9), START_2 + encode_transport(b"")]


@fuzz_target("sml-elements", seeds=ELEMENTS)
def elements(octets: bytes) -> None:
    """What decodes encodes to what decodes to the same."""
    found, _end = decode_elements(octets, 0, 1)
    out = bytearray()
    encode_element(found[0], out)
    assert decode_elements(bytes(out), 0, 1)[0] == found


@fuzz_target("sml-messages", seeds=MESSAGES)
def messages(octets: bytes) -> None:
    """What decodes encodes to what decodes to the same, says values, and can be shown."""
    found = decode_file(octets)
    assert decode_file(encode_file(found)) == found
    for measurement in measurements(found):
        measurement.plain()
    decode_messages(octets).plain()


@fuzz_target("sml-file", seeds=FILES)
def file(octets: bytes) -> None:
    """Any stream with a file in it is explained or refused."""
    decode_sml(octets).plain()


@fuzz_target("sml-stream", seeds=SHORT)
def stream(octets: bytes) -> None:
    """Whole or two octets at a time: the same events, and no octet lost."""
    whole, single = TransportParser(), TransportParser()
    events = whole.feed(octets) + whole.flush()
    assert [
        event for at in range(0, len(octets), 2) for event in single.feed(octets[at : at + 2])
    ] + single.flush() == events
    told = [event.raw if isinstance(event, TransportedFile) else event.data for event in events]
    assert b"".join(told) == octets


def known_profile(begin: int, end: int) -> GetProfilePackResponse:
    """One period, at the moment where the one that is asked for begins."""
    row = ProfilePeriodEntry(SmlTime(TIMESTAMP, begin), 0, (ValueEntry(unsigned(end & 0xFF, 8)),))
    column = ProfileHeaderEntry(bytes.fromhex("0100010800ff"), 30, 0)
    return GetProfilePackResponse(SERVER, NOW, 900, (PROFILE_15_MINUTES,), (column,), (row,))


KNOWN = Known(SERVER, lambda: LIST.val_list, known_profile)
ASKED = [
    encode_file(list_requests(b"client", b"\x01\x02", SERVER)),
    encode_file(profile_requests(b"client", b"\x01\x02", (900, None))),
]


@fuzz_target("sml-answers", seeds=ASKED)
def asked(octets: bytes) -> None:
    """Whatever is asked, there is an answer to each request or none at all, and it can be read."""
    found = decode_file(octets)
    told = decode_file(encode_file(answers(found, KNOWN)))
    assert {one.transaction_id for one in told} == {one.transaction_id for one in found}
    refusals(told)
